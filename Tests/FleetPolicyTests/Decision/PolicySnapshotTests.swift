import FleetPolicy
import Testing

/// The decision table: mode × state × pins × expiry × quarantine.
@Suite struct PolicySnapshotTests {
    private static let key = DeviceKey(tenant: "t", deviceID: "d1")
    private static let now = ConnectionCircumstances.usual.now

    private static let rescue = """
        profile: rescue
        abstract: true
        publish: ["rescue/{device}/{line}"]
        limits: { subscriptions: 1 }
        """

    private func snapshot(
        _ more: String = "", quarantine: String? = nil, _ devices: RegisteredDevice...
    ) throws -> PolicySnapshot {
        var main = """
            profile: main
            match: { subject: { CN: "{id}", OU: "{line:slug}" } }
            device: "{id}"
            tenant: t
            topic-prefix: "{tenant}/"
            publish: ["main/{device}"]

            """ + more
        if let quarantine { main += "\nquarantine: { profile: rescue, \(quarantine) }\n" }
        return PolicySnapshot(
            profiles: try compile(main, Self.rescue).get(), directory: DeviceDirectory(devices))
    }

    private func device(
        _ state: DeviceState = .active, _ change: (inout RegisteredDevice) -> Void = { _ in }
    ) -> RegisteredDevice {
        var device = RegisteredDevice(key: Self.key, state: state, profile: "main")
        change(&device)
        return device
    }

    private func leaf(expiredFor seconds: Int64 = -1_000, _ subject: String = "CN=d1,OU=l1") throws
        -> CertificateAttributes
    {
        CertificateAttributes(
            subject: try #require(DistinguishedName(rfc4514: subject)), issuer: DistinguishedName([]),
            subjectAlternativeNames: [], serialNumber: [1], sha256Fingerprint: [UInt8](repeating: 7, count: 32),
            notBefore: 0, notAfter: Self.now - seconds,
            publicKey: PublicKeyDescription(
                algorithm: .rsa, bits: 2_048, sha256: [UInt8](repeating: 8, count: 32)))
    }

