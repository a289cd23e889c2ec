import FleetPolicy
import Testing

/// A device under an intermediate under a root.
struct TrustFixture {
    static let root = id(1)
    static let intermediate = id(2)
    /// As ``ConnectionCircumstances/usual`` has it.
    static let anchor = [UInt8](repeating: 9, count: 32)
    static let fingerprint = [UInt8](repeating: 7, count: 32)
    static let leaf = CertificateID(issuer: intermediate, serialNumber: [0x0A, 0x0B])
    static let authority = CertificateID(issuer: root, serialNumber: [0x0C])
    static let chain = [leaf, authority]
    static let now: Int64 = 1_000_000

    private static func id(_ byte: UInt8) -> AuthorityID {
        guard let id = AuthorityID([UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("32 bytes are an id")
        }
        return id
    }

    static func list(
        _ issuer: AuthorityID, _ serials: [UInt8]..., nextUpdate: Int64? = now + 100, scope: RevocationList.Scope = .all
    ) -> RevocationList {
        var entries = SerialNumberSet()
        for serial in serials { _ = entries.insert(serial, reason: .keyCompromise, revokedAt: 500) }
        return RevocationList(
            issuer: issuer, thisUpdate: 0, nextUpdate: nextUpdate, number: [1, 2], entries: entries, scope: scope)
    }

    static func trust(_ rule: TrustAnchorRules.ListRule?, _ lists: RevocationList...) -> TrustSnapshot {
        TrustSnapshot(
            anchors: rule.map { [anchor: TrustAnchorRules(name: "devices", lists: $0)] } ?? [:],
            lists: Dictionary(uniqueKeysWithValues: lists.map { ($0.issuer, $0) }))
    }
}

@Suite struct RevocationStandingTests {
    private typealias Fixture = TrustFixture

    private func standing(
        _ trust: TrustSnapshot, chain: [CertificateID] = TrustFixture.chain, anchor: [UInt8]? = TrustFixture.anchor,
        now: Int64 = TrustFixture.now
    ) -> RevocationStanding {
        trust.standing(of: chain, fingerprint: Fixture.fingerprint, anchor: anchor, now: now)
    }

    private static let byList = Revocation(source: .list, reason: .keyCompromise, revokedAt: 500)

    @Test func withoutListsOnlyARequirementObjects() {
        #expect(self.standing(.empty) == .good)
        #expect(self.standing(Fixture.trust(.off)) == .good)
        #expect(self.standing(Fixture.trust(.optional)) == .good)
        #expect(self.standing(Fixture.trust(.required(graceSeconds: 1_000))) == .listMissing(position: 0))
    }

    @Test(arguments: [nil, .optional, .required(graceSeconds: 0)] as [TrustAnchorRules.ListRule?])
    func aListThatThereIsCounts(_ rule: TrustAnchorRules.ListRule?) {
        let good = Fixture.trust(rule, Fixture.list(Fixture.root, [9]), Fixture.list(Fixture.intermediate, [9]))
        #expect(self.standing(good) == .good)
        let leaf = Fixture.trust(rule, Fixture.list(Fixture.intermediate, [9], [0x0A, 0x0B]))
        #expect(self.standing(leaf) == .revoked(Self.byList, position: 0))
        let authority = Fixture.trust(rule, Fixture.list(Fixture.root, [0x0C]))
        #expect(self.standing(authority) == .revoked(Self.byList, position: 1))
    }

    @Test func listsAreNotLookedAtWhenTheyAreOff() {
        let trust = Fixture.trust(
            .off, Fixture.list(Fixture.root, [0x0C]), Fixture.list(Fixture.intermediate, [0x0A, 0x0B]))
        #expect(self.standing(trust) == .good)
        // What the operator says holds all the same.
        var own = trust
        own.revoked = [Fixture.leaf: Revocation(source: .operator, revokedAt: 7)]
        #expect(self.standing(own) == .revoked(Revocation(source: .operator, revokedAt: 7), position: 0))
    }

    @Test func aListOfAnotherCAOfTheSameSerialNumbersIsAnother() {
        // The leaf's number on the root's list, and the intermediate's on the intermediate's.
        let trust = Fixture.trust(
            .optional, Fixture.list(Fixture.root, [0x0A, 0x0B]), Fixture.list(Fixture.intermediate, [0x0C]))
        #expect(self.standing(trust) == .good)
    }

    @Test func everyIssuerNeedsAListWhenTheyAreRequired() {
        let required = TrustAnchorRules.ListRule.required(graceSeconds: 10)
        #expect(
            self.standing(Fixture.trust(required, Fixture.list(Fixture.intermediate))) == .listMissing(position: 1))
        #expect(self.standing(Fixture.trust(required, Fixture.list(Fixture.root))) == .listMissing(position: 0))
        let both = Fixture.trust(required, Fixture.list(Fixture.root), Fixture.list(Fixture.intermediate))
        #expect(self.standing(both) == .good)
        // A device right under the root needs the root's alone.
        let direct = [CertificateID(issuer: Fixture.root, serialNumber: [3])]
        #expect(self.standing(Fixture.trust(required, Fixture.list(Fixture.root)), chain: direct) == .good)
    }

