import DeviceRegistry
import Foundation

/// A certificate of the inventory as `--json` shows it. The keys are stable.
struct CertificateListing: Encodable {
    let certificate: ObservedCertificate
    /// Why it counts as weak; nil: nobody asked.
    var weaknesses: [String]?

    enum CodingKeys: String, CodingKey {
        case sha256, subject, issuer, serial, key, signature, count, device, profile, weaknesses, pem
        case alternativeNames = "subject-alternative-names"
        case notBefore = "not-before"
        case notAfter = "not-after"
        case keyBits = "key-bits"
        case keySHA256 = "key-sha256"
        case firstSeen = "first-seen"
        case lastSeen = "last-seen"
        case lastAddress = "last-address"
        case anchor = "trust-anchor"
        case isRenewed = "renewed"
    }

    init(_ certificate: ObservedCertificate, weaknesses: [String]? = nil) {
        self.certificate = certificate
        self.weaknesses = weaknesses
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(certificate.fingerprint, forKey: .sha256)
        try container.encode(certificate.subject, forKey: .subject)
        try container.encode(certificate.alternativeNames, forKey: .alternativeNames)
        try container.encode(certificate.issuer, forKey: .issuer)
        try container.encode(certificate.serialNumber, forKey: .serial)
        try container.encode(DeviceTimes.text(certificate.notBefore), forKey: .notBefore)
        try container.encode(DeviceTimes.text(certificate.notAfter), forKey: .notAfter)
        try container.encode(certificate.keyAlgorithm, forKey: .key)
        try container.encode(certificate.keyBits, forKey: .keyBits)
        try container.encode(certificate.keyHash, forKey: .keySHA256)
        try container.encode(certificate.signatureAlgorithm, forKey: .signature)
        try container.encode(DeviceTimes.text(certificate.firstSeen), forKey: .firstSeen)
        try container.encode(DeviceTimes.text(certificate.lastSeen), forKey: .lastSeen)
        try container.encode(certificate.count, forKey: .count)
        try container.encode(certificate.lastAddress, forKey: .lastAddress)
        try container.encode(certificate.device, forKey: .device)
        try container.encode(certificate.profile, forKey: .profile)
        try container.encode(certificate.anchor, forKey: .anchor)
        try container.encode(certificate.isRenewed, forKey: .isRenewed)
        try container.encodeIfPresent(weaknesses, forKey: .weaknesses)
        if !certificate.der.isEmpty { try container.encode(pem, forKey: .pem) }
    }

    func line() throws -> String { try ListingLine.encode(self) }

    /// For people: one line for each fact.
    func text(now: Int64) -> String {
        let validity = certificate.notAfter < now ? "expired" : "until"
        let renewed = certificate.isRenewed ? " (the device has a later one)" : ""
        var rows: [[String]] = [
            ["subject", certificate.subject], ["names", certificate.alternativeNames.joined(separator: ", ")],
            ["issuer", certificate.issuer], ["serial", certificate.serialNumber],
            ["SHA-256", certificate.fingerprint],
            ["valid", "from \(DeviceTimes.text(certificate.notBefore))"],
            ["", "\(validity) \(DeviceTimes.text(certificate.notAfter))\(renewed)"],
            ["key", Self.key(certificate)],
            ["", certificate.keyHash.isEmpty ? "" : "SHA-256 \(certificate.keyHash)"],
            ["signature", certificate.signatureAlgorithm], ["trust anchor", certificate.anchor],
            ["device", certificate.device], ["profile", certificate.profile],
            ["first seen", DeviceTimes.text(certificate.firstSeen)],
            [
                "last seen",
                "\(DeviceTimes.text(certificate.lastSeen)) from \(certificate.lastAddress), \(certificate.count) in all",
            ],
        ]
        rows.removeAll { $0[1].isEmpty }
        return AlignedColumns.text(rows)
    }

    /// `P-256`, `RSA 2048`
    static func key(_ certificate: ObservedCertificate) -> String {
        certificate.keyAlgorithm == "RSA" ? "RSA \(certificate.keyBits)" : certificate.keyAlgorithm
    }

    /// In the form of RFC 7468.
    var pem: String {
        let base64 = Data(certificate.der).base64EncodedString(
            options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(base64)\n-----END CERTIFICATE-----\n"
    }
}

/// Why a certificate of the inventory counts as weak, in words. The store chooses by the same conditions.
enum CertificateWeaknesses {
    static func text(_ certificate: ObservedCertificate, _ weakness: CertificateQuery.Weakness) -> [String] {
        var reasons: [String] = []
        if certificate.keyAlgorithm == "RSA" {
            if certificate.keyBits < weakness.rsaBitsMin {
                reasons.append("RSA key of \(certificate.keyBits) bits, below \(weakness.rsaBitsMin)")
            }
        } else if !["P-256", "P-384", "P-521", "Ed25519"].contains(certificate.keyAlgorithm) {
            reasons.append("unusual key: \(certificate.keyAlgorithm)")
        }
        let signature = certificate.signatureAlgorithm.uppercased()
        if signature.contains("SHA1") || signature.contains("MD5") {
            reasons.append("signed with \(certificate.signatureAlgorithm)")
        }
        let (span, overflow) = certificate.notAfter.subtractingReportingOverflow(certificate.notBefore)
        if overflow || span > Int64(weakness.validityDaysMax) * 86_400 {
            reasons.append("valid for \(span / 86_400) days, above \(weakness.validityDaysMax)")
        }
        return reasons
    }
}
