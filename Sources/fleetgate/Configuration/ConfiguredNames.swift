import FleetPolicy

/// The parts of a configuration that profiles call by name.
struct ConfiguredNames {
    private let upstreams: [String]
    private let listeners: [String]

    init(_ configuration: FleetGateConfiguration) {
        upstreams = configuration.upstreams.keys.sorted()
        listeners = configuration.listeners.map(\.name)
    }

    /// Reports every name that the configuration does not have: a device would be refused, or never match, instead.
    func check(_ profiles: ProfileSet, reporting mistakes: MistakeCollector) {
        for name in profiles.upstreamNames where !upstreams.contains(name.value) {
            mistakes.report(
                .unknownName, at: name.location, key: name.key, "the configuration has no broker `\(name.value)`",
                hint: upstreams.isEmpty
                    ? "add it to `upstreams`" : "`upstreams` has \(upstreams.joined(separator: ", "))")
        }
        for name in profiles.listenerNames where !listeners.contains(name.value) {
            mistakes.report(
                .unknownName, at: name.location, key: name.key, "the configuration has no listener `\(name.value)`",
                hint: listeners.count == 1
                    ? "its listener is called `\(listeners[0])`" : "it has \(listeners.joined(separator: ", "))")
        }
    }
}

extension OperatorMistake.Code {
    /// A profile names a part of the configuration that is not there.
    static let unknownName = Self("unknown-name")
}
