import FleetPolicy
import Foundation

@testable import DeviceRegistry

/// A store in a folder of its own, removed with the value.
final class ObservationFixture: Sendable {
    /// A Tuesday in 2027.
    static let now: Int64 = 1_800_000_000

    let folder: String
    var path: String { folder + "/observations.sqlite" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("observations-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func store(_ change: (inout ObservationLimits) -> Void = { _ in }) throws -> ObservationStore {
        var limits = ObservationLimits()
        change(&limits)
        return try ObservationStore(path: path, limits: limits)
    }

    /// A certificate that is told from others by a number.
    static func certificate(
        _ number: Int, device: String = "default/meter", validDays: Int = 365, at: Int64 = now,
        _ change: (inout ObservedCertificate) -> Void = { _ in }
    ) -> ObservedCertificate {
        let fingerprint = String(repeating: "0", count: 56) + hexadecimal(number)
        var certificate = ObservedCertificate(
            fingerprint: fingerprint, subject: "CN=meter-\(number)", alternativeNames: ["dns:meter-\(number).example"],
            issuer: "CN=Test CA", issuerID: nil, serialNumber: "00\(hexadecimal(number))", notBefore: at - 86_400,
            notAfter: at + Int64(validDays) * 86_400, keyAlgorithm: "P-256", keyBits: 256,
            keyHash: String(repeating: "1", count: 56) + hexadecimal(number), signatureAlgorithm: "ecdsa-with-SHA256",
            seenAt: at, address: "192.0.2.7", device: device, profile: "meter", anchor: "default", der: [1, 2, 3])
        change(&certificate)
        return certificate
    }

    static func failure(
        _ address: String = "192.0.2.7", reason: String = "unknown-ca", fingerprint: String? = nil, at: Int64 = now,
        _ change: (inout JournalRecord) -> Void = { _ in }
    ) -> JournalRecord {
        var record = JournalRecord(
            at: at, address: address, listener: "default", reason: reason, detail: "d",
            certificate: fingerprint.map {
                JournalRecord.Certificate(
                    fingerprint: $0, subject: "CN=meter-4711,OU=Nord", alternativeNames: ["dns:m.example"],
                    issuer: "CN=Other CA", serialNumber: "00ab", notBefore: 1, notAfter: 2)
            })
        change(&record)
        return record
    }

    private static func hexadecimal(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
