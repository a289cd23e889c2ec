import FleetPKI
import Foundation
import TestKit
import Testing

/// What a certificate itself must be: dates, purposes, keys, digests, extensions. One gateway, whose anchors ask for
/// different things.
@Suite("Rules for certificates", .serialized)
struct CertificateRuleTests {
    private static let trust = """
        trust:
          clock-skew: 5m
          anchors:
            default: {}
            strict: {file: trust/strict.pem, rsa-bits-min: 3072, curve-bits-min: 384}
            sha384: {file: trust/sha384.pem, signature-digests: [sha384]}
            lenient: {file: trust/lenient.pem, require-client-auth-eku: false}

        """

    /// One CA for each anchor.
    private struct Authorities {
        let strict: CertificateAuthority
        let sha384: CertificateAuthority
        let lenient: CertificateAuthority

        init() throws {
            self.strict = try TestAuthority.root("Strict Root")
            self.sha384 = try CertificateAuthority.makeDevelopmentRoot(commonName: "P-384 Root", keyType: .p384)
            self.lenient = try TestAuthority.root("Lenient Root")
        }

        func gateway() async throws -> FleetGateProcess {
            try await FleetGateProcess.start(
                changing: [ConfigurationChange("log:\n", CertificateRuleTests.trust + "log:\n")],
                files: [
                    "trust/strict.pem": try self.strict.certificatePEM,
                    "trust/sha384.pem": try self.sha384.certificatePEM,
                    "trust/lenient.pem": try self.lenient.certificatePEM,
                ])
        }
    }

    private static let unsupported = "unsupported certificate"
    private static let weakKey = ChainTrial.Refusal(
        "weak-key", alert: unsupported, hint: "rsa-bits-min, curve-bits-min")

    @Test("Dates, and the allowance for clocks")
    func dates() async throws {
        let gate = try await Authorities().gateway()
        var trial = ChainTrial(gate)
        let now = Date()
        func files(_ number: Int, from begin: TimeInterval, to end: TimeInterval) throws -> ChainFiles {
            try ChainFiles(
                gate.authority.meter(number) {
                    $0.notBefore = now + begin
                    $0.notAfter = now + end
                }, in: gate.directory)
        }
        try await trial.admits("valid", files(1, from: -60, to: 3_600))
        try await trial.admits("expired within the allowance", files(2, from: -7_200, to: -60))
        try await trial.admits("not yet valid within the allowance", files(3, from: 200, to: 3_600))
        try await trial.refuses(
            "expired before that", files(4, from: -7_200, to: -3_600),
            .init("expired", alert: "certificate expired", hint: "the certificate expired"))
        try await trial.refuses(
            "valid only after that", files(5, from: 3_600, to: 7_200),
            .init("not-yet-valid", alert: "certificate expired", hint: "the certificate is not yet valid, by "))
        try await trial.ends()
    }

    @Test("Purposes")
    func purposes() async throws {
        let authorities = try Authorities()
        let gate = try await authorities.gateway()
        var trial = ChainTrial(gate)
        let wrong = ChainTrial.Refusal(
            "wrong-extended-key-usage", alert: Self.unsupported, hint: "require-client-auth-eku")
        var number = 100
        func files(
            _ authority: CertificateAuthority, _ change: (inout CertificateTemplate) -> Void
        ) throws -> ChainFiles {
            number += 1
            return try ChainFiles(authority.meter(number, change), in: gate.directory)
        }
        let (own, lenient) = (gate.authority, authorities.lenient)
        try await trial.admits("clientAuth", files(own) { $0.purpose = .client })
        try await trial.admits("clientAuth and serverAuth", files(own) { $0.purpose = .both })
        try await trial.refuses("no extended key usage", files(own) { $0.purpose = .none }, wrong)
        try await trial.refuses("serverAuth", files(own) { $0.purpose = .server }, wrong)
        try await trial.refuses("any purpose", files(own) { $0.purpose = .other(["2.5.29.37.0"]) }, wrong)
        try await trial.admits("none, where none is asked for", files(lenient) { $0.purpose = .none })
        try await trial.refuses("serverAuth, where none is asked for", files(lenient) { $0.purpose = .server }, wrong)
        try await trial.refuses(
            "not for signatures", files(own) { $0.keyUsage = [.keyAgreement] },
            .init("wrong-key-usage", alert: Self.unsupported, hint: "digitalSignature"))
        try await trial.refuses(
            "a CA's",
            files(own) {
                $0.isCA = true
                $0.keyUsage = [.digitalSignature, .keyCertSign]
            }, .init("leaf-is-ca", alert: Self.unsupported, hint: "its own has to come first"))
        try await trial.refuses(
            "serial number of 21 octets",
            files(own) { $0.serialNumber = [UInt8](repeating: 0x11, count: 21) },
            .init("bad-serial", alert: Self.unsupported, hint: "20 octets"))
        try await trial.refuses(
            "an unknown critical extension", files(own) { $0.additionalExtensions = [.unknownCritical] },
            .init("unsupported-critical-extension", alert: "bad certificate", hint: "critical extension"))
        try await trial.ends()
    }

