import Foundation
import SwiftASN1
import Testing
import X509

@testable import FleetPKI

/// Lists that are refused, each with its reason, and without an entry handed over.
@Suite struct RevocationListRefusalTests {
    private let root: CertificateAuthority

    init() throws {
        self.root = try CertificateAuthority.makeDevelopmentRoot()
    }

    /// The refusal's code; nil when the list is taken. Entries may only be seen before one that is malformed.
    private func refusal(_ list: RawList) throws -> PKIError.Code? {
        let der = try list.der(signedBy: self.root)
        let scanned = try code { try scan(der, issuedBy: self.root) }
        // Without a signature to check, the same is said.
        #expect(try code { try CertificateRevocationList.header(of: der) } == scanned)
        #expect(try code { try CertificateRevocationList(der: der) } == scanned)
        return scanned
    }

    private func refusal(extensions: [UInt8]...) throws -> PKIError.Code? {
        try self.refusal(RawList(extensions: extensions))
    }

    private func refusal(entry: [UInt8]) throws -> PKIError.Code? {
        try self.refusal(RawList(entries: [RawList.entry([1]), entry]))
    }

    @Test func whatTheTestsPutTogetherIsTaken() throws {
        #expect(try self.refusal(RawList()) == nil)
        #expect(try self.refusal(extensions: RawList.item([0x55, 0x1D, 20], element(0x02, [7]))) == nil)
        #expect(try self.refusal(entry: RawList.entry([2], extensions: [RawList.reason(1)])) == nil)
    }

