import FleetPolicy
import Foundation

/// A certificate that the operator of this gateway has revoked, whatever its CA says.
struct LocalRevocation: Sendable, Hashable, Codable {
    /// The largest note, in bytes: a subject, or a device's name.
    static let noteBytesMax = 256

    /// SHA-256 of the certificate, in hexadecimal; nil: it is named by issuer and serial number.
    var fingerprint: String?
    /// The id of the CA that issued it, in hexadecimal.
    var issuer: String?
    /// In hexadecimal, without leading zeros.
    var serialNumber: String?
    /// The name of RFC 5280 section 5.3.1: `keyCompromise`, …
    var reason: String
    var revokedAt: Date
    /// Who did it.
    var by: String
    /// What it is, for people: the certificate's subject.
    var note: String
    /// The device that was live with it, as `tenant/device`; nil: it was not revoked by its device.
    var device: String?

    enum CodingKeys: String, CodingKey {
        case fingerprint, issuer
        case serialNumber = "serial"
        case reason
        case revokedAt = "revoked-at"
        case by, note, device
    }

    /// Which certificate it is; nil: it is none that can be, which a file may hold that was edited.
    var target: Target? {
        if let fingerprint {
            let bytes = HexadecimalText.bytes(fingerprint)
            return bytes?.count == 32 && issuer == nil && serialNumber == nil ? bytes.map(Target.fingerprint) : nil
        }
        guard let authority = issuer.flatMap({ HexadecimalText.bytes($0) }).flatMap(AuthorityID.init),
            let serialNumber = serialNumber.flatMap({ HexadecimalText.bytes($0) }),
            serialNumber.count <= SerialNumberSet.octetsMax
        else { return nil }
        return .certificate(CertificateID(issuer: authority, serialNumber: serialNumber))
    }

    /// What the policy decides by.
    var revocation: Revocation {
        Revocation(
            source: .operator, reason: RevocationReason(name: reason) ?? .unspecified,
            revokedAt: Int64(max(0, min(revokedAt.timeIntervalSince1970, 253_402_300_799))))
    }

    enum Target: Sendable, Hashable {
        case fingerprint([UInt8])
        case certificate(CertificateID)
    }

    init(
        _ target: Target, reason: RevocationReason, revokedAt: Date, by: String, note: String, device: String? = nil
    ) {
        switch target {
        case .fingerprint(let bytes): fingerprint = HexadecimalText.text(bytes)
        case .certificate(let certificate):
            issuer = HexadecimalText.text(certificate.issuer.bytes)
            serialNumber = HexadecimalText.text(certificate.serialNumber)
        }
        self.reason = reason.name
        // What the file holds: whole seconds.
        self.revokedAt = Date(timeIntervalSince1970: revokedAt.timeIntervalSince1970.rounded(.down))
        self.by = by
        self.note = String(decoding: LogText.visible(note).utf8.prefix(Self.noteBytesMax), as: UTF8.self)
        self.device = device
    }
}

extension RevocationReason {
    /// The name of RFC 5280 section 5.3.1.
    var name: String {
        switch self {
        case .unspecified: "unspecified"
        case .keyCompromise: "keyCompromise"
        case .caCompromise: "cACompromise"
        case .affiliationChanged: "affiliationChanged"
        case .superseded: "superseded"
        case .cessationOfOperation: "cessationOfOperation"
        case .certificateHold: "certificateHold"
        case .removeFromCRL: "removeFromCRL"
        case .privilegeWithdrawn: "privilegeWithdrawn"
        case .attributeAuthorityCompromise: "aACompromise"
        }
    }

    /// By its name, or with hyphens between the words: `key-compromise`; case does not matter.
    init?(name: String) {
        let plain = name.lowercased().filter { $0 != "-" }
        guard let reason = Self.allCases.first(where: { $0.name.lowercased() == plain }) else { return nil }
        self = reason
    }
}
