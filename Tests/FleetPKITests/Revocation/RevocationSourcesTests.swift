import Foundation
import Testing

@testable import FleetPKI

@Suite struct RevocationSourcesTests {
    private func inspect(_ items: [(String, Bool, [UInt8])]) throws -> CertificateInspection {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(
            .init(
                subject: [("CN", "x")],
                additionalExtensions: items.map { .init(oid: $0.0, critical: $0.1, value: $0.2) }))
        return try CertificateInspection(der: issued.certificateDER)
    }

    private func points(_ points: [UInt8]..., critical: Bool = false) throws -> CertificateInspection {
        try self.inspect([("2.5.29.31", critical, element(0x30, points.flatMap { $0 }))])
    }

    private static let ocsp = element(0x06, [0x2B, 6, 1, 5, 5, 7, 48, 1])

    @Test func theURLsThatCanBeFetchedAreShown() throws {
        let inspection = try self.points(
            element(0x30, RawList.fullName("http://a/1.crl", "ldap://a/x", "HTTPS://a/2.crl")),
            element(0x30, RawList.fullName("http://a/1.crl", "http://b/")))
        #expect(inspection.crlDistributionPoints == ["http://a/1.crl", "HTTPS://a/2.crl", "http://b/"])
        #expect(inspection.ocspResponders.isEmpty)
        #expect(inspection.malformedExtensions.isEmpty)
        #expect(inspection.description.contains("Revocation list:  http://a/1.crl"))
    }

    @Test func pointsOfPartialAndIndirectListsAreLeftOut() throws {
        let inspection = try self.points(
            element(0x30, RawList.fullName("http://reasons/"), element(0x81, [7, 0x80])),
            element(0x30, RawList.fullName("http://issuer/"), element(0xA2, element(0xA4, element(0x30)))),
            element(0x30, element(0xA0, element(0xA1, element(0x30)))), element(0x30),
            element(0x30, RawList.fullName("http://good/")))
        #expect(inspection.crlDistributionPoints == ["http://good/"])
    }

    @Test func respondersAreThoseOfTheOCSPMethod() throws {
        let issuers = element(0x06, [0x2B, 6, 1, 5, 5, 7, 48, 2])
        let inspection = try self.inspect([
            (
                "1.3.6.1.5.5.7.1.1", false,
                element(
                    0x30, element(0x30, Self.ocsp, element(0x86, Array("http://ocsp/".utf8))),
                    element(0x30, issuers, element(0x86, Array("http://ca.cer".utf8))),
                    element(0x30, Self.ocsp, element(0x86, Array("file:///etc/passwd".utf8))))
            )
        ])
        #expect(inspection.ocspResponders == ["http://ocsp/"])
        #expect(inspection.crlDistributionPoints.isEmpty)
    }

    @Test func thereAreAtMostEight() throws {
        let many = (0..<30).map { element(0x30, RawList.fullName("http://a/\($0)")) }
        let inspection = try self.points(many.flatMap { $0 })
        #expect(inspection.crlDistributionPoints == (0..<8).map { "http://a/\($0)" })
        let long = try self.points(element(0x30, RawList.fullName("http://" + String(repeating: "a", count: 3_000))))
        #expect(long.crlDistributionPoints.isEmpty)
    }

    @Test func aCriticalOneIsStillOneThatFleetGateRefuses() throws {
        let inspection = try self.points(element(0x30, RawList.fullName("http://a/")), critical: true)
        #expect(inspection.crlDistributionPoints == ["http://a/"])
        #expect(inspection.unknownCriticalExtensions == ["2.5.29.31"])
    }

    @Test(arguments: [
        [], [0x30], element(0x30, [0x02, 1, 1]), element(0x30, element(0x30, element(0xA0))), element(0x31),
    ])
    func whatCannotBeReadIsNoted(_ value: [UInt8]) throws {
        for oid in ["2.5.29.31", "1.3.6.1.5.5.7.1.1"] {
            let inspection = try self.inspect([(oid, false, value)])
            #expect(inspection.malformedExtensions == [oid])
            #expect(inspection.crlDistributionPoints.isEmpty && inspection.ocspResponders.isEmpty)
        }
    }
}