    @Test(arguments: [(0, 0), (1, 0), (100, 100), (101, 100), (Int64.max, .max)] as [(Int64, Int64)])
    func graceEndsToTheSecond(late: Int64, grace: Int64) {
        let nextUpdate: Int64 = late == .max ? -1 : 1_000
        let now = late == .max ? Int64.max : nextUpdate + late
        let trust = Fixture.trust(
            .required(graceSeconds: grace), Fixture.list(Fixture.intermediate, nextUpdate: nextUpdate),
            Fixture.list(Fixture.root, nextUpdate: nil))
        let expected: RevocationStanding =
            late > grace || late == .max ? .listOutdated(position: 0, nextUpdate: nextUpdate) : .good
        #expect(self.standing(trust, now: now) == expected)
        // Not asked for, nobody minds.
        let optional = Fixture.trust(.optional, Fixture.list(Fixture.intermediate, nextUpdate: nextUpdate))
        #expect(self.standing(optional, now: now) == .good)
    }

    @Test func aListThatIsNotOutOfDateForTheClockIsGood() {
        let trust = Fixture.trust(
            .required(graceSeconds: 0), Fixture.list(Fixture.intermediate, nextUpdate: .max),
            Fixture.list(Fixture.root, nextUpdate: .min))
        #expect(self.standing(trust, now: .min) == .good)
        #expect(self.standing(trust, now: -1) == .listOutdated(position: 1, nextUpdate: .min))
    }

    @Test func anOutdatedListStillRevokes() {
        for rule in [TrustAnchorRules.ListRule.optional, .required(graceSeconds: 0)] {
            let trust = Fixture.trust(rule, Fixture.list(Fixture.intermediate, [0x0A, 0x0B], nextUpdate: 1))
            #expect(self.standing(trust) == .revoked(Self.byList, position: 0))
        }
    }

    @Test func aRevokedCAOutweighsAMissingList() {
        let trust = Fixture.trust(.required(graceSeconds: 0), Fixture.list(Fixture.root, [0x0C]))
        #expect(self.standing(trust) == .revoked(Self.byList, position: 1))
        let outdated = Fixture.trust(
            .required(graceSeconds: 0), Fixture.list(Fixture.root, [0x0C]),
            Fixture.list(Fixture.intermediate, nextUpdate: 1))
        #expect(self.standing(outdated) == .revoked(Self.byList, position: 1))
    }

    @Test func aListThatSpeaksOfOthersIsNone() {
        let required = TrustAnchorRules.ListRule.required(graceSeconds: 0)
        func standing(_ intermediate: RevocationList.Scope, _ root: RevocationList.Scope) -> RevocationStanding {
            self.standing(
                Fixture.trust(
                    required, Fixture.list(Fixture.intermediate, scope: intermediate),
                    Fixture.list(Fixture.root, scope: root)))
        }
        #expect(standing(.userCertificates, .authorityCertificates) == .good)
        #expect(standing(.authorityCertificates, .all) == .listMissing(position: 0))
        #expect(standing(.all, .userCertificates) == .listMissing(position: 1))
        // What is on it is revoked, whatever it speaks of.
        let trust = Fixture.trust(.optional, Fixture.list(Fixture.root, [0x0C], scope: .userCertificates))
        #expect(self.standing(trust) == .revoked(Self.byList, position: 1))
    }

    @Test func theOperatorsWordComesFirst() {
        var trust = Fixture.trust(.optional, Fixture.list(Fixture.intermediate, [0x0A, 0x0B]))
        let own = Revocation(source: .operator, reason: .cessationOfOperation, revokedAt: 7)
        trust.revoked = [Fixture.authority: own]
        #expect(self.standing(trust) == .revoked(own, position: 1))
        let known = Revocation(source: .ocsp, reason: .superseded, revokedAt: 8)
        trust.revokedFingerprints = [Fixture.fingerprint: known]
        #expect(self.standing(trust) == .revoked(known, position: 0))
    }

    @Test func aCertificateWithoutAnAnchorIsKnownByItsFingerprint() {
        var trust = Fixture.trust(.required(graceSeconds: 0))
        #expect(self.standing(trust, chain: [], anchor: nil) == .good)
        trust.revokedFingerprints = [Fixture.fingerprint: Revocation(source: .operator, revokedAt: 0)]
        #expect(
            self.standing(trust, chain: [], anchor: nil)
                == .revoked(Revocation(source: .operator, revokedAt: 0), position: 0))
        trust.revokedFingerprints = [[UInt8](repeating: 6, count: 32): Revocation(source: .operator, revokedAt: 0)]
        #expect(self.standing(trust, chain: [], anchor: nil) == .good)
    }

    @Test func leadingZerosOfACertificatesNumberDoNotHideIt() {
        let padded = CertificateID(issuer: Fixture.intermediate, serialNumber: [0, 0x0A, 0x0B])
        #expect(padded == Fixture.leaf)
        let trust = Fixture.trust(.optional, Fixture.list(Fixture.intermediate, [0, 0x0A, 0x0B]))
        #expect(self.standing(trust, chain: [padded]) == .revoked(Self.byList, position: 0))
    }
}