    /// `main`, `rescue/REASON`, or the code; `+STATE` when the device is to be registered.
    private func summary(_ decision: PolicyDecision) -> String {
        switch decision {
        case .granted(let grant):
            grant.profileName + (grant.quarantine.map { "/\($0.rawValue)" } ?? "")
                + (grant.registration.map { "+\($0.state.rawValue)" } ?? "")
        case .denied(let denial):
            denial.code.rawValue + (denial.registration.map { "+\($0.state.rawValue)" } ?? "")
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var mode = "open"
        var state: DeviceState?
        var quarantine: String?
        var expiredFor: Int64 = -1_000
        let expected: String

        init(
            _ mode: String, _ state: DeviceState?, _ quarantine: String? = nil, expiredFor: Int64 = -1_000,
            gets expected: String
        ) {
            self.mode = mode
            self.state = state
            self.quarantine = quarantine
            self.expiredFor = expiredFor
            self.expected = expected
        }

        var testDescription: String { "\(mode) \(state?.rawValue ?? "none") \(quarantine ?? "-") \(expiredFor)" }
    }

    private static let approval = "{ mode: first-seen, approval: true }"
    private static let all = "expired: 30d, suspended: true, pending: true, unregistered: true"

    @Test(arguments: [
        Row("open", nil, gets: "main"), Row("open", .active, gets: "main"),
        Row("open", .suspended, gets: "device-suspended"),
        Row("open", .pending, gets: "device-pending"), Row("open", .retired, gets: "device-retired"),
        Row("first-seen", nil, gets: "main+active"), Row("first-seen", .active, gets: "main"),
        Row("first-seen", .suspended, gets: "device-suspended"), Row("first-seen", .pending, gets: "device-pending"),
        Row("first-seen", .retired, gets: "device-retired"),
        Row(approval, nil, gets: "device-pending+pending"), Row(approval, .pending, gets: "device-pending"),
        Row(approval, .active, gets: "main"), Row(approval, .retired, gets: "device-retired"),
        Row("listed", nil, gets: "not-registered"), Row("listed", .active, gets: "main"),
        Row("listed", .retired, gets: "device-retired"),
        Row("listed", .suspended, gets: "device-suspended"),
        // Quarantine.
        Row("open", .suspended, all, gets: "rescue/suspended"), Row("open", .pending, all, gets: "rescue/pending"),
        Row("open", .retired, all, gets: "device-retired"), Row("open", nil, all, gets: "main"),
        Row("listed", nil, all, gets: "rescue/unregistered"), Row(approval, nil, all, gets: "rescue/pending+pending"),
        Row("first-seen", nil, all, gets: "main+active"), Row("listed", nil, "expired: 1d", gets: "not-registered"),
        Row("open", .suspended, "pending: true", gets: "device-suspended"),
        Row("open", .pending, "suspended: true", gets: "device-pending"),
        Row(approval, nil, "unregistered: true", gets: "device-pending+pending"),
        // Expiry.
        Row("open", nil, expiredFor: 0, gets: "main"), Row("open", nil, expiredFor: 1, gets: "certificate-expired"),
        Row("open", .active, expiredFor: 1, gets: "certificate-expired"),
        Row("open", nil, "suspended: true", expiredFor: 1, gets: "certificate-expired"),
        Row("open", nil, "expired: 10s", expiredFor: 10, gets: "rescue/expired"),
        Row("open", nil, "expired: 10s", expiredFor: 11, gets: "certificate-expired"),
        Row("first-seen", nil, "expired: 10s", expiredFor: 5, gets: "rescue/expired"),
        Row("first-seen", nil, expiredFor: 5, gets: "certificate-expired"),
        Row(approval, nil, all, expiredFor: 5, gets: "rescue/pending"),
        Row(approval, nil, "pending: true", expiredFor: 5, gets: "certificate-expired"),
        Row(approval, nil, expiredFor: 5, gets: "certificate-expired"),
        Row("open", .suspended, "suspended: true", expiredFor: 5, gets: "certificate-expired"),
        Row("open", .suspended, all, expiredFor: 5, gets: "rescue/suspended"),
        Row("open", .retired, all, expiredFor: 5, gets: "device-retired"),
        Row("listed", nil, all, expiredFor: 5, gets: "rescue/unregistered"),
        Row("listed", nil, all, expiredFor: 2_592_001, gets: "certificate-expired"),
    ])
    func modeStateExpiryQuarantine(row: Row) throws {
        var snapshot = try snapshot("registration: \(row.mode)\n", quarantine: row.quarantine)
        if let state = row.state { snapshot.directory = DeviceDirectory([device(state)]) }
        #expect(summary(snapshot.decide(try leaf(expiredFor: row.expiredFor), .usual)) == row.expected)
        #expect(
            snapshot.explain(try leaf(expiredFor: row.expiredFor), .usual).outcome.isGranted
                == (row.expected.hasPrefix("main") || row.expected.hasPrefix("rescue")))
    }

    @Test func aQuarantineProfileHasTheDevicesOwnCapturesAndPrefix() throws {
        let snapshot = try snapshot("second-factor: password\n", quarantine: Self.all, device(.suspended))
        let grant = try #require(snapshot.decide(try leaf(), .usual).grant)
        #expect(grant.publish("rescue/d1/l1") == .granted)
        #expect(grant.publish("main/d1") == .denied(.topicNotAllowed))
        #expect(grant.topicPrefix == "t/")
        #expect(grant.limits.subscriptionsMax == 1)
        #expect(grant.secondFactor == nil)
        #expect(grant.key == Self.key)
    }

    // MARK: Quota

