import Foundation
import SwiftASN1
import Testing
import X509

@testable import FleetPKI

@Suite struct CertificateAuthorityTests {
    @Test(arguments: [KeyType.p256, .p384, .ed25519, .rsa2048])
    func readsItselfBack(_ type: KeyType) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(organization: "Example", keyType: type)
        let encrypted = try PrivateKeyPEM.encrypt(root.privateKeyPEM, passphrase: "p", iterations: 10)
        let read = try CertificateAuthority(
            certificatePEM: root.certificatePEM,
            privateKeyPEM: encrypted,
            passphrase: "p"
        )
        #expect(read.certificate == root.certificate)
        let issued = try read.issue(.init(subject: [("CN", "device")]))
        #expect(root.key.publicKey.isValidSignature(issued.certificate.signature, for: issued.certificate))
        #expect(issued.certificate.issuer == root.certificate.subject)
        #expect(issued.chainPEM == issued.certificatePEM)
    }

    @Test func anIntermediateReadsBackWithItsChain() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(maxPathLength: 2)
        let upper = try root.makeIntermediate(commonName: "Upper", maxPathLength: 1)
        let lower = try upper.makeIntermediate(commonName: "Lower")
        let bundle = try lower.certificatePEM + upper.certificatePEM + root.certificatePEM
        let read = try CertificateAuthority(certificatePEM: bundle, privateKeyPEM: lower.privateKeyPEM)
        let issued = try read.issue(.init(subject: [("CN", "device")]))
        let subjects = try CertificateInspection.all(pem: issued.chainPEM).map(\.subject)
        #expect(subjects == ["CN=device", "CN=Lower", "CN=Upper"])
        #expect(read.issuers == lower.issuers)
    }

    @Test func whatIsNotAnAuthorityIsRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let leaf = try root.issue(.init(subject: [("CN", "device")]))
        let notSigning = try root.issue(.init(subject: [("CN", "ca")], keyUsage: [.crlSign], isCA: true))
        let malformed = try root.issue(
            .init(
                subject: [("CN", "ca")],
                isCA: true,
                additionalExtensions: [.init(oid: "2.5.29.19", critical: true, value: [0x01])]
            )
        )
        func reading(_ issued: IssuedCertificate) throws -> PKIError.Code? {
            try code {
                try CertificateAuthority(certificatePEM: issued.certificatePEM, privateKeyPEM: issued.privateKeyPEM)
            }
        }
        #expect(try reading(leaf) == .notACertificateAuthority)
        #expect(try reading(notSigning) == .notACertificateAuthority)
        #expect(try reading(malformed) == .malformedCertificate)
    }

    @Test func aKeyOfAnotherAuthorityIsRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        for type in [KeyType.p256, .p384] {
            let other = try KeyPair.generate(type)
            let thrown = try code {
                try CertificateAuthority(certificatePEM: root.certificatePEM, privateKeyPEM: other.pem)
            }
            #expect(thrown == .keyMismatch)
        }
    }

    @Test func aBrokenChainIsRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let namesake = try CertificateAuthority.makeDevelopmentRoot()
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger")
        let intermediate = try root.makeIntermediate()
        for above in [namesake, stranger] {
            let bundle = try intermediate.certificatePEM + above.certificatePEM
            let thrown = try code {
                try CertificateAuthority(certificatePEM: bundle, privateKeyPEM: intermediate.privateKeyPEM)
            }
            #expect(thrown == .brokenChain)
        }
    }

    @Test(arguments: [
        ("", "no-pem-block"),
        ("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n", "malformed-certificate"),
        ("-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", "malformed-pem"),
        ("-----BEGIN CERTIFICATE-----\nAQID\n", "malformed-pem"),
    ])
    func malformedCertificates(_ pem: String, _ expected: String) throws {
        let key = try KeyPair.generate()
        let thrown = try code { try CertificateAuthority(certificatePEM: pem, privateKeyPEM: key.pem) }
        #expect(thrown?.rawValue == expected)
    }

    @Test func wrongAndMissingPassphrases() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let pem = try root.certificatePEM
        let encrypted = try PrivateKeyPEM.encrypt(root.privateKeyPEM, passphrase: "p", iterations: 10)
        let missing = try code { try CertificateAuthority(certificatePEM: pem, privateKeyPEM: encrypted) }
        #expect(missing == .passphraseRequired)
        let wrong = try code {
            try CertificateAuthority(certificatePEM: pem, privateKeyPEM: encrypted, passphrase: "q")
        }
        #expect(wrong == .wrongPassphrase)
    }

    @Test func anExpiredAuthorityDoesNotIssueUnlessViolationsAreAllowed() throws {
        let expired = try CertificateAuthority.selfSigned(
            .init(
                subject: [("CN", "old")],
                purpose: .none,
                isCA: true,
                notBefore: Date() - 1000,
                notAfter: Date() - 500
            )
        )
        let authority = try CertificateAuthority(
            certificatePEM: expired.certificatePEM,
            privateKeyPEM: expired.privateKeyPEM
        )
        #expect(try code { try authority.issue(.init(subject: [("CN", "x")])) } == .authorityNotValid)
        #expect(try code { try authority.makeIntermediate() } == .authorityNotValid)
        let violating = CertificateTemplate(subject: [("CN", "x")], allowsViolations: true)
        #expect(try code { try authority.issue(violating) } == nil)
    }

    @Test(arguments: [0, -1e9, .infinity, .nan, 1e300])
    func unusableValidity(_ validity: TimeInterval) throws {
        // Zero still leaves the five minutes before now.
        let thrown = try code { try CertificateAuthority.makeDevelopmentRoot(validity: validity) }
        #expect(thrown == (validity == 0 ? nil : .invalidValidity))
    }

    @Test func defaultEndsWithTheIssuer() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(validity: 86_400)
        let issued = try root.issue(.init(subject: [("CN", "x")]))
        #expect(issued.certificate.notValidAfter == root.certificate.notValidAfter)
        #expect(issued.certificate.notValidBefore < Date() - 200)
        #expect(try root.makeIntermediate().certificate.notValidAfter == root.certificate.notValidAfter)
    }

    @Test func fieldsOfRFC5280() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let intermediate = try root.makeIntermediate()
        let leaf = try intermediate.issue(.init(subject: [("CN", "x")])).certificate
        #expect(leaf.version == .v3)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.subjectKeyIdentifier?.keyIdentifier.count == 20)
        let authorityIdentifier = try leaf.extensions.authorityKeyIdentifier?.keyIdentifier
        #expect(try authorityIdentifier == intermediate.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
        let upper = try intermediate.certificate.extensions.authorityKeyIdentifier?.keyIdentifier
        #expect(try upper == root.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(try root.certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 1))
        #expect(try intermediate.certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try root.certificate.extensions.extendedKeyUsage == nil)
        for certificate in [root.certificate, intermediate.certificate, leaf] {
            let critical = certificate.extensions.filter(\.critical).map(\.oid)
            #expect(critical == [.X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage])
        }
    }

    @Test func noAuthorityBelowPathLengthZeroOrUnderTheSameName() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Same", maxPathLength: nil)
        #expect(try code { try root.makeIntermediate(commonName: "Same") } == .invalidSubject)
        let intermediate = try root.makeIntermediate(commonName: "Other")
        #expect(try code { try intermediate.makeIntermediate(commonName: "Third") } == .pathLengthExceeded)
        #expect(try code { try intermediate.issue(.init(subject: [("CN", "Other")])) } == nil)
    }

    @Test func aKeyMadeElsewhereIsCertified() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let key = try KeyPair.generate(.p384)
        let signed = try root.issue(.init(subject: [("CN", "x")]), for: key.publicKey)
        #expect(signed.certificate.publicKey == key.publicKey)
    }

    @Test func issuesFromManyTasksAtOnce() async throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let serials = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask { try root.issue(.init(subject: [("CN", "device-\(number)")])).serialNumber }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(serials.count == 100)
    }
}

