/// One device of a fleet with everything its templates say about it.
struct SimulatedDevice: Sendable {
    /// Its place in the run's list of devices, from 0.
    let index: Int
    let fleet: String
    /// Its number in its fleet, from 1.
    let number: Int
    let subject: SubjectTemplate.Subject
    let alternativeNames: [(kind: FleetSpecification.AlternativeNameKind, value: String)]
    let clientID: String
    let topic: String
    let publishing: FleetSpecification.Publishing

    /// The common name of its certificate.
    var name: String { subject.commonName }

    /// Renders all devices of all fleets, and checks that no two of them have the same client id.
    static func all(of fleets: [FleetSpecification]) throws(SimulatorError) -> [SimulatedDevice] {
        var devices: [SimulatedDevice] = []
        var fleetNames: Set<String> = []
        var owners: [String: String] = [:]
        let total = fleets.reduce(0) { $0 + $1.count }
        guard fleets.count <= SimulatorLimits.fleetsMax, total <= SimulatorLimits.devicesMax else {
            throw .options(
                "too-many-devices",
                "at most \(SimulatorLimits.fleetsMax) fleets and \(SimulatorLimits.devicesMax) devices in all")
        }
        devices.reserveCapacity(total)
        owners.reserveCapacity(total)
        for fleet in fleets {
            guard fleetNames.insert(fleet.name).inserted else {
                throw .options("fleet-twice", "two fleets are called \(fleet.name)")
            }
            for number in 1...max(1, fleet.count) {
                let device = try SimulatedDevice(number, of: fleet, index: devices.count)
                if let other = owners.updateValue("\(fleet.name) \(number)", forKey: device.clientID) {
                    throw .options(
                        "client-id-twice",
                        "devices '\(other)' and '\(fleet.name) \(number)' both have the client id '\(device.clientID)'")
                }
                devices.append(device)
            }
        }
        return devices
    }

    private init(_ number: Int, of fleet: FleetSpecification, index: Int) throws(SimulatorError) {
        var values = TemplateValues(number: number, fleet: fleet.name)
        let subject = try fleet.subject.render(values)
        self.alternativeNames = fleet.alternativeNames.map { ($0.kind, $0.value.render(values)) }
        values.device = subject.commonName
        values.attributes = subject.values
        let clientID = fleet.clientID.render(values)
        values.client = clientID
        let topic = fleet.topic.render(values)
        guard !clientID.isEmpty, clientID.utf8.count <= SimulatorLimits.mqttStringBytesMax else {
            throw .options("bad-client-id", "fleet \(fleet.name), device \(number): the client id is empty or too long")
        }
        guard Self.isPublishable(topic) else {
            throw .options(
                "bad-topic",
                "fleet \(fleet.name), device \(number): '\(topic)' is not a topic one can publish to: it must not be "
                    + "empty, hold '+' or '#', or be over \(SimulatorLimits.mqttStringBytesMax) bytes")
        }
        self.index = index
        self.fleet = fleet.name
        self.number = number
        self.subject = subject
        self.clientID = clientID
        self.topic = topic
        self.publishing = fleet.publishing
    }

    /// MQTT 5.0 section 4.7: no wildcards, no U+0000, not empty.
    private static func isPublishable(_ topic: String) -> Bool {
        let bytes = topic.utf8
        return !bytes.isEmpty && bytes.count <= SimulatorLimits.mqttStringBytesMax
            && !bytes.contains { $0 == 0x2B || $0 == 0x23 || $0 == 0 }
    }
}
