import FleetPKI
import Foundation
import TestKit
import Testing

/// Chains that are wrong above the leaf, that are not signed by whom they name, or that end in an anchor which is not
/// trusted here: what the device hears, and what is written down.
@Suite("Bad chains", .serialized)
struct BadChainTests {
    /// The CAs of the gateway under test, each anchor with a rule of its own.
    struct Authorities {
        let fleet: CertificateAuthority
        let configured: CertificateAuthority
        let shallow: CertificateAuthority
        let narrow: CertificateAuthority
        let altona: CertificateAuthority
        let plant: CertificateAuthority

        init() throws {
            self.fleet = try TestAuthority.root("Fleet Root")
            self.configured = try TestAuthority.below(self.fleet, "Configured CA")
            self.shallow = try TestAuthority.root("Shallow Root")
            self.narrow = try TestAuthority.root("Narrow Root", maxPathLength: 0)
            self.altona = try TestAuthority.root("Altona Root")
            self.plant = try TestAuthority.root("Plant Root")
        }

        var files: [String: String] {
            get throws {
                [
                    "trust/fleet.pem": try self.fleet.certificatePEM,
                    "trust/configured.pem": try self.configured.certificatePEM,
                    "trust/shallow.pem": try self.shallow.certificatePEM,
                    "trust/narrow.pem": try self.narrow.certificatePEM,
                    "trust/altona.pem": try self.altona.certificatePEM,
                    "trust/plant.pem": try self.plant.certificatePEM,
                ]
            }
        }

        static let configuration = """
            trust:
              chain-depth-max: 4
              intermediates: [trust/configured.pem]
              anchors:
                fleet: {file: trust/fleet.pem}
                shallow: {file: trust/shallow.pem, chain-depth-max: 2}
                narrow: {file: trust/narrow.pem}
                altona: {file: trust/altona.pem, tenants: [altona]}
                plant: {file: trust/plant.pem, listeners: [plant]}

            """

        /// A gateway with two listeners that trusts these CAs and the one that `init` made.
        func gateway(plantPort: Int) async throws -> FleetGateProcess {
            try await FleetGateProcess.start(
                changing: [
                    ConfigurationChange("log:\n", Self.configuration + "log:\n"),
                    ConfigurationChange(
                        "listener:\n  name: default                 # what profiles may ask for in `match.listener`\n",
                        "listeners:\n default:\n"),
                    ConfigurationChange(
                        "\n# Or several, each",
                        "\n plant: {address: \"127.0.0.1\", port: \(plantPort)}\n# Or several, each"),
                ], files: try self.files)
        }
    }

    private static let unknown = "unknown ca"

    @Test("Intermediates, depth, path lengths")
    func length() async throws {
        let authorities = try Authorities()
        let gate = try await authorities.gateway(plantPort: unusedPort())
        var trial = ChainTrial(gate)
        func files(_ leaf: IssuedCertificate, _ above: CertificateAuthority...) throws -> ChainFiles {
            try ChainFiles(leaf, sending: try above.map { try $0.certificatePEM }, in: gate.directory)
        }
        let fleet = authorities.fleet
        let middle = try TestAuthority.below(fleet, "Middle")
        try await trial.admits("a leaf of the root", files(fleet.meter(1)))
        try await trial.admits("an intermediate that is sent", files(middle.meter(2), middle))
        try await trial.refuses(
            "an intermediate that is neither sent nor configured", files(middle.meter(3)),
            .init("unknown-ca", alert: Self.unknown, hint: "it can be configured (trust.intermediates)"))
        try await trial.admits("one that is configured", files(authorities.configured.meter(4)))
        try await trial.admits(
            "one that is configured and sent", files(authorities.configured.meter(5), authorities.configured))

        func depth(alert: String) -> ChainTrial.Refusal {
            ChainTrial.Refusal("chain-too-long", alert: alert, hint: "chain-depth-max")
        }
        let tooDeep = depth(alert: "bad certificate")
        let first = try TestAuthority.below(authorities.shallow, "First")
        let second = try TestAuthority.below(first, "Second")
        try await trial.admits("as deep as the anchor allows", files(first.meter(6), first))
        try await trial.refuses("deeper than the anchor allows", files(second.meter(7), second, first), tooDeep)
        var tower = [fleet]
        for level in 1...4 { tower.append(try TestAuthority.below(tower[level - 1], "Level \(level)")) }
        try await trial.admits("as deep as all may be", files(tower[3].meter(8), tower[3], tower[2], tower[1]))
        try await trial.refuses(
            "deeper than any may be", files(tower[4].meter(9), tower[4], tower[3], tower[2], tower[1]), tooDeep)
        // More than mbedTLS itself holds.
        for level in 5...10 { tower.append(try TestAuthority.below(tower[level - 1], "Level \(level)")) }
        let all = try tower.dropFirst().reversed().map { try $0.certificatePEM }
        try await trial.refuses(
            "ten CAs", ChainFiles(tower[10].meter(10), sending: all, in: gate.directory),
            depth(alert: "access denied"))

        let below = try TestAuthority.below(authorities.narrow, "Below")
        try await trial.admits("the anchor's path length kept", files(authorities.narrow.meter(11)))
        try await trial.refuses(
            "the anchor's path length exceeded", files(below.meter(12), below), depth(alert: Self.unknown))
        let upper = try TestAuthority.below(fleet, "Upper") { $0.maxPathLength = 0 }
        let lower = try TestAuthority.below(upper, "Lower")
        try await trial.admits("an intermediate's path length kept", files(upper.meter(13), upper))
        try await trial.refuses(
            "an intermediate's path length exceeded", files(lower.meter(14), lower, upper),
            .init("unknown-ca", alert: Self.unknown, hint: "path length"))
        try await trial.ends()
    }

