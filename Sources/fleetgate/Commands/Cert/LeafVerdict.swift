import FleetPKI
import Foundation
import NIOMbedTLS

/// What a gateway has against a certificate as a device's, as far as the certificate alone tells. With the defaults of
/// the section `trust`: an anchor may ask for more, or not ask for clientAuth.
struct LeafVerdict: Encodable, Equatable {
    /// Nothing: it is not refused for what it says.
    let reasons: [String]
    private let isCA: Bool
    private let isSelfIssued: Bool

    private enum CodingKeys: String, CodingKey { case reasons, accepted }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(reasons.isEmpty, forKey: .accepted)
        try container.encode(reasons, forKey: .reasons)
    }

    init(_ inspection: CertificateInspection, der: [UInt8], now: Date) {
        isCA = inspection.isCA
        isSelfIssued = inspection.isSelfIssued
        var reasons: [String] = []
        do {
            _ = try PeerCertificate(parsing: der)
        } catch {
            reasons.append(error.detail)
        }
        if inspection.version != 3 { reasons.append("X.509 version \(inspection.version)") }
        if inspection.isCA { reasons.append("it may sign certificates") }
        if let usage = inspection.keyUsage, !usage.contains("digitalSignature") {
            reasons.append("key usage without digitalSignature")
        }
        if !(inspection.extendedKeyUsage ?? []).contains("clientAuth") { reasons.append("no clientAuth") }
        if inspection.keyType == "Ed25519" { reasons.append("mbedTLS does not know Ed25519 keys") }
        if inspection.keyType == "RSA", !(2048...8192).contains(inspection.keySizeInBits) {
            reasons.append("RSA key of \(inspection.keySizeInBits) bits")
        }
        if inspection.signatureAlgorithm == "sha1WithRSAEncryption" { reasons.append("signed with SHA-1") }
        if !inspection.unknownCriticalExtensions.isEmpty {
            reasons.append("unknown critical extension \(inspection.unknownCriticalExtensions.joined(separator: ", "))")
        }
        if now < inspection.notBefore { reasons.append("not valid yet") }
        if now > inspection.notAfter { reasons.append("expired") }
        self.reasons = reasons
    }

    var text: String {
        if isCA {
            // What a CA is for is said first: nobody means it to be a device's.
            return "a CA's certificate: a trust anchor or intermediate; as a device's it would be refused"
        }
        if !reasons.isEmpty {
            return "would refuse it as a device's certificate: \(reasons.joined(separator: "; "))"
        }
        return isSelfIssued
            ? "takes it as a device's certificate if it is pinned, because no CA issued it"
            : "has nothing against it as a device's certificate, if it trusts its CA"
    }
}
