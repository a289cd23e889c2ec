import NIOCore

extension ScenarioReader {
    func readStage(_ reader: inout KeyReader) -> Stage? {
        reader.require("name")
        reader.require("duration")
        let name = reader.text("name")?.value ?? ""
        if reader.has("name"), !FleetSpecification.isValid(name: name) || name.contains(".") {
            reader.report(
                .badValue, "name", "'\(name)' is no name for a stage",
                hint: "1 to \(SimulatorLimits.fleetNameBytesMax) letters, digits, '-' and '_'")
        }
        let duration = reader.time("duration", in: .milliseconds(1)...Self.timeMax)
        let shortest = reader.time("shortest", in: .zero...Self.timeMax) ?? .zero
        if let duration, shortest > duration {
            reader.report(.contradiction, "shortest", "it is more than 'duration'")
        }
        let isWarmUp = reader.flag("warm-up") ?? false
        let items = reader.list("actions", countMax: SimulatorLimits.scenarioListMax) ?? []
        let actions = items.compactMap { item in
            KeyReader.read(item.node, path: item.path, reporting: mistakes) { readAction(&$0) } ?? nil
        }
        guard let duration else { return nil }
        return Stage(name: name, duration: duration, shortest: shortest, actions: actions, isWarmUp: isWarmUp)
    }

    private enum ActionName: String, CaseIterable {
        case start
        case cut
        case outage
        case stop
    }

    private func readAction(_ reader: inout KeyReader) -> Stage.Action? {
        reader.require("do", hint: "start, cut, outage or stop")
        let name = reader.choice("do", ActionName.self)
        let fleets = reader.texts("fleets", countMax: SimulatorLimits.fleetsMax) ?? []
        if reader.has("fleets"), fleets.isEmpty {
            reader.report(.badValue, "fleets", "no fleet is named", hint: "leave the key out for all fleets")
        }
        fleetReferences += fleets
        let pace = pace(&reader)
        guard let name else { return nil }
        let kind: Stage.Kind
        switch name {
        case .start: kind = .start(pace ?? .atOnce)
        case .cut: kind = .cut
        case .outage: kind = .outage
        case .stop: kind = .stop
        }
        if name != .start {
            for key in ["rate", "arrivals", "ramp", "spread"] where reader.has(key) {
                reader.report(.contradiction, key, "it goes with 'do: start' only")
            }
        }
        return Stage.Action(kind: kind, fleets: fleets.map(\.value))
    }

    /// `rate` with `arrivals`, `ramp`, or `spread`; nil when none is there.
    private func pace(_ reader: inout KeyReader) -> Stage.Pace? {
        let rates = 0.001...SimulatorLimits.ratePerSecondMax
        let rate = reader.number("rate", in: rates)
        let arrivals = reader.choice("arrivals", ConnectSchedule.Arrivals.self)
        let ramp = reader.nested("ramp") { reader -> Stage.Pace? in
            reader.require("from")
            reader.require("to")
            let from = reader.number("from", in: 0...SimulatorLimits.ratePerSecondMax)
            let to = reader.number("to", in: 0...SimulatorLimits.ratePerSecondMax)
            guard let from, let to else { return nil }
            if from + to == 0 { reader.report(.badValue, "to", "both ends of the ramp are 0") }
            return .ramp(fromPerSecond: from, toPerSecond: to)
        }
        let spread = reader.time("spread", in: .milliseconds(1)...Self.timeMax)
        let given = ["rate", "ramp", "spread"].filter { reader.has($0) }
        if given.count > 1 {
            reader.report(
                .contradiction, given[1], "there is '\(given[0])' too", hint: "a start has one pace: keep one of them")
        }
        if reader.has("arrivals"), !reader.has("rate") {
            reader.report(.contradiction, "arrivals", "it goes with 'rate' only")
        }
        if let rate { return .rate(perSecond: rate, arrivals: arrivals ?? .even) }
        return (ramp ?? nil) ?? spread.map { .spread(over: $0) }
    }
}