@Suite(.needsOpenSSL) struct CertificateAuthorityWithOpenSSLTests {
    @Test(arguments: [KeyType.p256, .p384, .ed25519, .rsa2048])
    func openSSLVerifiesTheChain(_ type: KeyType) throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: type)
        let intermediate = try root.makeIntermediate(keyType: type)
        try openssl.write("root.pem", root.certificatePEM)
        try openssl.write("intermediate.pem", intermediate.certificatePEM)
        try openssl.write(
            "device.pem",
            try intermediate.issue(.init(subject: [("CN", "device")], keyType: type)).certificatePEM
        )
        try openssl.write(
            "server.pem",
            try intermediate.issue(
                .init(subject: [("CN", "gw")], alternativeNames: [.dns("gw.example"), .ip("::1")], purpose: .server)
            ).certificatePEM
        )
        let verify = ["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "intermediate.pem"]
        func accepts(_ purpose: String, _ file: String, _ more: String...) throws -> Bool {
            try openssl.run(verify + ["-purpose", purpose] + more + [file]).status == 0
        }
        #expect(try accepts("sslclient", "device.pem"))
        #expect(try !accepts("sslserver", "device.pem"))
        #expect(try accepts("sslserver", "server.pem", "-verify_hostname", "gw.example"))
        #expect(try accepts("sslserver", "server.pem", "-verify_ip", "::1"))
        #expect(try !accepts("sslserver", "server.pem", "-verify_hostname", "other.example"))
        #expect(try !accepts("sslclient", "server.pem"))
    }

    @Test func openSSLRefusesWhatIsWrong() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let intermediate = try root.makeIntermediate()
        try openssl.write("root.pem", root.certificatePEM)
        func reason(_ issued: IssuedCertificate) throws -> String {
            try openssl.write("chain.pem", issued.chainPEM)
            let outcome = try openssl.run("verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem")
            #expect(outcome.status != 0)
            return outcome.output
        }
        let now = Date()
        let subject = [("CN", "device")]
        #expect(
            try reason(root.issue(.init(subject: subject, notBefore: now - 100, notAfter: now - 50)))
                .contains("expired")
        )
        #expect(
            try reason(root.issue(.init(subject: subject, notBefore: now + 1000, notAfter: now + 2000)))
                .contains("not yet valid")
        )
        #expect(
            try reason(root.issue(.init(subject: subject, additionalExtensions: [.unknownCritical])))
                .contains("unhandled critical extension")
        )
        let tooDeep = try intermediate.issue(
            .init(subject: [("CN", "deep")], purpose: .none, isCA: true, allowsViolations: true)
        )
        let deep = try CertificateAuthority(
            uncheckedCertificate: tooDeep.certificate,
            key: tooDeep.key,
            issuers: [intermediate.certificate]
        )
        #expect(try reason(deep.issue(.init(subject: subject))).contains("path length"))
        let leaf = try root.issue(.init(subject: subject))
        let impostor = try CertificateAuthority(uncheckedCertificate: leaf.certificate, key: leaf.key)
        #expect(try reason(impostor.issue(.init(subject: subject))).contains("invalid CA certificate"))
        let namesake = try CertificateAuthority.makeDevelopmentRoot()
        #expect(try !reason(namesake.issue(.init(subject: subject))).isEmpty)
    }

    @Test func openSSLShowsTheFields() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(
            .init(
                subject: [("C", "DE"), ("O", "Stadtwerke Köln"), ("serialNumber", "7-42"), ("CN", "Zähler ☂ 7")],
                alternativeNames: [
                    .uri("urn:dev:7"), .dns("m7.example"), .ip("192.0.2.7"), .email("a@example.com"),
                ]
            )
        )
        try openssl.write("device.pem", issued.certificatePEM)
        let text = try openssl.require(
            "x509", "-in", "device.pem", "-noout", "-text", "-nameopt", "RFC2253,utf8,-esc_msb")
        for part in [
            "Version: 3 (0x2)", "Subject: CN=Zähler ☂ 7,serialNumber=7-42,O=Stadtwerke Köln,C=DE",
            "TLS Web Client Authentication", "Digital Signature", "CA:FALSE", "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier", "URI:urn:dev:7", "DNS:m7.example", "IP Address:192.0.2.7",
            "email:a@example.com", "ecdsa-with-SHA256",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        let fingerprint = try openssl.require("x509", "-in", "device.pem", "-noout", "-fingerprint", "-sha256")
        #expect(
            fingerprint.lowercased().replacingOccurrences(of: ":", with: "").contains(issued.sha256Fingerprint)
        )
        let serial = try openssl.require("x509", "-in", "device.pem", "-noout", "-serial")
        #expect(serial.lowercased().contains("serial=\(issued.serialNumber)"))
    }
}
