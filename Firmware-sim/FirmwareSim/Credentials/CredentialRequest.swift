/// What a device's credential is to be: all that issuing needs to know of a device.
struct CredentialRequest: Sendable {
    let fleet: String
    /// The device's number in its fleet, from 1.
    let number: Int
    let subject: SubjectTemplate.Subject
    let alternativeNames: [(kind: FleetSpecification.AlternativeNameKind, value: String)]
    let kind: CredentialKind
    let keyType: DeviceKeyType

    init(_ device: SimulatedDevice) {
        fleet = device.fleet
        number = device.number
        subject = device.subject
        alternativeNames = device.alternativeNames
        kind = device.credential
        keyType = device.keyType
    }

    /// - Throws: ``SimulatorError`` if the subject comes out longer than a certificate may hold.
    init(
        _ number: Int, of fleet: FleetSpecification, kind: CredentialKind, keyType: DeviceKeyType
    ) throws(SimulatorError) {
        let values = TemplateValues(number: number, fleet: fleet.name)
        self.fleet = fleet.name
        self.number = number
        subject = try fleet.subject.render(values)
        alternativeNames = fleet.alternativeNames.map { ($0.kind, $0.value.render(values)) }
        self.kind = kind
        self.keyType = keyType
    }

    /// Every device of the fleets, in order.
    ///
    /// - Throws: ``SimulatorError`` `too-many-devices`, `subject-too-long`.
    static func all(of fleets: [CredentialFleet]) throws(SimulatorError) -> [CredentialRequest] {
        let total = fleets.reduce(0) { $0 + min($1.specification.count, SimulatorLimits.devicesMax) }
        guard fleets.count <= SimulatorLimits.fleetsMax, total <= SimulatorLimits.devicesMax else {
            throw .options(
                "too-many-devices",
                "at most \(SimulatorLimits.fleetsMax) fleets and \(SimulatorLimits.devicesMax) devices in all")
        }
        var requests: [CredentialRequest] = []
        requests.reserveCapacity(total)
        for fleet in fleets {
            for number in 1...max(1, fleet.specification.count) {
                requests.append(
                    try CredentialRequest(number, of: fleet.specification, kind: fleet.kind, keyType: fleet.keyType))
            }
        }
        return requests
    }

    /// How the device is called in errors and files.
    var label: String { "device \(number) of fleet \(fleet)" }
}

/// A fleet as far as its certificates go.
struct CredentialFleet: Sendable {
    var specification: FleetSpecification
    var kind: CredentialKind
    var keyType: DeviceKeyType
}

extension CredentialFleet {
    init(_ fleet: ScenarioFleet) {
        self.init(specification: fleet.specification, kind: fleet.credential, keyType: fleet.keyType)
    }
}
