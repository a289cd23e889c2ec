import FleetPolicy
import Foundation
import Testing

/// What trust does to decisions: revocation before all, then the anchor's tenants, then suspicions.
@Suite struct PolicySnapshotTrustTests {
    private typealias Fixture = TrustFixture

    private static let key = DeviceKey(tenant: "t", deviceID: "d1")
    private static let rescue = "profile: rescue\nabstract: true\npublish: [\"rescue/{device}\"]\n"
    private static let every = "expired: 30d, suspended: true, pending: true, unregistered: true, cloned: true"

    private func snapshot(
        _ trust: TrustSnapshot, registration: String = "open", quarantine: String? = nil,
        _ devices: RegisteredDevice...
    ) throws -> PolicySnapshot {
        let main = """
            profile: main
            match: { subject: { CN: "{id}", O: "{org}" } }
            device: "{id}"
            tenant: "{org}"
            publish: ["main/{device}"]
            registration: \(registration)

            """
        let rest = quarantine.map { "quarantine: { profile: rescue, \($0) }\n" } ?? ""
        return PolicySnapshot(
            profiles: try compile(main + rest, Self.rescue).get(), directory: DeviceDirectory(devices), trust: trust)
    }

    private func leaf(_ subject: String = "CN=d1,O=t", expiredFor seconds: Int64 = -1_000) throws
        -> CertificateAttributes
    {
        CertificateAttributes(
            subject: try #require(DistinguishedName(rfc4514: subject)), issuer: DistinguishedName([]),
            subjectAlternativeNames: [], serialNumber: [0x0A, 0x0B], sha256Fingerprint: Fixture.fingerprint,
            notBefore: 0, notAfter: Fixture.now - seconds,
            publicKey: PublicKeyDescription(algorithm: .rsa, bits: 2_048, sha256: [UInt8](repeating: 8, count: 32)))
    }

    private static let circumstances = ConnectionCircumstances.usual.with { $0.chain = Fixture.chain }

    /// `main`, `rescue/REASON`, or the code; `+STATE` when the device is to be registered.
    private func outcome(
        _ snapshot: PolicySnapshot, _ certificate: CertificateAttributes,
        _ circumstances: ConnectionCircumstances = circumstances
    ) -> String {
        switch snapshot.decide(certificate, circumstances) {
        case .granted(let grant):
            grant.profileName + (grant.quarantine.map { "/\($0.rawValue)" } ?? "")
                + (grant.registration.map { "+\($0.state.rawValue)" } ?? "")
        case .denied(let denial): denial.code.rawValue
        }
    }

    private var revoked: TrustSnapshot { Fixture.trust(.optional, Fixture.list(Fixture.intermediate, [0x0A, 0x0B])) }

    private var cloned: TrustSnapshot { TrustSnapshot(suspectedClones: [Fixture.fingerprint]) }

    private func device(_ state: DeviceState, pinned: Bool = false) -> RegisteredDevice {
        var device = RegisteredDevice(key: Self.key, state: state, profile: "main")
        if pinned { device.pins = CertificatePin(.certificate, sha256: Fixture.fingerprint).map { [$0] } ?? [] }
        return device
    }

    @Test func aGoodChainChangesNothing() throws {
        let trust = Fixture.trust(
            .required(graceSeconds: 0), Fixture.list(Fixture.root), Fixture.list(Fixture.intermediate))
        #expect(self.outcome(try self.snapshot(trust), try self.leaf()) == "main")
    }