    @Test(arguments: [(0, "main+active"), (1, "main+active"), (2, "registration-quota-exceeded")])
    func quota(others: Int, expected: String) throws {
        var snapshot = try snapshot("registration: { mode: first-seen, quota: 2 }\n", quarantine: Self.all)
        snapshot.directory = DeviceDirectory(
            (0..<others).map {
                RegisteredDevice(
                    key: DeviceKey(tenant: "t", deviceID: "o\($0)"), state: .retired, profile: "main",
                    isSelfRegistered: true)
            })
        #expect(summary(snapshot.decide(try leaf(), .usual)) == expected)
        snapshot.directory = snapshot.directory.applying(
            (0..<10).map {
                .set(RegisteredDevice(key: DeviceKey(tenant: "t", deviceID: "i\($0)"), profile: "main"))
            })
        #expect(summary(snapshot.decide(try leaf(), .usual)) == expected, "what was imported does not count")
    }

    // MARK: Pins

    private static func pin(_ kind: CertificatePin.Kind, _ byte: UInt8) throws -> CertificatePin {
        try #require(CertificatePin(kind, sha256: [UInt8](repeating: byte, count: 32)))
    }

    @Test(
        arguments: [
            ([(.certificate, 7)], "main"), ([(.publicKey, 8)], "main"), ([(.certificate, 8)], "certificate-not-pinned"),
            ([(.publicKey, 7)], "certificate-not-pinned"), ([(.certificate, 1), (.publicKey, 8)], "main"),
            ([(.certificate, 1), (.publicKey, 2)], "certificate-not-pinned"), ([], "main"),
        ] as [([(CertificatePin.Kind, UInt8)], String)])
    func pinsOfTheDevice(pins: [(CertificatePin.Kind, UInt8)], expected: String) throws {
        let all = try pins.map { try Self.pin($0.0, $0.1) }
        let snapshot = try snapshot("", quarantine: Self.all, device { $0.pins = all })
        #expect(summary(snapshot.decide(try leaf(), .usual)) == expected)
    }

    @Test func aPinOfAnotherDeviceRefuses() throws {
        let other = RegisteredDevice(
            key: DeviceKey(tenant: "t", deviceID: "d2"), pins: [try Self.pin(.certificate, 7)])
        #expect(summary(try snapshot("", other).decide(try leaf(), .usual)) == "pinned-to-another-device")
        let both = device { $0.pins = other.pins }
        #expect(summary(try snapshot("", other, both).decide(try leaf(), .usual)) == "main")
    }

    @Test(
        arguments: [
            ("main", DeviceState.active, "main"), ("", .active, "untrusted-issuer"),
            ("gone", .active, "untrusted-issuer"),
            ("rescue", .active, "untrusted-issuer"), ("main", .suspended, "device-suspended"),
            ("main", .retired, "device-retired"),
        ])
    func aPinnedCertificateNeedsNoTrustAnchor(profile: String, state: DeviceState, expected: String) throws {
        let pinned = try Self.pin(.publicKey, 8)
        let device = device(state) {
            $0.profile = profile
            $0.pins = [pinned]
        }
        let untrusted = ConnectionCircumstances.usual.with { $0.trustAnchor = nil }
        let snapshot = try snapshot("", device)
        #expect(summary(snapshot.decide(try leaf("CN=\\#,O=anything"), untrusted)) == expected)
        let foreign = snapshot.decide(try leaf("CN=\\#,O=anything"), .usual)
        #expect(summary(foreign) == (expected == "untrusted-issuer" ? "no-matching-profile" : expected))
        #expect(foreign.grant?.key ?? Self.key == Self.key)
    }

    @Test func withoutAnchorAndPinNothingIsTried() throws {
        let untrusted = ConnectionCircumstances.usual.with { $0.trustAnchor = nil }
        let snapshot = try snapshot("", device())
        #expect(summary(snapshot.decide(try leaf(), untrusted)) == "untrusted-issuer")
        #expect(snapshot.explain(try leaf(), untrusted).trials.isEmpty)
    }

