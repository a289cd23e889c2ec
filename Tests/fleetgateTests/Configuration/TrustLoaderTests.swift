import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

/// The files of the section `trust`, and what is made of them.
@Suite struct TrustLoaderTests {
    private static let clientCA = "  client-ca: ca/ca.pem"

    /// A gate with two more CAs in files, and a section `trust`.
    private func gate(_ trust: String, clientCA: String = "") throws -> (
        Gate, CertificateAuthority, CertificateAuthority
    ) {
        let gate = try Gate()
        let fleet = try CertificateAuthority.makeDevelopmentRoot(commonName: "Fleet")
        let plant = try CertificateAuthority.makeDevelopmentRoot(commonName: "Plant")
        try gate.write(try fleet.certificatePEM, to: "fleet.pem")
        try gate.write(try plant.certificatePEM, to: "plant.pem")
        try gate.edit(Self.clientCA, to: clientCA)
        try gate.edit("\nprofiles: profiles", to: "\n\(trust)\nprofiles: profiles")
        return (gate, fleet, plant)
    }

    private func load(_ gate: Gate, _ authorities: PublicAuthorities) -> Result<LoadedConfiguration, OperatorMistakes> {
        LoadedConfiguration.load(gate.configuration, environment: [:], publicAuthorities: authorities)
    }