    @Test func revocationComesBeforeEverything() throws {
        // Before a profile that does not match, a retired device, an expired certificate, a registration, a quarantine.
        #expect(self.outcome(try self.snapshot(self.revoked), try self.leaf("OU=none")) == "certificate-revoked")
        for state in DeviceState.allCases {
            let snapshot = try self.snapshot(self.revoked, quarantine: Self.every, self.device(state))
            #expect(self.outcome(snapshot, try self.leaf(expiredFor: 5)) == "certificate-revoked")
        }
        let new = try self.snapshot(
            self.revoked, registration: "{ mode: first-seen, approval: true }", quarantine: Self.every)
        #expect(new.decide(try self.leaf(), Self.circumstances).denial?.registration == nil)
        var both = self.revoked
        both.suspectedClones = [Fixture.fingerprint]
        #expect(
            self.outcome(try self.snapshot(both, quarantine: Self.every), try self.leaf()) == "certificate-revoked")
    }

    @Test func aRevokedPinnedCertificateIsRefused() throws {
        var trust = TrustSnapshot.empty
        let snapshot = try self.snapshot(
            trust, registration: "open", quarantine: nil, self.device(.active, pinned: true))
        let untrusted = ConnectionCircumstances.usual.with { $0.trustAnchor = nil }
        #expect(self.outcome(snapshot, try self.leaf(), untrusted) == "main")
        trust.revokedFingerprints = [Fixture.fingerprint: Revocation(source: .operator, revokedAt: 0)]
        let after = try self.snapshot(trust, registration: "open", quarantine: nil, self.device(.active, pinned: true))
        #expect(self.outcome(after, try self.leaf(), untrusted) == "certificate-revoked")
        // With an anchor as well.
        #expect(self.outcome(after, try self.leaf()) == "certificate-revoked")
    }

    @Test func listsThatAreRequiredAreAskedFor() throws {
        let missing = Fixture.trust(.required(graceSeconds: 0), Fixture.list(Fixture.intermediate))
        let denial = try self.snapshot(missing).decide(try self.leaf(), Self.circumstances).denial
        #expect(denial?.code == .revocationListMissing)
        #expect(denial?.detail.contains("the CA certificate 1 above it") == true)
        let outdated = Fixture.trust(
            .required(graceSeconds: 9), Fixture.list(Fixture.intermediate, nextUpdate: Fixture.now - 10),
            Fixture.list(Fixture.root))
        #expect(self.outcome(try self.snapshot(outdated), try self.leaf()) == "revocation-list-outdated")
        // Of a certificate that no anchor issued, no anchor's rules ask anything.
        let pinned = try self.snapshot(
            missing, registration: "open", quarantine: nil, self.device(.active, pinned: true))
        let untrusted = ConnectionCircumstances.usual.with { $0.trustAnchor = nil }
        #expect(self.outcome(pinned, try self.leaf(), untrusted) == "main")
    }

    @Test func anAnchorIsForItsTenants() throws {
        func outcome(_ tenants: Set<String>, _ subject: String = "CN=d1,O=t", _ devices: RegisteredDevice...) throws
            -> String
        {
            var snapshot = try self.snapshot(
                TrustSnapshot(anchors: [Fixture.anchor: TrustAnchorRules(name: "t's", tenants: tenants)]))
            snapshot.directory = DeviceDirectory(devices)
            return self.outcome(snapshot, try self.leaf(subject))
        }
        #expect(try outcome([]) == "main")
        #expect(try outcome(["t"]) == "main")
        #expect(try outcome(["a", "t"]) == "main")
        #expect(try outcome(["T"]) == "anchor-not-for-tenant")
        #expect(try outcome(["a"]) == "anchor-not-for-tenant")
        #expect(try outcome(["t"], "CN=d1,O=t2") == "anchor-not-for-tenant")
        // One text to a person, and two to a broker.
        #expect(try outcome(["caf\u{E9}"], "CN=d1,O=caf\u{E9}") == "main")
        #expect(try outcome(["caf\u{E9}"], "CN=d1,O=cafe\u{301}") == "anchor-not-for-tenant")
        // The state of a device of another tenant is not told, and a pin does not help.
        #expect(try outcome(["a"], "CN=d1,O=t", self.device(.retired)) == "anchor-not-for-tenant")
        #expect(try outcome(["a"], "CN=d1,O=t", self.device(.active, pinned: true)) == "anchor-not-for-tenant")
    }

    @Test func anAnchorOfAnotherBundleIsNotBound() throws {
        let other = [UInt8](repeating: 3, count: 32)
        let snapshot = try self.snapshot(
            TrustSnapshot(anchors: [other: TrustAnchorRules(name: "other", tenants: ["a"])]))
        #expect(self.outcome(snapshot, try self.leaf()) == "main")
    }

    @Test func aSuspectedCloneGetsItsQuarantineWhereThereIsOne() throws {
        #expect(
            self.outcome(try self.snapshot(self.cloned, quarantine: "cloned: true"), try self.leaf())
                == "rescue/cloned")
        #expect(self.outcome(try self.snapshot(self.cloned), try self.leaf()) == "main")
        #expect(self.outcome(try self.snapshot(self.cloned, quarantine: "expired: 1d"), try self.leaf()) == "main")
        #expect(
            self.outcome(
                try self.snapshot(self.cloned, quarantine: "expired: 1d, cloned: false"), try self.leaf()) == "main")
        let another = TrustSnapshot(suspectedClones: [[UInt8](repeating: 1, count: 32)])
        #expect(
            self.outcome(try self.snapshot(another, quarantine: "cloned: true"), try self.leaf()) == "main")
    }

    @Test(arguments: [
        (DeviceState.suspended, "rescue/suspended"), (.pending, "rescue/pending"), (.active, "rescue/cloned"),
        (.retired, "device-retired"),
    ])
    func theRegistryComesBeforeTheSuspicionAndThatBeforeTime(state: DeviceState, expected: String) throws {
        let snapshot = try self.snapshot(self.cloned, quarantine: Self.every, self.device(state))
        for seconds in [-1_000, 5] as [Int64] {
            #expect(self.outcome(snapshot, try self.leaf(expiredFor: seconds)) == expected)
        }
        // A suspicion excuses nobody: what the quarantine does not take is refused.
        let narrow = try self.snapshot(self.cloned, quarantine: "cloned: true", self.device(state))
        let expired = state == .active ? "certificate-expired" : "device-\(state.rawValue)"
        #expect(self.outcome(narrow, try self.leaf(expiredFor: 5)) == expired)
    }

    @Test func aSuspectIsNotRegistered() throws {
        let open = try self.snapshot(self.cloned, registration: "first-seen", quarantine: "cloned: true")
        #expect(self.outcome(open, try self.leaf()) == "rescue/cloned")
        let approved = try self.snapshot(
            self.cloned, registration: "{ mode: first-seen, approval: true }", quarantine: "cloned: true")
        let denial = approved.decide(try self.leaf(), Self.circumstances).denial
        #expect(denial?.code == .devicePending)
        #expect(denial?.registration == nil)
        let listed = try self.snapshot(self.cloned, registration: "listed", quarantine: Self.every)
        #expect(self.outcome(listed, try self.leaf()) == "rescue/unregistered")
        // Where a suspicion has no effect, it has none on registration either.
        let careless = try self.snapshot(self.cloned, registration: "first-seen")
        #expect(self.outcome(careless, try self.leaf()) == "main+active")
    }

    @Test func theExplanationSaysWhatWasLookedAt() throws {
        var trust = Fixture.trust(.required(graceSeconds: 5), Fixture.list(Fixture.intermediate, [0x0A, 0x0B]))
        trust.anchors[Fixture.anchor]?.tenants = ["t", "a"]
        trust.suspectedClones = [Fixture.fingerprint]
        let explanation = try self.snapshot(trust).explain(try self.leaf(), Self.circumstances)
        #expect(explanation.anchor?.bundle == "devices")
        #expect(explanation.anchor?.tenants == ["a", "t"])
        #expect(explanation.anchor?.listRule == "required")
        #expect(explanation.isSuspectedClone)
        let check = explanation.revocation
        #expect(check.result == .revoked)
        #expect(check.position == 0)
        #expect(check.text == "the certificate was revoked (crl, keyCompromise)")
        #expect(check.chain.map(\.serialNumber) == ["0a0b", "0c"])
        #expect(check.chain.map(\.issuer) == [String(repeating: "02", count: 32), String(repeating: "01", count: 32)])
        #expect(check.chain.map(\.list?.entries) == [1, nil])
        #expect(check.chain.first?.list?.number == "0102")
        #expect(explanation.outcome.code == "certificate-revoked")
        let data = try JSONEncoder().encode(explanation)
        #expect(try JSONDecoder().decode(DecisionExplanation.self, from: data) == explanation)
    }

    @Test func theExplanationSaysWhatIsMissing() throws {
        func check(_ trust: TrustSnapshot) throws -> DecisionExplanation.RevocationCheck {
            try self.snapshot(trust).explain(try self.leaf(), Self.circumstances).revocation
        }
        #expect(try check(.empty).result == .good)
        #expect(try check(.empty).position == nil)
        let missing = try check(Fixture.trust(.required(graceSeconds: 0), Fixture.list(Fixture.intermediate)))
        #expect(missing.result == .listMissing)
        #expect(missing.position == 1)
        let outdated = try check(
            Fixture.trust(.required(graceSeconds: 0), Fixture.list(Fixture.intermediate, nextUpdate: 1)))
        #expect(outdated.result == .listOutdated)
        let explanation = try self.snapshot(.empty).explain(
            try self.leaf(), ConnectionCircumstances.usual.with { $0.trustAnchor = nil })
        #expect(explanation.anchor == nil)
        #expect(explanation.revocation.chain.isEmpty)
    }
}
