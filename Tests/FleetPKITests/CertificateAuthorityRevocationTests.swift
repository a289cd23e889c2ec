import Foundation
import Testing
import X509

@testable import FleetPKI

@Suite struct CertificateAuthorityRevocationTests {
    private static let moment = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down) - 60)

    private func list(
        _ authority: CertificateAuthority, _ revoked: [RevokedCertificate] = [], number: UInt64 = 1
    ) throws -> CertificateRevocationList {
        try authority.issueCRL(
            revoked: revoked, thisUpdate: Self.moment, nextUpdate: Self.moment + 3_600, number: number)
    }

    @Test(.needsOpenSSL, arguments: [KeyType.p256, .p384, .rsa2048, .ed25519])
    func opensslVerifiesIt(_ type: KeyType) throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: type)
        let revoked = try root.issue(.init(subject: [("CN", "revoked")]))
        let good = try root.issue(.init(subject: [("CN", "good")]))
        let list = try list(
            root, [.init(serialNumber: revoked.serialNumber, revokedAt: Self.moment, reason: .keyCompromise)])
        try openssl.write("ca.pem", try root.certificatePEM)
        try openssl.write("crl.pem", list.pem)
        try openssl.write("crl.der", list.der)
        try openssl.write("revoked.pem", revoked.certificatePEM)
        try openssl.write("good.pem", good.certificatePEM)
        #expect(try openssl.require("crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout", "-verify").contains("OK"))
        try openssl.require("crl", "-inform", "DER", "-in", "crl.der", "-noout")
        try openssl.require("verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "good.pem")
        let refused = try openssl.run("verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "revoked.pem")
        #expect(refused.status != 0)
        #expect(refused.output.contains("certificate revoked"))
    }

    @Test(.needsOpenSSL) func saysWhatTheStandardAsksFor() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let entries =
            RevokedCertificate.Reason.allCases.enumerated().map { number, reason in
                RevokedCertificate(serialNumber: "0\(number + 1)", revokedAt: Self.moment, reason: reason)
            } + [.init(serialNumber: "ff", revokedAt: Self.moment)]
        try openssl.write("crl.pem", try list(root, entries, number: 300).pem)
        let text = try openssl.require("crl", "-in", "crl.pem", "-noout", "-text")
        for reason in [
            "Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded", "Cessation Of Operation",
            "Certificate Hold", "Privilege Withdrawn", "AA Compromise",
        ] {
            #expect(text.contains(reason))
        }
        #expect(text.contains("Version 2 (0x1)"))
        #expect(text.contains("X509v3 CRL Number: \n                300"))
        #expect(text.contains("X509v3 Authority Key Identifier"))
        #expect(text.contains("Serial Number: FF\n"))
        #expect(text.components(separatedBy: "CRL entry extensions").count == entries.count)
    }

    @Test(.needsOpenSSL) func anEmptyListIsAList() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        try openssl.write("crl.pem", try list(root).pem)
        #expect(try openssl.require("crl", "-in", "crl.pem", "-noout", "-text").contains("No Revoked Certificates"))
    }

    @Test(.needsOpenSSL) func datesBeyond2049AreGeneralizedTime() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let far = Date(timeIntervalSince1970: 2_556_144_000)  // 2051-01-01
        let list = try root.issueCRL(revoked: [], thisUpdate: Self.moment, nextUpdate: far, number: 1)
        #expect(list.nextUpdate == far)
        try openssl.write("crl.pem", list.pem)
        let text = try openssl.require("crl", "-in", "crl.pem", "-noout", "-nextupdate")
        #expect(text.contains("Jan  1 00:00:00 2051 GMT"))
    }

    @Test func readsBackWhatWasSaid() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let other = try CertificateAuthority.makeDevelopmentRoot()
        let entries = [
            RevokedCertificate(serialNumber: "01", revokedAt: Self.moment, reason: .superseded),
            RevokedCertificate(
                serialNumber: "80" + String(repeating: "00", count: 19), revokedAt: Self.moment - 90_000),
        ]
        let made = try list(root, entries, number: .max)
        let lists = try CertificateRevocationList.all(pem: made.pem + (try root.certificatePEM) + list(other).pem)
        #expect(lists.count == 2)
        let read = try #require(lists.first)
        #expect(read.revoked == entries)
        #expect(read.number == .max)
        #expect(read.thisUpdate == Self.moment)
        #expect(read.nextUpdate == Self.moment + 3_600)
        #expect(read.isSigned(by: root))
        // The other has the same name.
        #expect(!read.isSigned(by: other))
    }

    @Test(.needsOpenSSL) func readsWhatOpenSSLMade() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let root = try CertificateAuthority.makeDevelopmentRoot()
        try openssl.write("ca.pem", try root.certificatePEM)
        try openssl.write("ca.key", root.privateKeyPEM)
        try openssl.write("index.txt", "R\t400101000000Z\t250102030405Z,keyCompromise\t0A0B\tunknown\t/CN=x\n")
        try openssl.write("number", "0100\n")
        try openssl.write(
            "ca.cnf",
            """
            [ca]
            default_ca = d
            [d]
            database = index.txt
            crlnumber = number
            default_md = sha256
            default_crl_days = 3
            crl_extensions = e
            [e]
            authorityKeyIdentifier = keyid
            """)
        try openssl.require(
            "ca", "-config", "ca.cnf", "-gencrl", "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "crl.pem")
        let list = try #require(try CertificateRevocationList.all(pem: openssl.read("crl.pem")).first)
        #expect(list.number == 256)
        #expect(list.isSigned(by: root))
        #expect(
            list.revoked == [
                .init(
                    serialNumber: "0a0b", revokedAt: Date(timeIntervalSince1970: 1_735_787_045), reason: .keyCompromise)
            ])
    }

    @Test(arguments: [
        "", "0", "00", "0000", "xy", "0x01", " 01", String(repeating: "ff", count: 22), "-1", "0ä",
    ])
    func serialNumbersThatAreNoneAreRefused(_ serial: String) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let thrown = try code { try list(root, [.init(serialNumber: serial, revokedAt: Self.moment)]) }
        #expect(thrown == .invalidSerialNumber)
    }

    @Test func aSerialNumberTwiceIsRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let entries = ["0a", "0A"].map { RevokedCertificate(serialNumber: $0, revokedAt: Self.moment) }
        #expect(try code { try list(root, entries) } == .invalidSerialNumber)
    }

    @Test func datesOutOfOrderOrRangeAreRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let now = Self.moment
        func issue(_ revokedAt: Date, _ from: Date, _ to: Date) throws -> PKIError.Code? {
            try code {
                try root.issueCRL(
                    revoked: [.init(serialNumber: "01", revokedAt: revokedAt)], thisUpdate: from, nextUpdate: to,
                    number: 1)
            }
        }
        #expect(try issue(now, now, now) == .invalidValidity)
        #expect(try issue(now, now, now - 1) == .invalidValidity)
        #expect(try issue(.distantPast, now, now + 1) == .invalidValidity)
        #expect(try issue(now, .distantPast, now) == .invalidValidity)
        #expect(try issue(now, now, Date(timeIntervalSince1970: 1e30)) == .invalidValidity)
        #expect(try issue(Date(timeIntervalSince1970: .nan), now, now + 1) == .invalidValidity)
        #expect(try issue(now, now, now + 1) == nil)
    }

    @Test func anAuthorityWithoutTheKeyUsageIsRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(.init(subject: [("CN", "ca")], keyUsage: [.keyCertSign], isCA: true))
        let authority = try CertificateAuthority(
            certificatePEM: issued.certificatePEM, privateKeyPEM: issued.privateKeyPEM)
        #expect(try code { try list(authority) } == .revocationSigningNotAllowed)
    }

    @Test func aDamagedListIsRefusedOrNotSigned() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let der = try list(root, [.init(serialNumber: "0102", revokedAt: Self.moment, reason: .superseded)]).der
        for position in der.indices {
            for change in [UInt8(0x01), 0x80, 0xFF] {
                var damaged = der
                damaged[position] ^= change
                if let read = try? CertificateRevocationList(der: damaged) {
                    #expect(!read.isSigned(by: root), "octet \(position) changed by \(change)")
                }
            }
            #expect(throws: PKIError.self) { try CertificateRevocationList(der: Array(der[..<position])) }
        }
        #expect(throws: PKIError.self) { try CertificateRevocationList(der: der + [0]) }
    }

    @Test(arguments: [
        [UInt8](), [0x30, 0x00], [0x30, 0x80], [0x02, 0x01, 0x01], [0x30, 0x02, 0x30, 0x00],
        [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], Array("-----BEGIN".utf8), [UInt8](repeating: 0x30, count: 4_096),
    ])
    func whatIsNoListIsRefused(_ der: [UInt8]) throws {
        #expect(try code { try CertificateRevocationList(der: der) } == .malformedRevocationList)
    }

    @Test func textsWithoutAListAreRefused() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        #expect(try code { try CertificateRevocationList.all(pem: "") } == .noPEMBlock)
        #expect(try code { try CertificateRevocationList.all(pem: root.certificatePEM) } == .noPEMBlock)
        let open = "-----BEGIN X509 CRL-----\nMAA=\n"
        #expect(try code { try CertificateRevocationList.all(pem: open) } == .malformedPEM)
        let empty = open + "-----END X509 CRL-----\n"
        #expect(try code { try CertificateRevocationList.all(pem: empty) } == .malformedRevocationList)
    }

    @Test func aCertificateIsNoList() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let leaf = try root.issue(.init(subject: [("CN", "x")]))
        #expect(try code { try CertificateRevocationList(der: leaf.certificateDER) } == .malformedRevocationList)
    }
}