    @Test func aPinnedDevicesCapturesAreItsAttributes() throws {
        let pinned = try Self.pin(.certificate, 7)
        let untrusted = ConnectionCircumstances.usual.with { $0.trustAnchor = nil }
        for (attributes, expected) in [
            (["line": "l9"], "rescue/suspended"), ([:], "missing-attribute"), (["line": "#"], "bad-placeholder-value"),
            (["line": ""], "bad-placeholder-value"),
        ] {
            let device = device(.suspended) {
                $0.pins = [pinned]
                $0.attributes = attributes
            }
            let decision = try snapshot("", quarantine: Self.all, device).decide(try leaf("CN=x,OU=zz"), untrusted)
            #expect(summary(decision) == expected)
            if let grant = decision.grant { #expect(grant.publish("rescue/d1/l9") == .granted) }
        }
    }

    // MARK: Values of the registry

    @Test(
        arguments: [
            (["site": "hh"], "main"), ([:], "missing-attribute"), (["Site": "hh"], "missing-attribute"),
            (["site": "a/b"], "bad-placeholder-value"), (["site": "+"], "bad-placeholder-value"),
        ] as [([String: String], String)])
    func attributesStandInTopics(attributes: [String: String], expected: String) throws {
        let more = "subscribe: [\"s/{registry.site}/#\"]\n"
        let decision = try snapshot(more, device { $0.attributes = attributes }).decide(try leaf(), .usual)
        #expect(summary(decision) == expected)
        if let grant = decision.grant { #expect(grant.subscribe("s/hh/x", qos: 1) == .granted(maximumQoS: 1)) }
        #expect(summary(try snapshot(more).decide(try leaf(), .usual)) == "missing-attribute")
    }

    @Test func theSecondFactorIsTheRegistrys() throws {
        let more = "second-factor: password\n"
        #expect(summary(try snapshot(more).decide(try leaf(), .usual)) == "no-password-set")
        #expect(summary(try snapshot(more, device()).decide(try leaf(), .usual)) == "no-password-set")
        let withHash = try snapshot(more, device { $0.passwordHash = "h" })
        #expect(withHash.decide(try leaf(), .usual).grant?.secondFactor == SecondFactor(passwordHash: "h"))
        #expect(withHash.explain(try leaf(), .usual).registration?.hasPassword == true)
    }

    @Test func overridesReplaceLimitsWithinBounds() throws {
        let snapshot = try snapshot(
            "",
            device {
                $0.overrides.packetBytesMax = 1_024
                $0.overrides.messagesPerSecond = 0
                $0.overrides.connectionsMax = 7
                $0.overrides.sessionExpirySecondsMax = .max
            })
        let limits = try #require(snapshot.decide(try leaf(), .usual).grant).limits
        #expect(limits.packetBytesMax == 1_024)
        #expect(limits.messageRate.perSecond == 1)
        #expect(limits.connections.maximum == 1)
        #expect(limits.sessionExpirySecondsMax == 31_536_000)
    }

    @Test func grantsDifferInWhatASessionDependsOn() throws {
        let plain = try #require(try snapshot().decide(try leaf(), .usual).grant)
        #expect(try snapshot().decide(try leaf(), .usual).grant == plain)
        #expect(try snapshot("registration: first-seen\n").decide(try leaf(), .usual).grant == plain)
        for more in [
            "upstream: b\n", "client-id: equal\n", "limits: { subscriptions: 1 }\n", "subscribe: [\"x\"]\n",
            "on-lost-subscription: disconnect\n",
        ] {
            #expect(try snapshot(more).decide(try leaf(), .usual).grant != plain, "\(more)")
        }
        let overridden = try snapshot("", device { $0.overrides.subscriptionsMax = 2 })
        #expect(overridden.decide(try leaf(), .usual).grant != plain)
    }

    @Test func extremeTimesAreAnswered() throws {
        for now in [Int64.min, .max] {
            for seconds in [-Int64.max + Self.now, 0] {
                let circumstances = ConnectionCircumstances.usual.with { $0.now = now }
                _ = try snapshot(quarantine: Self.all).decide(try leaf(expiredFor: seconds), circumstances)
            }
        }
    }
}
