import DeviceRegistry
import Foundation

/// A row of the journal as `--json` shows it. The keys are stable.
struct JournalListing: Encodable {
    let record: JournalRecord

    enum CodingKeys: String, CodingKey {
        case first, last, count, address, listener, reason, detail, hint, alert, device, certificate, offer
    }

    enum CertificateKeys: String, CodingKey {
        case sha256, subject, issuer, serial
        case alternativeNames = "subject-alternative-names"
        case notBefore = "not-before"
        case notAfter = "not-after"
    }

    enum OfferKeys: String, CodingKey {
        case serverName = "server-name"
        case applicationProtocols = "alpn"
        case versions
        case cipherSuites = "cipher-suites"
        case groups
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(DeviceTimes.text(record.first), forKey: .first)
        try container.encode(DeviceTimes.text(record.last), forKey: .last)
        try container.encode(record.count, forKey: .count)
        try container.encode(record.address, forKey: .address)
        try container.encode(record.listener, forKey: .listener)
        try container.encode(record.reason, forKey: .reason)
        try container.encode(record.detail, forKey: .detail)
        try container.encode(record.hint, forKey: .hint)
        try container.encode(record.alert, forKey: .alert)
        try container.encode(record.device, forKey: .device)
        if let certificate = record.certificate {
            var nested = container.nestedContainer(keyedBy: CertificateKeys.self, forKey: .certificate)
            try nested.encode(certificate.fingerprint, forKey: .sha256)
            try nested.encode(certificate.subject, forKey: .subject)
            try nested.encode(certificate.alternativeNames, forKey: .alternativeNames)
            try nested.encode(certificate.issuer, forKey: .issuer)
            try nested.encode(certificate.serialNumber, forKey: .serial)
            try nested.encode(certificate.notBefore.map(DeviceTimes.text), forKey: .notBefore)
            try nested.encode(certificate.notAfter.map(DeviceTimes.text), forKey: .notAfter)
        }
        if let offer = record.offer {
            var nested = container.nestedContainer(keyedBy: OfferKeys.self, forKey: .offer)
            try nested.encode(offer.serverName, forKey: .serverName)
            try nested.encode(offer.applicationProtocols, forKey: .applicationProtocols)
            try nested.encode(offer.versions, forKey: .versions)
            try nested.encode(offer.cipherSuites, forKey: .cipherSuites)
            try nested.encode(offer.groups, forKey: .groups)
        }
    }

    /// On one line, for listings that may be long.
    func line() throws -> String { try ListingLine.encode(self) }

    /// For people: a line of facts, and one each for what happened and what could be done.
    func text(isVerbose: Bool) -> String {
        let count = record.count > 1 ? " (\(record.count) times since \(DeviceTimes.text(record.first)))" : ""
        let address = record.address.isEmpty ? "-" : record.address
        let listener = record.listener.isEmpty ? "" : " on \(record.listener)"
        var lines = ["\(DeviceTimes.text(record.last))  \(address)\(listener)  \(record.reason)\(count)"]
        if !record.device.isEmpty { lines.append("device: \(record.device)") }
        if let certificate = record.certificate {
            let name = certificate.subject.isEmpty ? "SHA-256 \(certificate.fingerprint)" : certificate.subject
            lines.append("certificate: \(name)")
            if isVerbose { lines += facts(certificate) }
        }
        lines.append("detail: \(record.detail)")
        if !record.alert.isEmpty { lines.append("alert: \(record.alert)") }
        if isVerbose, let offer = record.offer { lines += facts(offer) }
        if !record.hint.isEmpty { lines.append("hint: \(record.hint)") }
        return lines.enumerated().map { ($0.offset == 0 ? "" : "    ") + LogText.visible($0.element) }
            .joined(separator: "\n")
    }

    private func facts(_ certificate: JournalRecord.Certificate) -> [String] {
        var lines: [String] = []
        if !certificate.alternativeNames.isEmpty {
            lines.append("  names: \(certificate.alternativeNames.joined(separator: ", "))")
        }
        if !certificate.issuer.isEmpty {
            lines.append("  issuer: \(certificate.issuer), serial \(certificate.serialNumber)")
        }
        if let notBefore = certificate.notBefore, let notAfter = certificate.notAfter {
            lines.append("  valid: \(DeviceTimes.text(notBefore)) to \(DeviceTimes.text(notAfter))")
        }
        if !certificate.subject.isEmpty { lines.append("  SHA-256: \(certificate.fingerprint)") }
        return lines
    }

    private func facts(_ offer: JournalRecord.Offer) -> [String] {
        [
            ("server name", offer.serverName.map { [$0] } ?? []), ("ALPN", offer.applicationProtocols),
            ("versions", offer.versions), ("cipher suites", offer.cipherSuites), ("groups", offer.groups),
        ].filter { !$0.1.isEmpty }.map { "offered \($0.0): \($0.1.joined(separator: ", "))" }
    }
}

/// A value as JSON on one line.
enum ListingLine {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Writes a JSON array, each element on a line of its own as it comes; or the same elements without the array.
struct ListingArray {
    let print: (String) -> Void
    private var count = 0

    init(print: @escaping (String) -> Void) { self.print = print }

    mutating func append(_ line: String) {
        print((count == 0 ? "[\n" : ",") + line)
        count += 1
    }

    func end() {
        print(count == 0 ? "[]" : "]")
    }
}