    @Test func eachListenerTrustsItsOwn() throws {
        let (gate, fleet, plant) = try gate(
            "trust: {anchors: {fleet: {file: fleet.pem, listeners: [a]}, plant: {file: plant.pem, tenants: [t]}}}")
        let text = try gate.folder.text("gate/fleetgate.yaml")
        let start = try #require(text.range(of: "\nlistener:"))
        let end = try #require(text.range(of: "\n# Or several"))
        try gate.write(
            text.replacingCharacters(
                in: start.lowerBound..<end.lowerBound,
                with: "\nlisteners: {a: {address: \"127.0.0.1\", port: 0}, b: {address: \"127.0.0.1\", port: 0}}\n"),
            to: "fleetgate.yaml")
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(loaded)
        let a = try TLSContext(try #require(found.serverTLS["a"]))
        let b = try TLSContext(try #require(found.serverTLS["b"]))
        #expect(Set(a.trustAnchors.map(\.subjectDescription)) == ["CN=Fleet", "CN=Plant"])
        #expect(b.trustAnchors.map(\.subjectDescription) == ["CN=Plant"])
        #expect(found.serverTLS["a"]?.ticketScope != found.serverTLS["b"]?.ticketScope)
        let rules = found.trust.rules
        let sha = try #require(b.trustAnchors.first?.sha256Fingerprint)
        #expect(rules.count == 2 && rules[sha] == TrustAnchorRules(name: "plant", tenants: ["t"]))
        #expect(found.serverTLS["b"]?.anchorRules.count == 1)
        _ = (fleet, plant)
        let summary = ServingSummary(found).text(for: "f")
        #expect(summary.contains("as `plant`") && summary.contains("for tenants t") && summary.contains("at a"))
    }

    @Test func aCAIsInOneBundleOnly() throws {
        let (gate, _, _) = try gate("trust: {anchors: {a: {file: fleet.pem}, b: {file: [plant.pem, fleet.pem]}}}")
        let mistakes = gate.load().mistakes
        #expect(mistakes.map(\.key) == ["trust.anchors.b.file[1]"], "\(mistakes)")
        #expect(mistakes.first?.message.contains("trust.anchors.a.file") == true)
    }

    @Test(arguments: ["none.pem", "server.key", "server.pem"])
    func aFileWithoutCAsIsAMistake(name: String) throws {
        let (gate, _, _) = try gate("trust: {anchors: {a: {file: [fleet.pem, \(name)]}}}")
        #expect(gate.load().mistakes.map(\.key) == ["trust.anchors.a.file[1]"])
    }

    @Test func aPublicCAIsRefusedUnlessItIsMeant() throws {
        let (gate, fleet, plant) = try gate("trust: {anchors: {a: {file: [fleet.pem, plant.pem]}}}")
        let bundle = gate.folder.path + "/public.pem"
        try gate.folder.write(try plant.certificatePEM + fleet.certificatePEM + "text", to: "public.pem")
        try gate.folder.write(try plant.certificatePEM, to: "own/plant.crt")
        let known = PublicAuthorities(bundles: ["/nonexistent", bundle], ownFolders: [])
        guard case .failure(let all) = load(gate, known) else {
            Issue.record("a public CA was taken")
            return
        }
        #expect(all.mistakes.map(\.key) == ["trust.anchors.a.file[0]", "trust.anchors.a.file[1]"])
        #expect(all.mistakes.first?.hint?.contains("allow-public-ca: true") == true)

        // One that the machine's operator has added is not public.
        let own = PublicAuthorities(bundles: [bundle], ownFolders: [gate.folder.path + "/own"])
        guard case .failure(let rest) = load(gate, own) else {
            Issue.record("a public CA was taken")
            return
        }
        #expect(rest.mistakes.map(\.key) == ["trust.anchors.a.file[0]"])

        try gate.edit("plant.pem]", to: "plant.pem], allow-public-ca: true")
        guard case .success = load(gate, known) else {
            Issue.record("a public CA that is meant was refused")
            return
        }
    }

    @Test func aRenewedPublicCAIsTheSame() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Web")
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other")
        let again = try other.issue(
            CertificateTemplate(subject: [("CN", "Web")], purpose: .none, isCA: true), for: root.key.publicKey)
        let (gate, _, _) = try gate("trust: {anchors: {a: {file: web.pem}}}")
        try gate.write(again.certificatePEM, to: "web.pem")
        try gate.folder.write(try root.certificatePEM, to: "public.pem")
        let known = PublicAuthorities(bundles: [gate.folder.path + "/public.pem"], ownFolders: [])
        guard case .failure(let all) = load(gate, known) else {
            Issue.record("a public CA was taken")
            return
        }
        #expect(all.mistakes.map(\.key) == ["trust.anchors.a.file"])
    }

    @Test func thisMachinesPublicCAsAreFound() throws {
        guard FileManager.default.fileExists(atPath: MaterialReader.systemCABundle) else { return }
        #expect(PublicAuthorities.system.identifiers().count > 50)
    }

    @Test func intermediatesLeadToAnAnchor() throws {
        let (gate, fleet, plant) = try gate(
            "trust: {intermediates: [issuing.pem], anchors: {fleet: {file: fleet.pem}}}")
        try gate.write(
            try fleet.makeIntermediate(commonName: "Issuing").certificatePEM, to: "issuing.pem")
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        #expect(loaded?.trust.intermediates.map(\.bundle) == ["fleet"])
        #expect(loaded?.serverTLS["default"]?.intermediatesPEM.isEmpty == false)

        try gate.write(try plant.makeIntermediate(commonName: "Stray").certificatePEM, to: "issuing.pem")
        let stray = gate.load().mistakes
        #expect(stray.map(\.key) == ["trust.intermediates[0]"], "\(stray)")
        #expect(stray.first?.message.contains("CN=Plant") == true)
    }

    @Test func anIntermediateOfANamesakeIsRefusedByTLS() throws {
        let (gate, _, _) = try gate("trust: {intermediates: [issuing.pem], anchors: {fleet: {file: fleet.pem}}}")
        let namesake = try CertificateAuthority.makeDevelopmentRoot(commonName: "Fleet")
        try gate.write(try namesake.makeIntermediate(commonName: "Issuing").certificatePEM, to: "issuing.pem")
        let mistakes = gate.load().mistakes
        #expect(mistakes.map(\.key) == ["trust.intermediates[0]"], "\(mistakes)")
        #expect(mistakes.first?.code == .refusedByTLS)
    }

    @Test func anIntermediateAsAnchorIsSaid() throws {
        let (gate, fleet, _) = try gate("trust: {anchors: {fleet: {file: issuing.pem}}}")
        try gate.write(try fleet.makeIntermediate(commonName: "Issuing").certificatePEM, to: "issuing.pem")
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        let summary = ServingSummary(try #require(loaded))
        #expect(summary.trust.first?.anchors.first?.selfIssued == false)
        #expect(summary.text(for: "f").contains("trusted without its issuer"))
    }

    @Test func pinnedOnlyTrustsNobodyElse() throws {
        let (gate, _, _) = try gate("trust: {pinned-only: true}")
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(loaded)
        #expect(found.trust.anchors.isEmpty && found.trust.rules.isEmpty)
        let device = try gate.root.issue(CertificateTemplate(subject: [("CN", "x")]))
        let leaf = try PeerCertificate.reading(Array(device.certificatePEM.utf8))
        let context = try TLSContext(try #require(found.serverTLS["default"]))
        guard
            case .refused(let error) = context.verify(
                chain: leaf, version: .v1_2, serverName: nil, authorize: { _ in .allowed })
        else {
            Issue.record("it was accepted")
            return
        }
        #expect(error.code == .unknownCA)
        #expect(ServingSummary(found).text(for: "f").contains("pinned certificates only"))
        // A new one each time: its key is gone.
        let again = try #require(gate.load().loaded?.serverTLS["default"])
        #expect(again.trustAnchorsPEM != found.serverTLS["default"]?.trustAnchorsPEM)
    }

    @Test func aRequiredListIsInTheRulesFromTheStart() throws {
        let (gate, _, _) = try gate(
            "trust: {anchors: {fleet: {file: fleet.pem, crl: {policy: required, files: no.crl}}}}")
        let found = try #require(gate.load().loaded)
        let snapshot = TrustParts(anchors: found.trust.rules).snapshot
        let anchor = try #require(found.trust.anchors.first?.certificate)
        let authority = try #require(AuthorityID(anchor.authorityID))
        let standing = snapshot.standing(
            of: [CertificateID(issuer: authority, serialNumber: [1])], fingerprint: [],
            anchor: anchor.sha256Fingerprint,
            now: 0)
        #expect(standing == .listMissing(position: 0))
    }

    @Test(arguments: [("{", "no file of ticket keys"), ("{\"version\": 2, \"keys\": []}", "version 2")])
    func aBrokenTicketFileIsAMistake(text: String, word: String) throws {
        let gate = try Gate()
        try gate.write(text, to: "tickets.keys")
        let mistakes = gate.load().mistakes
        #expect(mistakes.map(\.key) == ["tickets.keys"], "\(mistakes)")
        #expect(mistakes.first?.message.contains(word) == true)
    }

    @Test func aTicketFileOfOthersHasToBeThere() throws {
        let gate = try Gate()
        try gate.edit("  rotation: automatic ", to: "  rotation: external ")
        try gate.edit("  rotate-every: 12h\n", to: "")
        #expect(gate.load().mistakes.map(\.key) == ["tickets.keys"])
        #expect(gate.load().mistakes.first?.hint?.contains("fleetgate tickets rotate") == true)
        try gate.write("{\"version\": 1, \"keys\": []}", to: "tickets.keys")
        #expect(gate.load().mistakes.first?.message.contains("no key that is good now") == true)
    }
}
