internal import FleetPolicy
internal import Testing

/// Grants of the device `meter-7` of the tenant `hamburg`, compiled from a profile as the gateway's own are.
enum Grants {
    /// Publish `v/…/up/#` (QoS 1, retain), `v/…/exact` (QoS 2), nothing below `v/…/up/secret`; subscribe
    /// `v/…/down/#` (QoS 1) and `v/hamburg/jobs/#` (QoS 2, shared), nothing below `v/…/down/secret`; a will on
    /// `v/…/status` (QoS 1).
    static let publish: ProfileTree = [
        ["topic": "v/{tenant}/{device}/up/#", "qos": 1, "retain": true],
        ["topic": "v/{tenant}/{device}/exact", "qos": 2],
        ["topic": "v/{tenant}/{device}/once", "qos": 0],
    ]
    static let subscribe: ProfileTree = [
        ["topic": "v/{tenant}/{device}/down/#", "qos": 1],
        ["topic": "v/{tenant}/jobs/#", "qos": 2, "shared": true],
    ]

    /// - Parameters:
    ///   - more: further keys of the profile.
    ///   - devices: what is registered.
    static func make(
        limits: ProfileTree = ["messages": ["per-second": 1_000, "burst": 1_000]],
        onDeniedPublish: ProfileTree = "acknowledge", subscribe: ProfileTree = Grants.subscribe,
        serial: String = "7", name: ProfileTree = "meter", will: ProfileTree? = nil,
        more: [(String, ProfileTree)] = [], devices: [RegisteredDevice] = []
    ) throws -> DeviceGrant {
        let entries: [(String, ProfileTree)] = [
            ("profile", name),
            ("match", ["subject": ["O": "{fleet:slug}", "CN": "meter-{serial:digits}"]]),
            ("device", "meter-{serial}"),
            ("tenant", "{fleet}"),
            ("publish", Grants.publish),
            ("deny-publish", ["v/{tenant}/{device}/up/secret/#"]),
            ("subscribe", subscribe),
            ("deny-subscribe", ["v/{tenant}/{device}/down/secret/#"]),
            ("will", will ?? ["topic": "v/{tenant}/{device}/status", "qos": 1]),
            ("limits", limits),
            ("on-denied-publish", onDeniedPublish),
        ]
        let policy = PolicySnapshot(
            profiles: try ProfileCompiler.compile([ProfileTree.mapping(entries + more).node]).get(),
            directory: DeviceDirectory(devices)
        )
        switch policy.decide(try Self.certificate(serial: serial), Self.circumstances) {
        case .granted(let grant): return grant
        case .denied(let denial): throw denial
        }
    }

    /// A grant that asks for a registration first.
    static func registering() throws -> DeviceGrant { try Self.make(more: [("registration", "first-seen")]) }

    /// A grant that asks for a password.
    static func withPassword(_ hash: String = "hash") throws -> DeviceGrant {
        var device = RegisteredDevice(key: DeviceKey(tenant: "hamburg", deviceID: "meter-7"))
        device.passwordHash = hash
        return try Self.make(more: [("second-factor", "password")], devices: [device])
    }

    static func certificate(
        serial: String = "7", notAfter: Int64 = .max, fingerprint: UInt8 = 0
    ) throws -> CertificateAttributes {
        let subject = try #require(
            DistinguishedName(attributes: [(type: "O", value: "hamburg"), (type: "CN", value: "meter-\(serial)")])
        )
        return CertificateAttributes(
            subject: subject, issuer: DistinguishedName([]), subjectAlternativeNames: [], serialNumber: [1],
            sha256Fingerprint: [UInt8](repeating: fingerprint, count: 32), notBefore: 0, notAfter: notAfter
        )
    }

    static let anchor = ConnectionCircumstances.TrustAnchor(
        subject: DistinguishedName([]), sha256Fingerprint: [UInt8](repeating: 9, count: 32))

    static let circumstances = ConnectionCircumstances(now: 0, trustAnchor: Self.anchor)
}

/// Topics of the device in `Grants`.
enum Topic {
    static let up = "v/hamburg/meter-7/up/power"
    static let secretUp = "v/hamburg/meter-7/up/secret/key"
    static let exact = "v/hamburg/meter-7/exact"
    static let once = "v/hamburg/meter-7/once"
    static let foreign = "v/hamburg/meter-8/up/power"
    static let down = "v/hamburg/meter-7/down/set"
    static let secretDown = "v/hamburg/meter-7/down/secret/key"
    static let foreignDown = "v/hamburg/meter-8/down/set"
    static let job = "v/hamburg/jobs/1"
    static let sharedJobs = "$share/workers/v/hamburg/jobs/#"
    static let status = "v/hamburg/meter-7/status"
}
