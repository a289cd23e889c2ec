public import Foundation

/// One entry of a certificate revocation list (RFC 5280 section 5.3).
public struct RevokedCertificate: Sendable, Hashable {
    /// Why a certificate was revoked, with the number of RFC 5280 section 5.3.1. `unspecified` (0) is written by leaving
    /// the reason out, and `removeFromCRL` (8) belongs to delta lists, which are not made here.
    public enum Reason: Int, Sendable, Hashable, CaseIterable {
        case keyCompromise = 1
        case caCompromise = 2
        case affiliationChanged = 3
        case superseded = 4
        case cessationOfOperation = 5
        case certificateHold = 6
        case privilegeWithdrawn = 9
        case attributeAuthorityCompromise = 10
    }

    /// Hexadecimal digits, two for each octet, as ``IssuedCertificate/serialNumber`` has them: 1 to 20 octets, not zero.
    public var serialNumber: String
    /// Written to the second.
    public var revokedAt: Date
    /// Nil: not said.
    public var reason: Reason?

    public init(serialNumber: String, revokedAt: Date, reason: Reason? = nil) {
        self.serialNumber = serialNumber
        self.revokedAt = revokedAt
        self.reason = reason
    }

    /// The content of the INTEGER: big-endian, no leading zeros but the one that keeps it positive.
    func serialOctets() throws(PKIError) -> [UInt8] {
        guard self.serialNumber.utf8.count <= 2 * Self.serialOctetsMax,
            let octets = Hexadecimal.decode(self.serialNumber),
            case let significant = octets.drop(while: { $0 == 0 }), let first = significant.first
        else {
            throw PKIError(
                code: .invalidSerialNumber,
                message: "\"\(self.serialNumber.prefix(64))\" is not a serial number: 1 to 20 octets in hexadecimal"
            )
        }
        return (first & 0x80 == 0 ? [] : [0]) + significant
    }

    /// RFC 5280 section 4.1.2.2; one more for the zero that some issuers write before 20 significant octets.
    private static let serialOctetsMax = 21
}
