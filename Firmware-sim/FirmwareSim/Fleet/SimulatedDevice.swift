/// One device of a fleet with everything its templates say about it.
struct SimulatedDevice: Sendable {
    /// Its place in the run's list of devices, from 0.
    let index: Int
    let fleet: String
    /// Its fleet's place in the run's list of fleets, from 0.
    let fleetIndex: Int
    /// What kind of certificate it shows.
    let credential: CredentialKind
    let keyType: DeviceKeyType
    /// Its number in its fleet, from 1.
    let number: Int
    let subject: SubjectTemplate.Subject
    let alternativeNames: [(kind: FleetSpecification.AlternativeNameKind, value: String)]
    let clientID: String
    /// Its own topic (``FleetSpecification/topic``): where a misdeed goes that needs no other.
    let topic: String
    /// What its firmware's templates come to.
    let texts: FirmwareTexts

    /// The common name of its certificate.
    var name: String { subject.commonName }

    /// What the device's templates are rendered with.
    ///
    /// - Parameter peer: The name of the other device, where there is one.
    func templateValues(peer: String = "") -> TemplateValues {
        TemplateValues(
            number: number, fleet: fleet, device: name, client: clientID, peer: peer, attributes: subject.values)
    }

    /// Renders all devices of all fleets, and checks that no two of them have the same client id and that every topic is
    /// one.
    ///
    /// - Throws: ``SimulatorError`` naming the fleet and the device.
    static func all(of fleets: [ScenarioFleet]) throws(SimulatorError) -> [SimulatedDevice] {
        var devices: [SimulatedDevice] = []
        var fleetNames: Set<String> = []
        var owners: [String: String] = [:]
        let total = fleets.reduce(0) { $0 + $1.specification.count }
        guard fleets.count <= SimulatorLimits.fleetsMax, total <= SimulatorLimits.devicesMax else {
            throw .options(
                "too-many-devices",
                "at most \(SimulatorLimits.fleetsMax) fleets and \(SimulatorLimits.devicesMax) devices in all")
        }
        devices.reserveCapacity(total)
        owners.reserveCapacity(total)
        for (fleetIndex, fleet) in fleets.enumerated() {
            guard fleetNames.insert(fleet.name).inserted else {
                throw .options("fleet-twice", "two fleets are called \(fleet.name)")
            }
            for number in 1...max(1, fleet.specification.count) {
                let device = try SimulatedDevice(number, of: fleet, fleetIndex: fleetIndex, index: devices.count)
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

    private init(
        _ number: Int, of scenarioFleet: ScenarioFleet, fleetIndex: Int, index: Int
    ) throws(SimulatorError) {
        let fleet = scenarioFleet.specification
        var values = TemplateValues(number: number, fleet: fleet.name)
        let subject = try fleet.subject.render(values)
        self.alternativeNames = fleet.alternativeNames.map { ($0.kind, $0.value.render(values)) }
        values.device = subject.commonName
        values.attributes = subject.values
        let clientID = fleet.clientID.render(values)
        values.client = clientID
        guard !clientID.isEmpty, clientID.utf8.count <= SimulatorLimits.mqttStringBytesMax else {
            throw .options("bad-client-id", "fleet \(fleet.name), device \(number): the client id is empty or too long")
        }
        do {
            self.topic = try FirmwareTexts.topic(fleet.topic, values)
            self.texts = try FirmwareTexts(scenarioFleet.firmware, values)
        } catch {
            throw .options(error.code, "fleet \(fleet.name), device \(number): \(error.explanation)")
        }
        self.index = index
        self.fleet = fleet.name
        self.fleetIndex = fleetIndex
        self.credential = scenarioFleet.credential
        self.keyType = scenarioFleet.keyType
        self.number = number
        self.subject = subject
        self.clientID = clientID
    }
}
