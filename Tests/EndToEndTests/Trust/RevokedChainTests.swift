import FleetPKI
import Foundation
import TestKit
import Testing

/// Certificates that are revoked, and CAs whose lists are missing, old, forged or of a kind that is not taken.
@Suite("Revoked chains", .serialized)
struct RevokedChainTests {
    private static let trust = """
        trust:
          intermediates: [trust/issuing.pem, trust/withdrawn.pem]
          anchors:
            listed: {file: trust/listed.pem, crl: {policy: required, folders: [trust/lists]}}
            missing: {file: trust/missing.pem, crl: {policy: required, folders: [trust/nothing]}}
            impostor: {file: trust/impostor.pem, crl: {policy: required, files: [trust/impostor.crl]}}
            late: {file: trust/late.pem, crl: {policy: required, grace: 1h, files: [trust/late.crl]}}
            graced: {file: trust/graced.pem, crl: {policy: required, grace: 12h, files: [trust/graced.crl]}}
            optional: {file: trust/optional.pem, crl: {files: [trust/optional.crl]}}
            off: {file: trust/off.pem, crl: {policy: off}}

        """

    private static let bundles = ["listed", "missing", "impostor", "late", "graced", "optional", "off"]

    /// The CAs, and what they have revoked.
    private struct Fleet {
        /// By the name of the bundle.
        var roots: [String: CertificateAuthority] = [:]
        let issuing: CertificateAuthority
        let withdrawn: CertificateAuthority
        let withdrawnSerial: String
        /// By the name of the issuer.
        var revoked: [String: IssuedCertificate] = [:]

        init() throws {
            for name in RevokedChainTests.bundles {
                self.roots[name] = try TestAuthority.root("Root of \(name)")
                self.revoked[name] = try self.roots[name]?.meter(1)
            }
            let root = try #require(self.roots["listed"])
            self.issuing = try TestAuthority.below(root, "Issuing CA")
            let withdrawn = try TestAuthority.certificate(below: root, "Withdrawn CA")
            self.withdrawnSerial = withdrawn.serialNumber
            self.withdrawn = try CertificateAuthority(
                uncheckedCertificate: withdrawn.certificate, key: withdrawn.key)
            self.revoked["issuing"] = try self.issuing.meter(2)
        }

        func root(_ name: String) throws -> CertificateAuthority { try #require(self.roots[name]) }

        /// A list of what is revoked, and other serial numbers.
        func list(
            _ name: String, by authority: CertificateAuthority, and others: [String] = [], ended: TimeInterval = -3_600,
            number: UInt64 = 1
        ) throws -> String {
            let now = Date()
            let serials = (self.revoked[name].map { [$0.serialNumber] } ?? []) + others
            return try authority.issueCRL(
                revoked: serials.map { RevokedCertificate(serialNumber: $0, revokedAt: now) },
                thisUpdate: now - 86_400, nextUpdate: now - ended, number: number
            ).pem
        }

        func gateway() async throws -> FleetGateProcess {
            var files: [String: String] = [
                "trust/issuing.pem": try self.issuing.certificatePEM,
                "trust/withdrawn.pem": try self.withdrawn.certificatePEM,
                "trust/nothing/README": "No lists here.\n",
            ]
            for (name, root) in self.roots { files["trust/\(name).pem"] = try root.certificatePEM }
            let (hour, listed) = (3_600.0, try self.root("listed"))
            files["trust/lists/root.crl"] = try self.list("listed", by: listed, and: [self.withdrawnSerial])
            files["trust/lists/issuing.crl"] = try self.list("issuing", by: self.issuing)
            files["trust/lists/withdrawn.crl"] = try self.list("withdrawn", by: self.withdrawn)
            files["trust/impostor.crl"] = try self.list("impostor", by: self.root("impostor").makeNamesake())
            files["trust/late.crl"] = try self.list("late", by: self.root("late"), ended: 2 * hour)
            files["trust/graced.crl"] = try self.list("graced", by: self.root("graced"), ended: 2 * hour)
            files["trust/optional.crl"] = try self.list("optional", by: self.root("optional"), ended: 2 * hour)
            return try await FleetGateProcess.start(
                changing: [ConfigurationChange("log:\n", RevokedChainTests.trust + "log:\n")], files: files)
        }
    }