    @Test("Keys and signatures")
    func keys() async throws {
        let authorities = try Authorities()
        let gate = try await authorities.gateway()
        var trial = ChainTrial(gate)
        var number = 200
        func files(_ authority: CertificateAuthority, _ keyType: KeyType) throws -> ChainFiles {
            number += 1
            return try ChainFiles(authority.meter(number) { $0.keyType = keyType }, in: gate.directory)
        }
        let (own, strict) = (gate.authority, authorities.strict)
        try await trial.admits("P-256", files(own, .p256))
        try await trial.admits("RSA 2048", files(own, .rsa2048))
        try await trial.refuses("P-256 where 384 bits are asked for", files(strict, .p256), Self.weakKey)
        try await trial.admits("P-384 there", files(strict, .p384))
        try await trial.refuses("RSA 2048 where 3072 bits are asked for", files(strict, .rsa2048), Self.weakKey)
        try await trial.admits("RSA 3072 there", files(strict, .rsa3072))

        let weakSignature = ChainTrial.Refusal("weak-signature", alert: Self.unsupported, hint: "signature-digests")
        let root = try AuthorityFiles(own, in: gate.directory)
        func made(_ key: [String]?, digest: String) async throws -> ChainFiles {
            number += 1
            let subject = DeviceName.meter("\(number)")
            let made =
                if let key {
                    try await OpenSSLCertificate.issue(subject, key: key, digest: digest, by: root, in: gate.directory)
                } else {
                    try await OpenSSLCertificate.issue(subject, digest: digest, by: root, in: gate.directory)
                }
            return try ChainFiles(made, in: gate.directory)
        }
        try await trial.admits("made by OpenSSL", made(nil, digest: "sha256"))
        try await trial.refuses(
            "RSA 1024", made(["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], digest: "sha256"), Self.weakKey)
        try await trial.refuses("signed with SHA-1", made(nil, digest: "sha1"), weakSignature)
        try await trial.refuses("signed with SHA-224", made(nil, digest: "sha224"), weakSignature)
        try await trial.admits("signed with SHA-384 where that is asked for", files(authorities.sha384, .p256))
        let sha384 = try AuthorityFiles(authorities.sha384, in: gate.directory)
        let sha256 = try await OpenSSLCertificate.issue(
            DeviceName.meter("299"), digest: "sha256", by: sha384, in: gate.directory)
        try await trial.refuses(
            "signed with SHA-256 there", ChainFiles(sha256, in: gate.directory), weakSignature)

        let edwards = try CertificateAuthority.makeDevelopmentRoot(commonName: "Edwards", keyType: .ed25519)
        try await trial.refuses(
            "signed with Ed25519", ChainFiles(edwards.meter(300), in: gate.directory),
            .init("unsupported-signature", alert: Self.unsupported, hint: "cannot be checked here"))
        try await trial.ends()
    }

    /// OpenSSL's client does not send a certificate whose key no server in sight can use; a careless device does.
    @Test("An Ed25519 key")
    func ed25519() async throws {
        let gate = try await FleetGateProcess.start()
        let issued = try gate.authority.meter(401) { $0.keyType = .ed25519 }
        let files = try ChainFiles(issued, in: gate.directory)
        for version in ChainTrial.versions {
            let start = gate.process.lines.count
            let outcome = try await DeviceConnection(to: gate, as: files, arguments: [version]).ended()
            #expect(outcome.standardOutput.isEmpty)
            #expect(outcome.standardError.contains("alert"), "\(outcome.standardError)")
            try await gate.logEntry("handshake failed", ["reason": "no-certificate"], from: start)
        }

        let careless = try await RawPresentation.alert(from: gate, presenting: [issued.certificateDER])
        #expect(careless == 42, "bad_certificate")
        let entry = try await gate.logEntry("handshake failed", ["reason": "unsupported-key"])
        #expect(entry["serial"] == issued.serialNumber)
        // With a key that can be used it is not the certificate that is in the way.
        let good = try gate.authority.meter(402)
        #expect(try await RawPresentation.alert(from: gate, presenting: [good.certificateDER]) != 42)
        let malformed = try await RawPresentation.alert(
            from: gate, presenting: [[0x30, 0x82, 0x01, 0x00] + [UInt8](repeating: 0x30, count: 256)])
        #expect(malformed == 42)
        try await gate.logEntry("handshake failed", ["reason": "certificate-unparsable"])
        let metrics = try await gate.metrics()
        #expect(metrics.refusedHandshakes("no-certificate") == 2)
        #expect(metrics.refusedHandshakes("unsupported-key") == 1)
        #expect(metrics.refusedHandshakes("certificate-unparsable") == 1)
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "accepted"]) == 0)

        try await gate.letsAGoodDeviceIn()
        let hints = [
            "no-certificate": "such as Ed25519", "unsupported-key": "issue it anew for ECDSA",
            "certificate-unparsable": "fleetgate cert inspect",
        ]
        let trial = ChainTrial(gate)
        for (reason, hint) in hints {
            let found = try await trial.journal(of: 4).filter { $0.reason == reason }
            #expect(found.count == 1 && found[0].hint.contains(hint), "\(found)")
            guard reason == "unsupported-key" else { continue }
            #expect(found.first?.certificate?.serial == issued.serialNumber)
            #expect(found.first?.certificate?.subject.contains("CN=meter-401") == true)
        }
    }
}
