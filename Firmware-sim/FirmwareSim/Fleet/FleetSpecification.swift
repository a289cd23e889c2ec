import NIOCore

/// A number of devices that are alike: what their certificates say and what they publish.
struct FleetSpecification: Sendable, Equatable {
    /// Letters, digits, `-`, `_` and `.`: it is a file-name prefix in the credential cache.
    var name: String
    var count: Int
    var subject: SubjectTemplate
    /// SAN entries, in the order of the certificate.
    var alternativeNames: [AlternativeNameTemplate]
    var clientID: TextTemplate
    var topic: TextTemplate
    var publishing: Publishing

    /// What a device sends while it is connected.
    struct Publishing: Sendable, Equatable {
        /// Between the publishes of one device; zero: it publishes nothing.
        var period: TimeAmount
        var payloadBytes: Int
        /// 0 or 1.
        var qos: UInt8
    }

    enum AlternativeNameKind: String, Sendable, CaseIterable {
        case dns
        case uri
        case email
    }

    struct AlternativeNameTemplate: Sendable, Equatable {
        var kind: AlternativeNameKind
        var value: TextTemplate
    }

    static let defaultSubject = "CN={fleet}-{n:06}"
    static let defaultTopic = "devices/{device}/telemetry"
    static let defaultClientID = "{device}"

    static let clientIDVariables = Set<TextTemplate.Variable>([.number, .fleet, .device])
        .union(SubjectAttribute.allCases.map { .attribute($0) })
    static let topicVariables = clientIDVariables.union([.client])
}

/// What a `--fleet` option takes where it does not say otherwise: the run's own options.
struct FleetDefaults: Sendable {
    var count: Int
    var subject: String
    var topic: String
    var clientID: String
    var publishing: FleetSpecification.Publishing
}

extension FleetSpecification {
    /// The keys of a `--fleet` option, in the order in which help names them.
    enum Key: String, CaseIterable {
        case name
        case count
        case subject
        case san
        case clientID = "client-id"
        case topic
        case qos
        case period
        case payloadBytes = "payload-bytes"
    }

    /// The fleet of a run without `--fleet` options.
    init(name: String, defaults: FleetDefaults) throws(SimulatorError) {
        try self.init(fields: [.name: [name]], defaults: defaults)
    }

    /// Reads `name=meters;count=100;subject=O=Elbe Netz,CN=meter-{n:06};topic=…`. The fields are separated by
    /// semicolons, each ends its key at its first `=`; spaces around both are ignored, and only `san` may be repeated.
    init(option text: String, defaults: FleetDefaults) throws(SimulatorError) {
        var fields: [Key: [String]] = [:]
        for field in text.split(separator: ";", omittingEmptySubsequences: true) {
            guard let equals = field.firstIndex(of: "=") else {
                throw .options("bad-fleet", "--fleet '\(text)': '\(field)' is not KEY=VALUE")
            }
            let name = field[..<equals].trimmingSpaces()
            guard let key = Key(rawValue: name) else {
                let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
                throw .options("bad-fleet", "--fleet '\(text)': no key '\(name)'; known are \(known)")
            }
            guard fields[key] == nil || key == .san else {
                throw .options("bad-fleet", "--fleet '\(text)': '\(name)' is there twice")
            }
            fields[key, default: []].append(field[field.index(after: equals)...].trimmingSpaces())
        }
        guard fields[.name] != nil else {
            throw .options("bad-fleet", "--fleet '\(text)' has no name=")
        }
        try self.init(fields: fields, defaults: defaults)
    }

    private init(fields: [Key: [String]], defaults: FleetDefaults) throws(SimulatorError) {
        func field(_ key: Key) -> String? { fields[key]?.first }

        let name = field(.name) ?? ""
        guard Self.isValid(name: name) else {
            throw .options(
                "bad-fleet-name",
                "fleet name '\(name)': 1 to \(SimulatorLimits.fleetNameBytesMax) letters, digits, '-', '_' or '.', "
                    + "beginning with a letter or digit")
        }
        self.name = name
        self.count =
            try field(.count).map { text throws(SimulatorError) in
                try Self.integer(text, key: .count, fleet: name, in: 1...SimulatorLimits.devicesMax)
            } ?? defaults.count
        self.subject = try SubjectTemplate(field(.subject) ?? defaults.subject)
        self.alternativeNames = []
        for entry in fields[.san] ?? [] {
            self.alternativeNames.append(try Self.alternativeName(entry))
        }
        self.clientID = try TextTemplate(field(.clientID) ?? defaults.clientID, allowing: Self.clientIDVariables)
        self.topic = try TextTemplate(field(.topic) ?? defaults.topic, allowing: Self.topicVariables)
        self.publishing = defaults.publishing
        if let text = field(.qos) {
            self.publishing.qos = UInt8(try Self.integer(text, key: .qos, fleet: name, in: 0...1))
        }
        if let text = field(.period) {
            self.publishing.period = try DurationText.parse(text, option: "\(name): period", allowingZero: true)
        }
        if let text = field(.payloadBytes) {
            self.publishing.payloadBytes = try Self.integer(
                text, key: .payloadBytes, fleet: name, in: 0...SimulatorLimits.payloadBytesMax)
        }
        try requireDistinctDevices()
    }

    static func alternativeName(_ entry: String) throws(SimulatorError) -> AlternativeNameTemplate {
        guard let colon = entry.firstIndex(of: ":"),
            let kind = AlternativeNameKind(rawValue: entry[..<colon].lowercased()),
            case let value = entry[entry.index(after: colon)...].trimmingSpaces(), !value.isEmpty
        else {
            throw .options("bad-san", "san '\(entry)' is not dns:NAME, uri:URI or email:ADDRESS")
        }
        return AlternativeNameTemplate(kind: kind, value: try TextTemplate(value, allowing: [.number, .fleet]))
    }

    static func isValid(name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= SimulatorLimits.fleetNameBytesMax else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return isAlphanumeric(first)
            && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
    }

    private static func integer(
        _ text: String, key: Key, fleet: String, in range: ClosedRange<Int>
    ) throws(SimulatorError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw .options(
                "bad-fleet",
                "fleet \(fleet): \(key.rawValue)=\(text) is not a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    /// Two devices with one client id throw each other off the broker for ever, which looks like a fault of the server.
    func requireDistinctDevices() throws(SimulatorError) {
        guard count > 1 else { return }
        let names = subject.attributes.first { $0.type == .commonName }
        guard names?.value.dependsOnDevice == true else {
            throw .options("devices-alike", "fleet \(name): the CN is the same for all devices; put {n} into it")
        }
        guard clientID.dependsOnDevice else {
            throw .options("devices-alike", "fleet \(name): the client id is the same for all devices; put {n} into it")
        }
    }
}
