internal import FleetPolicy
internal import NIOMbedTLS
internal import Testing

@testable internal import Gateway

@Suite("LoopPolicy")
struct LoopPolicyTests {
    private static let profile: ProfileTree = [
        "profile": "meter", "match": ["subject": ["O": "{fleet:slug}", "CN": "meter-{serial:digits}"]],
        "device": "meter-{serial}", "tenant": "{fleet}", "publish": ["a"],
    ]
    private static let anchor = TLSTrustAnchor(subject: [], sha256Fingerprint: [UInt8](repeating: 9, count: 32))
    private static let key = DeviceKey(tenant: "hamburg", deviceID: "meter-7")

    private func policy(_ devices: [RegisteredDevice] = []) throws -> LoopPolicy {
        let profiles = try ProfileCompiler.compile([Self.profile.node]).get()
        return LoopPolicy(
            PolicySnapshot(profiles: profiles, directory: DeviceDirectory(devices)),
            listeners: [Self.listener("default", [Self.anchor]), Self.listener("other", [])])
    }

    private static func listener(
        _ name: String, _ anchors: [TLSTrustAnchor], known: [[UInt8]: PolicyAnchor] = [:]
    ) -> LoopPolicy.Listener {
        LoopPolicy.Listener(name, anchors: anchors, clockSkew: 0, known: known)
    }

    private func pinned(_ fingerprint: UInt8) throws -> RegisteredDevice {
        RegisteredDevice(
            key: Self.key, profile: "meter",
            pins: [try #require(CertificatePin(.certificate, sha256: [UInt8](repeating: fingerprint, count: 32)))])
    }

    private func code(_ decision: PolicyDecision) -> PolicyDenial.Code? {
        switch decision {
        case .granted: nil
        case .denied(let denial): denial.code
        }
    }

    @Test("a certificate that no anchor issued gets in by its pin, and by nothing else")
    func untrusted() throws {
        let circumstances = ConnectionCircumstances(now: 0, trustAnchor: nil)
        let certificate = try Grants.certificate(fingerprint: 3)
        #expect(self.code(try self.policy().decide(certificate, circumstances)) == .untrustedIssuer)
        #expect(self.code(try self.policy([self.pinned(4)]).decide(certificate, circumstances)) != nil)
        #expect(self.code(try self.policy([self.pinned(3)]).decide(certificate, circumstances)) == nil)
    }

    @Test("an expired certificate without a quarantine profile gets nothing, pinned or not")
    func expired() throws {
        let certificate = try Grants.certificate(notAfter: 100, fingerprint: 3)
        for anchor in [Grants.anchor, nil] {
            let circumstances = ConnectionCircumstances(now: 101, trustAnchor: anchor)
            #expect(
                self.code(try self.policy([self.pinned(3)]).decide(certificate, circumstances)) == .certificateExpired)
        }
        let last = ConnectionCircumstances(now: 100, trustAnchor: Grants.anchor)
        #expect(self.code(try self.policy().decide(certificate, last)) == nil)
    }

    @Test("an anchor is made once, and is none any more when new rules do not have it")
    func anchors() throws {
        var policy = try self.policy()
        let anchor = try #require(policy.anchor(Self.anchor, at: 0))
        #expect(policy.anchor(Self.anchor, at: 0) === anchor)
        #expect(policy.isTrusted(anchor, at: 0))
        #expect(policy.anchor(nil, at: 0) == nil)
        let foreign = TLSTrustAnchor(subject: [], sha256Fingerprint: [UInt8](repeating: 8, count: 32))
        #expect(try !policy.isTrusted(#require(policy.anchor(foreign, at: 0)), at: 0))
        let revision = policy.revision
        policy.replace(policy.snapshot, listeners: [Self.listener("default", [foreign])])
        #expect(!policy.isTrusted(anchor, at: 0))
        #expect(policy.revision == revision + 1)
        policy.replace(DeviceDirectory.empty)
        #expect(policy.revision == revision + 2)
        policy.replace(TrustSnapshot.empty)
        #expect(policy.revision == revision + 3)
    }

    @Test("an anchor of one listener is none of another; one that several have is one")
    func listeners() throws {
        let policy = try self.policy()
        let anchor = try #require(policy.anchor(Self.anchor, at: 0))
        #expect(!policy.isTrusted(anchor, at: 1))
        let second = Self.listener("second", [Self.anchor, Self.anchor], known: policy.anchors)
        #expect(second.anchors.values.first === anchor)
    }

    @Test("a change names the pins that its devices have now")
    func change() throws {
        let directory = DeviceDirectory([try self.pinned(3)])
        let gone = DeviceKey(tenant: "hamburg", deviceID: "gone")
        let change = DirectoryChange(directory, changed: [Self.key, gone, Self.key])
        #expect(change.keys == [Self.key, gone])
        #expect(change.pins == [try #require(SHA256Value([UInt8](repeating: 3, count: 32)))])
        #expect(DirectoryChange(directory, changed: []).pins.isEmpty)
    }
}
