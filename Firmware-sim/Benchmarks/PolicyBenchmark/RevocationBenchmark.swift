import AllocationCount
import FleetPKI
import FleetPolicy
import Foundation

/// A certificate revocation list, from its DER to what handshakes ask.
enum RevocationBenchmark {
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter count: Entries, each of 20 octets with a reason.
    /// - Returns: The list, in force under ``DecisionBenchmark``'s anchor.
    static func run(entries count: Int, into report: inout BenchmarkReport) throws -> TrustSnapshot {
        let authority = try CertificateAuthority.makeDevelopmentRoot()
        let issuer = try CertificateFile(contents: Array(authority.certificatePEM.utf8)).der
        let what = "CRL of \(count.grouped) entries"
        let der = try encoded(count, by: authority)
        report.add("\(what): DER", Double(der.count) / megabyte, "MB")

        let before = Int(allocation_bytes_in_use())
        let start = processorSeconds()
        let set = try load(der, issuedBy: issuer)
        let elapsed = processorSeconds() - start
        let bytes = Int(allocation_bytes_in_use()) - before
        guard set.count == count else { throw Refused(description: "\(set.count) of \(count) entries are there") }
        report.add("\(what): load", elapsed, "s", goal: 5)
        report.add("\(what): heap it keeps", Double(bytes) / megabyte, "MB", goal: 40)
        try pem(der, what, into: &report)
        try lookUps(set, what, into: &report)

        guard let id = AuthorityID(try AuthorityIDs.id(ofCertificateDER: issuer)) else {
            throw Refused(description: "a CA has no id")
        }
        let list = RevocationList(issuer: id, thisUpdate: 0, nextUpdate: nil, entries: set)
        return TrustSnapshot(
            anchors: [
                DecisionBenchmark.anchorFingerprint: TrustAnchorRules(
                    name: "devices", lists: .required(graceSeconds: 0))
            ], lists: [id: list])
    }

    /// 1,000,000 octets, which is less than most programs call so.
    private static let megabyte = 1_000_000.0

    /// Parse, signature and index, as when a list is taken into force.
    private static func load(_ der: [UInt8], issuedBy issuer: [UInt8]) throws -> SerialNumberSet {
        var set = SerialNumberSet()
        try CertificateRevocationList.scan(der: der, issuedBy: issuer) { serialNumber, reason, revokedAt in
            let reason = UInt8(exactly: reason).flatMap(RevocationReason.init(rawValue:)) ?? .unspecified
            _ = set.insert(serialNumber, reason: reason, revokedAt: revokedAt)
        }
        return set
    }

    private static func pem(_ der: [UInt8], _ what: String, into report: inout BenchmarkReport) throws {
        let text = Array(try CertificateRevocationList(der: der).pem.utf8)
        let start = processorSeconds()
        let decoded = try CertificateRevocationList.encodings(in: text)
        report.add("\(what): PEM to DER", processorSeconds() - start, "s")
        guard decoded == [der] else { throw Refused(description: "the list in PEM is another") }
    }

    private static func lookUps(_ set: SerialNumberSet, _ what: String, into report: inout BenchmarkReport) throws {
        let revoked = (0..<1_000).map { serialNumber($0 * 977 % set.count) }
        let good = (0..<1_000).map(goodSerialNumber)
        guard revoked.allSatisfy({ set[$0] != nil }), good.allSatisfy({ set[$0] == nil }) else {
            throw Refused(description: "the list says something else than was written")
        }
        let found = Measurement.of(calls: 1_000) { calls in (0..<calls).count { set[revoked[$0]] != nil } }
        report.add("\(what): look-up, revoked", found.median, "ns")
        let missed = Measurement.of(calls: 1_000) { calls in (0..<calls).count { set[good[$0]] != nil } }
        report.add("\(what): look-up, good", missed.median, "ns")
        report.add("\(what): look-up, allocations", found.allocations + missed.allocations, "each", goal: 0)
    }

    private static func encoded(_ count: Int, by authority: CertificateAuthority) throws -> [UInt8] {
        let now = Date()
        let entries = (0..<count).map { number in
            RevokedCertificate(
                serialNumber: serialNumber(number).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
                revokedAt: now, reason: .superseded)
        }
        return try authority.issueCRL(revoked: entries, thisUpdate: now, nextUpdate: now + 86_400, number: 1).der
    }

    /// One that is on no list.
    static func goodSerialNumber(_ number: Int) -> [UInt8] { serialNumber(1 << 40 | number) }

    /// 20 octets, the first not zero, different for each number.
    private static func serialNumber(_ number: Int) -> [UInt8] {
        var octets = DirectoryBenchmark.keyHash(number).prefix(12).map { $0 }
        for place in 0..<8 { octets.append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
        octets[0] |= 0x40
        return octets
    }
}
