public import Foundation
import SwiftASN1
import X509

/// A certificate revocation list (RFC 5280 section 5): the serial numbers a CA has taken back, signed by that CA.
///
/// An immutable value, with all entries in memory: for lists that are made here. To look things up in a list of any
/// size, use ``scan(der:issuedBy:entry:)``. Reading one does not verify it: ask ``isSigned(by:)``.
public struct CertificateRevocationList: Sendable {
    /// The most entries of a list that is made, or read into memory: more devices than one run of anything here has.
    public static let entriesMax = 1_000_000
    /// The longest list that is read, in octets of DER: room for three million entries with 20 octets of serial number
    /// and a reason.
    public static let octetsMax = 128 << 20

    /// What it says beside its entries.
    public let header: RevocationListHeader
    /// In the order of the list.
    public let revoked: [RevokedCertificate]

    private let envelope: RevocationListEnvelope

    /// Reads a list in DER.
    ///
    /// - Throws: ``PKIError``: as ``header(of:)``; `input-too-long` also for more than ``entriesMax`` entries.
    public init(der: [UInt8]) throws(PKIError) {
        let envelope = try RevocationListEnvelope(der: der)
        var revoked: [RevokedCertificate] = []
        try envelope.forEachEntry { entry throws(PKIError) in
            guard revoked.count < Self.entriesMax else {
                throw PKIError(
                    code: .inputTooLong, message: "the revocation list has more than \(Self.entriesMax) entries")
            }
            revoked.append(
                RevokedCertificate(
                    serialNumber: Hexadecimal.encode(der[entry.serialNumber].drop { $0 == 0 }),
                    revokedAt: Date(timeIntervalSince1970: TimeInterval(entry.revokedAt)),
                    reason: RevokedCertificate.Reason(rawValue: entry.reason)))
        }
        self.envelope = envelope
        self.header = envelope.header(entryCount: revoked.count)
        self.revoked = revoked
    }

    /// All lists of a PEM text (`X509 CRL` blocks), in order. Other blocks are skipped.
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `malformed-pem`, and those of ``init(der:)``.
    public static func all(pem: String) throws(PKIError) -> [CertificateRevocationList] {
        var lists: [CertificateRevocationList] = []
        for der in try PEMBlock.decodeAll(pem, label: self.label, lengthMax: self.textOctetsMax) {
            lists.append(try CertificateRevocationList(der: der))
        }
        return lists
    }

    /// The DER of every list in a file: one list in DER, or PEM with one or several `X509 CRL` blocks, whose other
    /// blocks are skipped.
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `malformed-pem`, `input-too-long`.
    public static func encodings(in contents: [UInt8]) throws(PKIError) -> [[UInt8]] {
        guard contents.count <= self.textOctetsMax else {
            throw PKIError(
                code: .inputTooLong, message: "the revocation list is longer than \(self.textOctetsMax) octets")
        }
        // DER begins with SEQUENCE, which is the digit 0 in a text; a text has no length after it.
        if contents.first == DERTag.sequence,
            let element = DERElement.read(contents.span, at: 0, before: contents.count),
            element.end == contents.count
        {
            return [contents]
        }
        guard let text = String(validating: contents, as: UTF8.self) else { return [contents] }
        return try PEMBlock.decodeAll(text, label: self.label, lengthMax: self.textOctetsMax)
    }

    /// The whole list in DER.
    public var der: [UInt8] { self.envelope.der }

    /// The list in PEM.
    public var pem: String { PEMBlock.encode(label: Self.label, der: self.der) }

    /// When it was made.
    public var thisUpdate: Date { Date(timeIntervalSince1970: TimeInterval(self.header.thisUpdate)) }

    /// When the next one is due, after which verifiers take this one as outdated; nil when it does not say.
    public var nextUpdate: Date? { self.header.nextUpdate.map { Date(timeIntervalSince1970: TimeInterval($0)) } }

    /// The CRL number; nil when there is none, or it is above `UInt64.max`.
    public var number: UInt64? {
        guard self.envelope.extensions.hasNumber, self.header.number.count <= 8 else { return nil }
        return self.header.number.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether the list names this CA as its issuer and carries its signature.
    public func isSigned(by authority: CertificateAuthority) -> Bool {
        guard let der = try? authority.certificate.der(), let issuer = try? ListIssuer(der: der) else { return false }
        return (try? issuer.verify(self.envelope)) != nil
    }

    private static let label = "X509 CRL"
    /// Base64 in lines of 64 is 65/48 of what it encodes.
    private static let textOctetsMax = octetsMax / 48 * 66
}