    @Test func listsThatMeanSomethingElseAreRefused() throws {
        #expect(
            try self.refusal(extensions: RawList.item([0x55, 0x1D, 27], critical: [0xFF], element(0x02, [1])))
                == .deltaRevocationList)
        #expect(try self.refusal(extensions: RawList.item([0x55, 0x1D, 27], [])) == .deltaRevocationList)
        #expect(
            try self.refusal(extensions: RawList.issuingDistributionPoint(element(0x84, [0xFF])))
                == .indirectRevocationList)
        #expect(
            try self.refusal(extensions: RawList.issuingDistributionPoint(element(0x83, [7, 0x80])))
                == .partialRevocationList)
        #expect(
            try self.refusal(extensions: RawList.issuingDistributionPoint(element(0x85, [0xFF])))
                == .attributeRevocationList)
        let certificateIssuer = RawList.item([0x55, 0x1D, 29], critical: [0xFF], element(0x30))
        #expect(try self.refusal(entry: RawList.entry([2], extensions: [certificateIssuer])) == .indirectRevocationList)
    }

    @Test func criticalExtensionsThatAreUnknownAreRefused() throws {
        let unknown = RawList.item([0x2A, 3, 4], critical: [0xFF], [])
        #expect(try self.refusal(extensions: unknown) == .unknownCriticalExtension)
        #expect(try self.refusal(entry: RawList.entry([2], extensions: [unknown])) == .unknownCriticalExtension)
        // An OID that only begins like a known one.
        let longer = RawList.item([0x55, 0x1D, 21, 1], critical: [0xFF], [])
        #expect(try self.refusal(entry: RawList.entry([2], extensions: [longer])) == .unknownCriticalExtension)
    }

    @Test func malformedExtensionsAreRefused() throws {
        let number = RawList.item([0x55, 0x1D, 20], element(0x02, [1]))
        for wrong in [
            RawList.item([0x55, 0x1D, 20], element(0x02, [])), RawList.item([0x55, 0x1D, 20], element(0x02, [0xFF])),
            RawList.item([0x55, 0x1D, 20], element(0x02, [0] + Array(repeating: 0x80, count: 21))),
            RawList.item([0x55, 0x1D, 20], element(0x02, [0x7F] + Array(repeating: 0x80, count: 20))),
            RawList.item([0x55, 0x1D, 20], element(0x04, [1])), RawList.item([0x55, 0x1D, 20], []),
            RawList.item([0x55, 0x1D, 20], element(0x02, [1]) + [0]), RawList.item([0x55, 0x1D, 35], [0x30]),
            RawList.item([0x2A, 3], critical: [1, 1], []), element(0x30), element(0x02, [1]),
            element(0x30, element(0x06, [0x2A])), [0x30, 0x80, 0, 0],
            RawList.issuingDistributionPoint(element(0x81, [0xFF]), element(0x82, [0xFF])),
            RawList.issuingDistributionPoint(element(0x82, [0xFF]), element(0x81, [0xFF])),
            RawList.issuingDistributionPoint(element(0x81, [0xFF]), element(0x81, [0xFF])),
            RawList.issuingDistributionPoint(element(0x81, [2])), RawList.issuingDistributionPoint(element(0x81, [])),
            RawList.issuingDistributionPoint(element(0x86, [0xFF])),
            RawList.issuingDistributionPoint(element(0x01, [0xFF])), RawList.issuingDistributionPoint(element(0xA0)),
            RawList.item([0x55, 0x1D, 28], critical: [0xFF], element(0x31)),
        ] {
            #expect(try self.refusal(extensions: wrong) == .malformedRevocationList, "\(wrong)")
        }
        #expect(try self.refusal(extensions: number, number) == .malformedRevocationList)
        let many = (0..<40).map { RawList.item([0x2A, UInt8($0)], []) }
        #expect(try self.refusal(RawList(extensions: many)) == .malformedRevocationList)
        let long = RawList.item([0x2A, 3], Array(repeating: 0, count: 1 << 17))
        #expect(try self.refusal(extensions: long) == .malformedRevocationList)
    }

    @Test func malformedEntriesAreRefused() throws {
        let time = RawList.utcTime("251231235959Z")
        for wrong in [
            [], element(0x30), element(0x31, element(0x02, [1]), time), element(0x30, element(0x02, [1])),
            element(0x30, time, element(0x02, [1])), element(0x30, element(0x02, []), time),
            element(0x30, element(0x02, [1]), time, [0]), element(0x30, element(0x02, [1]), time, element(0x05)),
            element(0x30, element(0x02, [1]), time, element(0x30), element(0x30)),
            RawList.entry(Array(repeating: 1, count: 22)), RawList.entry([1], time: RawList.utcTime("")),
            RawList.entry([1], time: element(0x16, Array("251231235959Z".utf8))),
            [0x30, 0x81, 0x12, 0x02, 0x01, 0x01] + time, [0x30, 0x80, 0x02, 0x01, 0x01] + time + [0, 0],
            [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x3F, 0x81, 0x01, 0x00], [0x30],
        ] where !wrong.isEmpty {
            #expect(try self.refusal(entry: wrong) == .malformedRevocationList, "\(wrong)")
        }
    }

    @Test func malformedExtensionsOfEntriesAreRefused() throws {
        for wrong in [
            [RawList.item([0x55, 0x1D, 21], [])], [RawList.item([0x55, 0x1D, 21], element(0x02, [1]))],
            [RawList.item([0x55, 0x1D, 21], element(0x0A, [0, 1]))],
            [RawList.item([0x55, 0x1D, 21], element(0x0A, [1]) + [0])], [RawList.reason(1), RawList.reason(1)],
            [RawList.item([0x2A], critical: [], [])], [element(0x30, element(0x06, [0x2A]))],
            [element(0x30, element(0x06, [0x2A]), element(0x04), element(0x04))], [element(0x04)], [[0x30]],
            (0..<17).map { RawList.item([0x2A, UInt8($0)], []) },
        ] {
            #expect(
                try self.refusal(entry: RawList.entry([2], extensions: wrong)) == .malformedRevocationList, "\(wrong)")
        }
    }

    @Test func malformedListsAreRefused() throws {
        let entry = RawList.entry([1], extensions: [RawList.reason(1)])
        for wrong in [
            RawList(version: [0]), RawList(version: [2]), RawList(version: [0, 1]), RawList(version: []),
            RawList(version: nil, extensions: []), RawList(version: nil, entries: [entry]),
            RawList(thisUpdate: [], nextUpdate: nil), RawList(thisUpdate: RawList.utcTime("260101000000")),
            RawList(nextUpdate: RawList.generalizedTime("2026")), RawList(trailer: [0]),
            RawList(trailer: element(0x05)),
            RawList(extensions: [], trailer: element(0xA0, element(0x30))), RawList(trailer: element(0xA0)),
            RawList(issuer: []), RawList(issuer: element(0x31)),
            RawList(issuer: element(0x30, Array(repeating: 0, count: 1 << 17))),
            RawList(innerAlgorithm: element(0x30)), RawList(innerAlgorithm: []), RawList(unusedBits: []),
            RawList(unusedBits: [1]),
        ] {
            #expect(try self.refusal(wrong) == .malformedRevocationList, "\(wrong)")
        }
    }

    @Test func aListOfAnotherIssuerIsRefused() throws {
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Other")
        let list = try other.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 1)
        #expect(try code { try scan(list.der, issuedBy: self.root) } == .wrongIssuer)
        // One of the same name with another key, which the list says.
        let namesake = try self.root.makeNamesake()
        let impostor = try namesake.issueCRL(revoked: [], nextUpdate: Date() + 60, number: 1)
        #expect(try code { try scan(impostor.der, issuedBy: self.root) } == .wrongIssuer)
        // And one that does not say it.
        let silent = try RawList().der(signedBy: namesake)
        #expect(try code { try scan(silent, issuedBy: self.root) } == .badRevocationListSignature)
    }

    @Test func anIssuerThatMayNotSignListsIsRefused() throws {
        let issued = try self.root.issue(.init(subject: [("CN", "ca")], keyUsage: [.keyCertSign], isCA: true))
        let authority = try CertificateAuthority(
            certificatePEM: issued.certificatePEM, privateKeyPEM: issued.privateKeyPEM)
        #expect(
            try code { try scan(RawList().der(signedBy: authority), issuedBy: authority) }
                == .notARevocationListIssuer)
        let leaf = try self.root.issue(.init(subject: [("CN", "device")]))
        let impostor = try CertificateAuthority(uncheckedCertificate: leaf.certificate, key: leaf.key)
        #expect(
            try code { try scan(RawList().der(signedBy: impostor), issuedBy: impostor) } == .notARevocationListIssuer)
        #expect(
            try code {
                try CertificateRevocationList.scan(
                    der: RawList().der(signedBy: self.root), issuedBy: [0x30, 0x00]
                ) { _, _, _ in }
            } == .malformedCertificate)
    }

    @Test func signaturesThatAreWeakOrUnknownAreRefused() throws {
        // sha1WithRSAEncryption, ecdsa-with-SHA1, and RSA's parameters on an ECDSA algorithm.
        for algorithm in [
            element(0x30, element(0x06, [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 5]), element(0x05)),
            element(0x30, element(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1])),
            element(0x30, element(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]), element(0x05)), element(0x30),
        ] {
            let good = try RawList(innerAlgorithm: algorithm).der(signedBy: self.root)
            let envelope = element(0x30, self.signedPart(of: good), algorithm, element(0x03, [0, 1, 2, 3]))
            #expect(
                try code { try scan(envelope, issuedBy: self.root) } == .unsupportedRevocationListSignature,
                "\(algorithm)")
            #expect(try CertificateRevocationList.header(of: envelope).signatureAlgorithm == "unknown")
        }
        // An algorithm of another kind of key.
        let list = try RawList(innerAlgorithm: self.encoded(.sha256WithRSA)).der(signedBy: self.root)
        let foreign = try element(
            0x30, self.signedPart(of: list), self.encoded(.sha256WithRSA), element(0x03, [0, 1, 2, 3]))
        #expect(try code { try scan(foreign, issuedBy: self.root) } == .badRevocationListSignature)
        let pss = try RawList(innerAlgorithm: self.encoded(.sha256WithPSS)).der(signedBy: self.root)
        let padded = try element(
            0x30, self.signedPart(of: pss), self.encoded(.sha256WithPSS), element(0x03, [0, 1, 2, 3]))
        #expect(try code { try scan(padded, issuedBy: self.root) } == .badRevocationListSignature)
    }

    private func encoded(_ algorithm: ListSignature) throws -> [UInt8] {
        var coder = DER.Serializer()
        try algorithm.serialize(into: &coder)
        return coder.serializedBytes
    }

    private func signedPart(of der: [UInt8]) -> [UInt8] {
        guard let list = DERElement.read(der.span, at: 0, before: der.count),
            let signed = DERElement.read(der.span, at: list.content.lowerBound, before: list.end)
        else { return [] }
        return Array(der[signed.whole])
    }

    @Test func noChangedOctetIsTaken() throws {
        let list = RawList(
            entries: [
                RawList.entry([0x31, 2], extensions: [RawList.reason(1)]),
                RawList.entry([0x32], time: RawList.generalizedTime("20510101000000Z")),
            ],
            extensions: [
                RawList.item([0x55, 0x1D, 20], element(0x02, [7])),
                RawList.issuingDistributionPoint(RawList.fullName("http://a/"), element(0x81, [0xFF])),
            ])
        let der = try list.der(signedBy: self.root)
        let issuer = try self.root.certificate.der()
        for position in der.indices {
            for change in [UInt8(1), 0x20, 0x80, 0xFF] {
                var damaged = der
                damaged[position] ^= change
                var seen = 0
                #expect(throws: PKIError.self, "octet \(position) changed by \(change)") {
                    try CertificateRevocationList.scan(der: damaged, issuedBy: issuer) { _, _, _ in seen += 1 }
                }
                // What nobody signed is never seen.
                #expect(seen == 0)
            }
            #expect(throws: PKIError.self) { try CertificateRevocationList.header(of: Array(der[..<position])) }
        }
        #expect(try code { try scan(der + [0], issuedBy: self.root) } == .malformedRevocationList)
        #expect(try code { try scan([0] + der, issuedBy: self.root) } == .malformedRevocationList)
    }

    @Test func octetsAtRandomAreRefused() throws {
        var generator = SystemRandomNumberGenerator()
        let issuer = try self.root.certificate.der()
        for _ in 0..<20_000 {
            var octets = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                // What parsers meet most: tags and lengths.
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : [0x30, 0x02, 0x03, 0x17, 0xA0, 0x80, 0x81, 0x84].randomElement(using: &generator) ?? 0
            }
            if !octets.isEmpty { octets[0] = 0x30 }
            #expect(throws: PKIError.self, "\(octets)") {
                try CertificateRevocationList.scan(der: octets, issuedBy: issuer) { _, _, _ in }
            }
        }
    }

    @Test func whatTheCallerThrowsEndsTheScan() throws {
        let der = try RawList(entries: [RawList.entry([1]), RawList.entry([2])]).der(signedBy: self.root)
        var seen = 0
        let thrown = try code {
            try CertificateRevocationList.scan(der: der, issuedBy: self.root.certificate.der()) {
                _, _, _ throws(PKIError) in
                seen += 1
                throw PKIError(code: .invalidArgument, message: "enough")
            }
        }
        #expect(thrown == .invalidArgument)
        #expect(seen == 1)
    }

    @Test func aListThatIsTooLongIsNotLookedAt() throws {
        let long = [UInt8](repeating: 0x30, count: CertificateRevocationList.octetsMax + 1)
        #expect(try code { try CertificateRevocationList.header(of: long) } == .inputTooLong)
    }
}