    private static let revoked = ChainTrial.Refusal(
        "certificate-revoked", alert: "certificate revoked", hint: "needs a new certificate")
    private static let missing = ChainTrial.Refusal(
        "revocation-list-missing", alert: "certificate unknown", hint: "fleetgate crl status")
    private static let outdated = ChainTrial.Refusal(
        "revocation-list-outdated", alert: "certificate unknown", hint: "publish a new list")

    @Test("Leaf, intermediate, and every state that a list can be in")
    func everyState() async throws {
        let fleet = try Fleet()
        let gate = try await fleet.gateway()
        var trial = ChainTrial(gate)
        func files(_ issued: IssuedCertificate?) throws -> ChainFiles {
            try ChainFiles(try #require(issued), in: gate.directory)
        }
        try await trial.admits("of a CA with a list", files(fleet.root("listed").meter(10)))
        try await trial.refuses("on the list", files(fleet.revoked["listed"]), Self.revoked)
        try await trial.admits("of an intermediate with a list", files(fleet.issuing.meter(11)))
        try await trial.refuses("on the intermediate's list", files(fleet.revoked["issuing"]), Self.revoked)
        try await trial.refuses(
            "of an intermediate that is on the list", files(fleet.withdrawn.meter(12)), Self.revoked)

        try await trial.refuses("the list is missing", files(fleet.root("missing").meter(13)), Self.missing)
        try await trial.refuses(
            "the list is somebody else's", files(fleet.root("impostor").meter(14)), Self.missing)
        let kept = try await gate.logEntry(
            "a revocation list is not taken", ["source": gate.path("trust/impostor.crl")])
        #expect(kept["reason"] == "wrong-issuer", "\(kept)")

        try await trial.refuses("the list is past its grace", files(fleet.root("late").meter(15)), Self.outdated)
        try await trial.admits("the list is within its grace", files(fleet.root("graced").meter(16)))
        try await trial.refuses("on the list within its grace", files(fleet.revoked["graced"]), Self.revoked)
        try await trial.admits("an optional list that is old", files(fleet.root("optional").meter(17)))
        try await trial.refuses("on an optional list that is old", files(fleet.revoked["optional"]), Self.revoked)
        try await trial.admits("lists are off", files(fleet.revoked["off"]))

        // By the operator, without any list.
        let suspect = try files(fleet.root("off").meter(18))
        try await trial.admits("before it is revoked here", suspect)
        try await gate.run("revoke", "--cert", suspect.certificatePath)
        try await trial.refuses("revoked by the operator", suspect, Self.revoked)
        try await trial.ends()
        let status = try await gate.runFailing("crl", "status")
        #expect(status.contains("wrong-issuer") && status.contains("missing") && status.contains("outdated"))
    }

    @Test("A list that cannot be taken leaves the last good one in force")
    func lastGoodOneStays() async throws {
        let fleet = try Fleet()
        let gate = try await fleet.gateway()
        var trial = ChainTrial(gate)
        let root = try fleet.root("listed")
        let good = try ChainFiles(root.meter(20), in: gate.directory)
        let revoked = try ChainFiles(try #require(fleet.revoked["listed"]), in: gate.directory)
        try await trial.admits("before", good)
        let goodOnDelta = try await Self.delta(
            by: root, revoking: good.serialNumber, in: gate.directory)
        let forged = try fleet.list("nothing", by: root, and: [good.serialNumber], number: 9)
        let bytes = try #require(BadChainTests.der(forged))
        let lists: [(name: String, pem: String, reason: String)] = [
            ("a delta", goodOnDelta, "delta-crl"),
            (
                "a changed signature",
                BadChainTests.forged(bytes).replacingOccurrences(of: "CERTIFICATE", with: "X509 CRL"),
                "bad-crl-signature"
            ),
            (
                "a namesake's", try fleet.list("nothing", by: root.makeNamesake(), and: [good.serialNumber], number: 9),
                "wrong-issuer"
            ),
            (
                "an older one",
                try root.issueCRL(
                    revoked: [RevokedCertificate(serialNumber: good.serialNumber, revokedAt: Date())],
                    thisUpdate: Date() - 2 * 86_400, nextUpdate: Date() + 3_600, number: 0
                ).pem, "older-list"
            ),
            ("no list at all", "garbage", "no-pem-block"),
        ]
        let path = gate.path("trust/lists/root.crl")
        for (index, list) in lists.enumerated() {
            let start = gate.process.lines.count
            try gate.directory.write("gate/trust/lists/root.crl", list.pem)
            let entry = try await gate.logEntry("a revocation list is not taken", ["source": path], from: start)
            #expect(entry["reason"] == list.reason, "\(list.name): \(entry)")
            #expect(entry["detail"]?.isEmpty == false)
            try await trial.admits("\(list.name): the good one", good)
            let another = try ChainFiles(root.meter(30 + index), in: gate.directory)
            try await trial.admits("\(list.name): another", another)
        }
        try await trial.refuses("the revoked one", revoked, Self.revoked)

        // The test can fail: a list that is good does count.
        let start = gate.process.lines.count
        try gate.directory.write(
            "gate/trust/lists/root.crl", try fleet.list("listed", by: root, and: [good.serialNumber], number: 2))
        try await gate.logEntry("a revocation list is in force", ["source": path], from: start)
        try await trial.refuses("on the new list", good, Self.revoked)
        try await trial.ends()
    }

    @Test("crl check says of a delta that it is one")
    func checkDelta() async throws {
        let directory = try ScratchDirectory()
        let root = try TestAuthority.root("Root")
        let delta = try await Self.delta(by: root, revoking: root.meter(1).serialNumber, in: directory)
        let path = try directory.write("delta.crl", delta)
        let issuer = try directory.write("root.pem", root.certificatePEM)
        let outcome = try await Program.run(Program.ours("fleetgate"), ["crl", "check", path, "--issuer", issuer])
        #expect(outcome.status == 1 && outcome.everything.contains("delta"), "\(outcome.everything)")
        let complete = try await Self.delta(
            by: root, revoking: root.meter(1).serialNumber, isDelta: false, in: directory)
        let good = try await Program.run(
            Program.ours("fleetgate"),
            ["crl", "check", directory.write("complete.crl", complete), "--issuer", issuer])
        #expect(good.status == 0, "\(good.everything)")
    }

    /// A list made by OpenSSL: one with a delta CRL indicator (RFC 5280 section 5.2.4), which ours does not make.
    private static func delta(
        by authority: CertificateAuthority, revoking serialNumber: String, isDelta: Bool = true,
        in directory: ScratchDirectory
    ) async throws -> String {
        let files = try AuthorityFiles(authority, in: directory)
        let name = UUID().uuidString
        let database = try directory.write(
            name + ".txt", "R\t491231235959Z\t250101000000Z\t\(serialNumber.uppercased())\tunknown\t/CN=meter\n")
        let number = try directory.write(name + ".number", "10\n")
        let configuration = try directory.write(
            name + ".cnf",
            """
            [ca]
            default_ca = own
            [own]
            database = \(database)
            crlnumber = \(number)
            default_md = sha256
            crl_extensions = list
            [list]
            authorityKeyIdentifier = keyid
            \(isDelta ? "2.5.29.27 = critical,ASN1:INTEGER:1" : "")

            """)
        let path = directory.path + "/" + name + ".crl"
        try await OpenSSLCertificate.openssl([
            "ca", "-gencrl", "-config", configuration, "-cert", files.certificatePath, "-keyfile", files.keyPath,
            "-crldays", "1", "-out", path,
        ])
        return try String(contentsOfFile: path, encoding: .utf8)
    }
}
