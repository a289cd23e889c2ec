import Foundation
import Testing
import X509

@testable import FleetPKI

/// Lists that are in order.
@Suite struct RevocationListScanTests {
    private static let moment = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01

    @Test(arguments: [KeyType.p256, .p384, .rsa2048, .ed25519])
    func readsWhatOurAuthorityIssues(_ type: KeyType) throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: type)
        let serials: [[UInt8]] = [[1], [0x7F], [0x80], [0xFF, 0, 1], Array(repeating: 0xAB, count: 20)]
        let revoked = serials.enumerated().map { number, serial in
            RevokedCertificate(
                serialNumber: Hexadecimal.encode(serial), revokedAt: Self.moment - TimeInterval(number),
                reason: RevokedCertificate.Reason(rawValue: number))
        }
        let list = try root.issueCRL(
            revoked: revoked, thisUpdate: Self.moment, nextUpdate: Self.moment + 3_600, number: 0x0100)
        let (header, entries) = try scan(list.der, issuedBy: root)
        #expect(header == list.header)
        #expect(try CertificateRevocationList.header(of: list.der) == header)
        #expect(header.number == [1, 0])
        #expect(header.thisUpdate == 1_767_225_600)
        #expect(header.nextUpdate == 1_767_229_200)
        #expect(header.entryCount == 5)
        #expect(header.authorityKeyIdentifier == Array(root.keyIdentifier))
        #expect(header.distributionPoints.isEmpty)
        #expect(!header.onlyUserCertificates && !header.onlyCACertificates)
        #expect(entries.map(\.serialNumber) == serials)
        #expect(entries.map(\.revokedAt) == (0..<5).map { 1_767_225_600 - Int64($0) })
        #expect(entries.map(\.reason) == [0, 1, 2, 3, 4])
    }

    @Test func aLongListIsReadWhole() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let count = 70_000
        let entries: [[UInt8]] = (0..<count).map { number in
            let octets = [16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
            return RawList.entry([1] + octets)
        }
        var sum = 0
        let header = try CertificateRevocationList.scan(
            der: RawList(entries: entries).der(signedBy: root), issuedBy: root.certificate.der()
        ) { serial, _, _ in
            var number = 0
            for octet in serial.dropFirst() { number = number << 8 | Int(octet) }
            sum += number
        }
        #expect(header.entryCount == count)
        #expect(sum == count * (count - 1) / 2)
    }

    @Test func whatMayBeAbsentMayBeAbsent() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        var list = RawList(nextUpdate: nil)
        for version in [[1], nil] as [[UInt8]?] {
            list.version = version
            let (header, entries) = try scan(list.der(signedBy: root), issuedBy: root)
            #expect(header.nextUpdate == nil)
            #expect(header.number.isEmpty)
            #expect(header.authorityKeyIdentifier == nil)
            #expect(entries.isEmpty)
            #expect(try CertificateRevocationList(der: list.der(signedBy: root)).number == nil)
        }
        // Some issuers write the empty list that RFC 5280 section 5.1.2.6 has left out.
        list.entries = []
        #expect(try scan(list.der(signedBy: root), issuedBy: root).entries.isEmpty)
        // Version 1 has no extensions, and is otherwise the same.
        list.entries = [RawList.entry([5])]
        #expect(try scan(list.der(signedBy: root), issuedBy: root).entries.map(\.serialNumber) == [[5]])
    }

    @Test func serialNumbersAreTakenAsTheyAre() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let serials: [[UInt8]] = [
            [9], [3], [3], [0], [0, 0x80], [0, 0, 7], [0x80], [0xFF, 1], Array(repeating: 0xEE, count: 21),
        ]
        let (header, entries) = try scan(
            RawList(entries: serials.map { RawList.entry($0) }).der(signedBy: root), issuedBy: root)
        #expect(header.entryCount == 9)
        #expect(
            entries.map(\.serialNumber) == [
                [9], [3], [3], [], [0x80], [7], [0x80], [0xFF, 1], Array(repeating: 0xEE, count: 21),
            ])
    }

    @Test func extensionsOfEntriesThatSayNothingArePassedOver() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let entries = [
            RawList.entry([1], extensions: [RawList.reason(6)]),
            RawList.entry(
                [2],
                extensions: [
                    RawList.item([0x55, 0x1D, 24], RawList.generalizedTime("20250101000000Z")), RawList.reason(1),
                    RawList.item([0x2A, 3], critical: [0], [1, 2, 3]),
                ]),
            RawList.entry([3], extensions: [RawList.reason(99)]), RawList.entry([4], extensions: []),
        ]
        #expect(
            try scan(RawList(entries: entries).der(signedBy: root), issuedBy: root).entries.map(\.reason)
                == [6, 1, 99, 0])
    }

    @Test func theIssuingDistributionPointIsReported() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        func header(_ fields: [UInt8]...) throws -> RevocationListHeader {
            try scan(
                RawList(extensions: [RawList.issuingDistributionPoint(fields.flatMap { $0 })]).der(signedBy: root),
                issuedBy: root
            ).header
        }
        let both = try header(RawList.fullName("http://a/b.crl", "ldap://c"), element(0x81, [0xFF]))
        #expect(both.distributionPoints == ["http://a/b.crl", "ldap://c"])
        #expect(both.onlyUserCertificates && !both.onlyCACertificates)
        let authorities = try header(element(0x81, [0]), element(0x82, [0xFF]), element(0x84, [0]), element(0x85, [0]))
        #expect(!authorities.onlyUserCertificates && authorities.onlyCACertificates)
        let relative = try header(element(0xA0, element(0xA1, element(0x30))))
        #expect(relative.distributionPoints.isEmpty)
        #expect(try header().distributionPoints.isEmpty)
    }

    @Test func extensionsThatAskForNothingArePassedOver() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let list = RawList(extensions: [
            RawList.item([0x55, 0x1D, 18], element(0x30)),  // issuerAltName
            RawList.item([0x55, 0x1D, 46], element(0x30)),  // freshestCRL
            RawList.item([0x55, 0x1D, 60], RawList.generalizedTime("20250101000000Z")),  // expiredCertsOnCRL
            RawList.item([0x55, 0x1D, 20], element(0x02, [0])),
        ])
        #expect(try scan(list.der(signedBy: root), issuedBy: root).header.number.isEmpty)
        #expect(try CertificateRevocationList(der: list.der(signedBy: root)).number == 0)
        let long = RawList(extensions: [RawList.item([0x55, 0x1D, 20], element(0x02, [0] + [UInt8](1...20)))])
        #expect(try scan(long.der(signedBy: root), issuedBy: root).header.number == Array(1...20))
    }

    @Test func anyHashOfAnEllipticCurveKeyIsTaken() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot(keyType: .p256)
        for algorithm in [ListSignature.ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512] {
            let (header, _) = try scan(RawList(algorithm: algorithm).der(signedBy: root), issuedBy: root)
            #expect(header.signatureAlgorithm == algorithm.name)
        }
    }

    @Test func aFileHoldsOneListInDEROrSeveralInPEM() throws {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let first = try root.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 1)
        let second = try root.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 2)
        #expect(try CertificateRevocationList.encodings(in: first.der) == [first.der])
        let text = "0 is what this begins with\n" + first.pem + (try root.certificatePEM) + second.pem
        #expect(try CertificateRevocationList.encodings(in: Array(text.utf8)) == [first.der, second.der])
        let windows = first.pem.replacing("\n", with: "\r\n")
        #expect(try CertificateRevocationList.encodings(in: Array(windows.utf8)) == [first.der])
        for text in ["", "0", "nothing", try root.certificatePEM] {
            #expect(try code { try CertificateRevocationList.encodings(in: Array(text.utf8)) } == .noPEMBlock)
        }
        #expect(
            try code { try CertificateRevocationList.encodings(in: Array(first.pem.dropLast(20).utf8)) }
                == .malformedPEM)
    }
}
