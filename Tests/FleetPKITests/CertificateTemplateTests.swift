import Foundation
import SwiftASN1
import Testing
import X509

@testable import FleetPKI

@Suite struct CertificateTemplateTests {
    let authority: CertificateAuthority

    init() throws {
        self.authority = try CertificateAuthority.makeDevelopmentRoot()
    }

    @Test func serialNumbersArePositiveUniqueAndOf16Octets() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<500 {
            let octets = Array(try CertificateTemplate(subject: []).serial().bytes)
            #expect(octets.count == 16)
            #expect((0x40...0x7F).contains(try #require(octets.first)))
            seen.insert(octets)
        }
        #expect(seen.count == 500)
    }

    @Test(
        arguments: [
            [], [0], [0, 0], [UInt8](repeating: 1, count: 21), [UInt8](repeating: 0x80, count: 20),
        ] as [[UInt8]])
    func illegalSerialNumbers(_ serial: [UInt8]) throws {
        var template = CertificateTemplate(subject: [("CN", "x")], serialNumber: serial)
        #expect(try code { try self.authority.issue(template) } == .invalidSerialNumber)
        template.allowsViolations = true
        #expect(try code { try CertificateInspection(der: try self.authority.issue(template).certificateDER) } == nil)
    }

    @Test(
        arguments: [
            ([1], "01"), ([0x80], "80"), ([0, 0, 7], "07"),
            ([UInt8](repeating: 0x7F, count: 20), String(repeating: "7f", count: 20)),
        ] as [([UInt8], String)])
    func givenSerialNumbers(_ serial: [UInt8], _ expected: String) throws {
        let issued = try self.authority.issue(.init(subject: [("CN", "x")], serialNumber: serial))
        #expect(issued.serialNumber == expected)
        #expect(try CertificateInspection(der: issued.certificateDER).serialNumber == expected)
    }

    @Test func anEmptySubjectNeedsAnAlternativeName() throws {
        #expect(try code { try self.authority.issue(.init(subject: [])) } == .invalidSubject)
        let named = try self.authority.issue(.init(subject: [], alternativeNames: [.uri("urn:dev:1")]))
        #expect(
            named.certificate.extensions.first { $0.oid == .X509ExtensionID.subjectAlternativeName }?.critical == true)
    }

    @Test func validityIsChecked() throws {
        let now = Date()
        var template = CertificateTemplate(subject: [("CN", "x")])
        for (from, to) in [
            (now, now), (now, now - 1), (now, Date(timeIntervalSince1970: 253_402_300_800)),
            (Date(timeIntervalSince1970: -700_000_000), now), (now, Date(timeIntervalSince1970: .infinity)),
            (Date(timeIntervalSince1970: .nan), now), (now, Date(timeIntervalSince1970: 1e300)),
            (.distantPast, .distantFuture),
        ] {
            template.notBefore = from
            template.notAfter = to
            #expect(try code { try self.authority.issue(template) } == .invalidValidity)
        }
        template.allowsViolations = true
        template.notBefore = now
        template.notAfter = now - 86_400
        #expect(try code { try self.authority.issue(template) } == nil)
        template.notAfter = Date(timeIntervalSince1970: .infinity)
        #expect(try code { try self.authority.issue(template) } == .invalidValidity)
    }

    @Test func theEndOfTimeOfRFC5280() throws {
        let end = Date(timeIntervalSince1970: 253_402_300_799)
        let issued = try self.authority.issue(.init(subject: [("CN", "x")], notAfter: end))
        #expect(try CertificateInspection(der: issued.certificateDER).notAfter == end)
    }

    @Test func pathLengthsAreForAuthorities() throws {
        let leaf = CertificateTemplate(subject: [("CN", "x")], maxPathLength: 0)
        #expect(try code { try self.authority.issue(leaf) } == .invalidExtension)
        let negative = CertificateTemplate(subject: [("CN", "x")], isCA: true, maxPathLength: -1)
        #expect(try code { try self.authority.issue(negative) } == .invalidExtension)
    }

    @Test func extendedKeyUsages() throws {
        func usages(_ purpose: CertificateTemplate.Purpose) throws -> [String]? {
            let issued = try self.authority.issue(.init(subject: [("CN", "x")], purpose: purpose))
            return try CertificateInspection(der: issued.certificateDER).extendedKeyUsage
        }
        #expect(try usages(.client) == ["clientAuth"])
        #expect(try usages(.server) == ["serverAuth"])
        #expect(try usages(.both) == ["serverAuth", "clientAuth"])
        #expect(try usages(.none) == nil)
        #expect(try usages(.other(["1.3.6.1.5.5.7.3.3", "2.999.7"])) == ["codeSigning", "2.999.7"])
        #expect(try code { try usages(.other(["x"])) } == .invalidObjectIdentifier)
        #expect(try code { try usages(.other(["2.999", "2.999"])) } == .invalidExtension)
    }

    @Test func rawExtensionsAreAddedOrReplace() throws {
        let issued = try self.authority.issue(
            .init(
                subject: [("CN", "x")],
                alternativeNames: [.dns("a.example")],
                additionalExtensions: [
                    .unknownCritical, .init(oid: "2.5.29.17", critical: false, value: [0xFF]),
                ]
            )
        )
        let inspection = try CertificateInspection(der: issued.certificateDER)
        #expect(inspection.unknownCriticalExtensions == ["2.999.1"])
        #expect(inspection.malformedExtensions == ["2.5.29.17"])
        #expect(inspection.alternativeNames.isEmpty)
    }

    @Test func keyUsageMayBeLeftOutOrReplaced() throws {
        func usage(_ bits: CertificateTemplate.KeyUsageBits?) throws -> [String]? {
            let issued = try self.authority.issue(.init(subject: [("CN", "x")], keyUsage: bits))
            return try CertificateInspection(der: issued.certificateDER).keyUsage
        }
        #expect(try usage(nil) == ["digitalSignature"])
        #expect(try usage([]) == nil)
        #expect(try usage([.keyAgreement, .keyEncipherment]) == ["keyEncipherment", "keyAgreement"])
    }
}
