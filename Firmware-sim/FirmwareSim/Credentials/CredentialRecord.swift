import FleetPKI
import Foundation

/// The first line of a cached certificate's file: what it was made from and what came of it, as JSON. Programs that read
/// PEM skip it (RFC 7468 section 2).
struct CredentialRecord: Sendable, Equatable, Codable {
    /// What it was made from: another device, template, kind, key type or CA makes another certificate.
    struct Origin: Sendable, Equatable, Codable {
        /// SHA-256 of the CA's certificate, in hexadecimal.
        var issuer: String
        var kind: CredentialKind
        var keyType: DeviceKeyType
        var subject: String
        /// `KIND:VALUE`.
        var alternativeNames: [String]
    }

    var origin: Origin
    /// The common name.
    var name: String
    /// In hexadecimal.
    var serialNumber: String
    /// Seconds since 1970.
    var notBefore: Int
    /// Seconds since 1970.
    var notAfter: Int

    private static let mark = "firmware-sim "

    /// Bytes of the line: a subject and names at their longest, many times over.
    private static let lineBytesMax = 262_144

    /// The years 1950 to 9999, which are those of a certificate.
    private static let secondsRange = -631_152_000...253_402_300_799

    /// The line, with its end.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(self)) ?? Data()
        return Self.mark + String(decoding: data, as: UTF8.self) + "\n"
    }

    /// Reads the record at the beginning of a file.
    ///
    /// - Returns: The record and the rest of the text; nil without one.
    static func read(_ text: String) -> (record: CredentialRecord, rest: Substring)? {
        guard text.utf8.starts(with: mark.utf8), let end = text.utf8.firstIndex(of: 0x0A) else { return nil }
        let json = text.utf8[..<end].dropFirst(mark.utf8.count)
        guard json.count <= lineBytesMax, let record = try? JSONDecoder().decode(Self.self, from: Data(json)),
            secondsRange.contains(record.notBefore), secondsRange.contains(record.notAfter)
        else { return nil }
        return (record, text[text.utf8.index(after: end)...])
    }

    /// The line before the key, which says whose it is, so that two files that were not made together are found out.
    var keyLine: String { Self.mark + "serial \(serialNumber)\n" }

    /// Whether it still is what its kind says, and will be for longer than any run.
    func isUsable(at now: Date) -> Bool {
        let margin = SimulatorLimits.durationSecondsMax
        let seconds = now.timeIntervalSince1970
        switch origin.kind {
        case .valid, .revoked, .wrongCA, .wrongEKU, .selfSigned:
            return Double(notBefore) <= seconds && Double(notAfter) > seconds + margin
        case .expired:
            return Double(notAfter) < seconds
        case .notYetValid:
            return Double(notBefore) > seconds + margin
        case .none:
            return false
        }
    }
}