    @Test("Intermediates that are none, or not now")
    func intermediates() async throws {
        let authorities = try Authorities()
        let gate = try await authorities.gateway(plantPort: unusedPort())
        var trial = ChainTrial(gate)
        let fleet = authorities.fleet
        var number = 100
        func chain(_ change: (inout CertificateTemplate) -> Void) throws -> ChainFiles {
            number += 1
            let middle = try TestAuthority.below(fleet, "Middle \(number)", change)
            return try ChainFiles(middle.meter(number), sending: [try middle.certificatePEM], in: gate.directory)
        }
        try await trial.admits("a good one", chain { _ in })
        let noAuthority = ChainTrial.Refusal(
            "unknown-ca", alert: Self.unknown, hint: "may not sign certificates")
        try await trial.refuses("CA:FALSE", chain { $0.isCA = false }, noAuthority)
        try await trial.refuses("no keyCertSign", chain { $0.keyUsage = [.digitalSignature, .crlSign] }, noAuthority)
        let expired = ChainTrial.Refusal("expired", alert: "certificate expired", hint: "a CA certificate of the chain")
        try await trial.refuses(
            "expired",
            chain {
                $0.notBefore = Date() - 7_200
                $0.notAfter = Date() - 3_600
            }, expired)
        try await trial.refuses(
            "not yet valid", chain { $0.notBefore = Date() + 3_600 },
            .init("not-yet-valid", alert: "certificate expired", hint: "is this machine's clock right?"))
        let critical = ChainTrial.Refusal(
            "unsupported-critical-extension", alert: "bad certificate", hint: "critical extension")
        try await trial.refuses(
            "an unknown critical extension", chain { $0.additionalExtensions = [.unknownCritical] }, critical)
        // permittedSubtrees: dNSName example
        let constraints = CertificateTemplate.RawExtension(
            oid: "2.5.29.30", critical: true,
            value: [0x30, 0x0D, 0xA0, 0x0B, 0x30, 0x09, 0x82, 0x07] + Array("example".utf8))
        try await trial.refuses("name constraints", chain { $0.additionalExtensions = [constraints] }, critical)

        // A device's own certificate in the place of a CA.
        let device = try fleet.meter(150)
        let pretender = try CertificateAuthority(uncheckedCertificate: device.certificate, key: device.key)
        try await trial.refuses(
            "another device", ChainFiles(pretender.meter(151), sending: [device.certificatePEM], in: gate.directory),
            noAuthority)

        let root = try AuthorityFiles(fleet, in: gate.directory)
        let kinds = [
            ("no basic constraints", "keyUsage=critical,keyCertSign"), ("X.509 version 1", ""),
            ("good", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"),
        ]
        for (index, kind) in kinds.enumerated() {
            let middle = try await OpenSSLCertificate.issue(
                [("CN", "Made by OpenSSL \(index)")], extensions: kind.1, by: root, in: gate.directory)
            let leaf = try await OpenSSLCertificate.issue(
                DeviceName.meter("\(160 + index)"), by: middle, in: gate.directory)
            let files = try ChainFiles(leaf, sending: [try middle.certificatePEM], in: gate.directory)
            if kind.0 == "good" {
                try await trial.admits(kind.0, files)
            } else {
                try await trial.refuses(kind.0, files, noAuthority)
            }
        }
        try await trial.ends()
    }

    @Test("Forged chains")
    func forged() async throws {
        let authorities = try Authorities()
        let gate = try await authorities.gateway(plantPort: unusedPort())
        var trial = ChainTrial(gate)
        let fleet = authorities.fleet
        let good = try fleet.meter(201)
        try await trial.admits("genuine", ChainFiles(good, in: gate.directory))
        let forgery = ChainTrial.Refusal(
            "bad-signature", alert: Self.unknown, hint: "its key did not make the signature")
        let changed = try fleet.meter(202)
        try await trial.refuses(
            "a changed signature",
            ChainFiles(changed, certificatePEM: Self.forged(changed.certificateDER), in: gate.directory), forgery)

        let middle = try TestAuthority.below(fleet, "Middle")
        let middleDER = try #require(Self.der(try middle.certificatePEM))
        try await trial.refuses(
            "an intermediate with a changed signature",
            ChainFiles(middle.meter(203), sending: [Self.forged(middleDER)], in: gate.directory), forgery)
        let namesake = try fleet.makeNamesake()
        try await trial.refuses(
            "a CA of the anchor's name", ChainFiles(namesake.meter(204), in: gate.directory),
            .init("unknown-ca", alert: Self.unknown, hint: "but with another key"))
        try await trial.refuses(
            "a CA of the anchor's name, which is sent",
            ChainFiles(namesake.meter(205), sending: [try namesake.certificatePEM], in: gate.directory),
            forgery)

        let copy = CertificateTemplate(subject: [("CN", "Fleet Root")])
        try await trial.refuses(
            "self-signed with the anchor's name", ChainFiles(CertificateAuthority.selfSigned(copy), in: gate.directory),
            .init("bad-signature", alert: Self.unknown, hint: "its key did not make the signature"))
        var authority = copy
        authority.isCA = true
        authority.keyUsage = [.digitalSignature, .keyCertSign]
        try await trial.refuses(
            "a CA with the anchor's name, self-signed",
            ChainFiles(CertificateAuthority.selfSigned(authority), in: gate.directory),
            .init("bad-signature", alert: Self.unknown, hint: "its key did not make the signature"))
        try await trial.refuses(
            "self-signed with a device's name",
            ChainFiles(
                CertificateAuthority.selfSigned(CertificateTemplate(subject: DeviceName.meter("206"))),
                in: gate.directory),
            .init("unknown-ca", alert: Self.unknown, hint: "self-signed"))
        let stranger = try TestAuthority.root("Stranger")
        try await trial.refuses(
            "of a CA that nobody knows", ChainFiles(stranger.meter(207), in: gate.directory),
            .init("unknown-ca", alert: Self.unknown, hint: "\"CN=Stranger\" is unknown; known anchors: "))
        try await trial.ends()
    }

    @Test("Anchors that are for other listeners and tenants")
    func elsewhere() async throws {
        let authorities = try Authorities()
        let plantPort = try unusedPort()
        let gate = try await authorities.gateway(plantPort: plantPort)
        var trial = ChainTrial(gate)
        let ofPlant = try ChainFiles(authorities.plant.meter(301), in: gate.directory)
        try await trial.admits("at its listener", ofPlant, port: plantPort)
        try await trial.refuses(
            "at another listener", ofPlant,
            .init("unknown-ca", alert: Self.unknown, hint: "\"CN=Plant Root\" is unknown; known anchors: "))
        // An anchor that is trusted at all listeners.
        let ofFleet = try ChainFiles(authorities.fleet.meter(302), in: gate.directory)
        try await trial.admits("at one listener", ofFleet)
        try await trial.admits("and at the other", ofFleet, port: plantPort)

        let altona = authorities.altona
        try await trial.admits("for its tenant", ChainFiles(altona.meter(303, site: "altona"), in: gate.directory))
        try await trial.refuses(
            "for another tenant", ChainFiles(altona.meter(304), in: gate.directory),
            .init("anchor-not-for-tenant", alert: "access denied", hint: "the CA is for other tenants"))
        try await trial.ends()
    }

    // MARK: Bytes

    /// The certificate with a bit of its signature changed.
    static func forged(_ der: [UInt8]) -> String {
        var der = der
        if let last = der.indices.last { der[last] ^= 1 }
        return "-----BEGIN CERTIFICATE-----\n"
            + Data(der).base64EncodedString(options: .lineLength64Characters)
            .replacingOccurrences(of: "\r", with: "") + "\n-----END CERTIFICATE-----\n"
    }

    static func der(_ pem: String) -> [UInt8]? {
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }
        return Data(base64Encoded: lines.joined()).map { Array($0) }
    }
}
