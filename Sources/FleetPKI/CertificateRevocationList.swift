public import Foundation
import SwiftASN1
import X509

/// A certificate revocation list (RFC 5280 section 5): the serial numbers a CA has taken back, signed by that CA.
///
/// An immutable value. Reading one does not verify it: ask ``isSigned(by:)``.
public struct CertificateRevocationList: Sendable {
    /// The most entries of a list that is made or read: more devices than one run of anything here has.
    public static let entriesMax = 1_000_000
    /// The longest list that is read, in octets of DER or PEM: room for ``entriesMax`` entries.
    public static let octetsMax = 128 << 20

    /// The whole list in DER.
    public let der: [UInt8]
    /// When it was made.
    public let thisUpdate: Date
    /// When the next one is due, after which verifiers take this one as outdated; nil when it does not say.
    public let nextUpdate: Date?
    /// The CRL number; nil when there is none, or it is above `UInt64.max`.
    public let number: UInt64?
    /// In the order of the list.
    public let revoked: [RevokedCertificate]

    /// What is signed, in DER.
    private let signedOctets: [UInt8]
    /// The issuer's Name in DER.
    private let issuer: [UInt8]
    /// Nil: an algorithm that is not known here.
    private let algorithm: ListSignature?
    private let signature: [UInt8]

    /// Reads a list in DER.
    ///
    /// - Throws: ``PKIError``: `malformed-crl`, `input-too-long`.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.octetsMax else {
            throw PKIError(code: .inputTooLong, message: "the revocation list is longer than \(Self.octetsMax) octets")
        }
        do {
            var content = RevocationListContent()
            let parts = try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
                guard let signed = nodes.next(), let algorithm = nodes.next() else { throw Self.malformed }
                try content.read(signed)
                return (signed, algorithm, try ASN1BitString(derEncoded: &nodes))
            }
            guard parts.2.paddingBits == 0, let thisUpdate = content.thisUpdate,
                Array(parts.1.encodedBytes) == content.algorithm
            else {
                throw Self.malformed
            }
            self.der = der
            self.thisUpdate = thisUpdate
            self.nextUpdate = content.nextUpdate
            self.number = content.number
            self.revoked = content.revoked
            self.issuer = content.issuer
            self.signedOctets = Array(parts.0.encodedBytes)
            self.algorithm = ListSignature(parts.1)
            self.signature = Array(parts.2.bytes)
        } catch let error as PKIError {
            throw error
        } catch {
            throw Self.malformed
        }
    }

    /// All lists of a PEM text (`X509 CRL` blocks), in order. Other blocks are skipped.
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `malformed-pem`, `malformed-crl`, `input-too-long`.
    public static func all(pem: String) throws(PKIError) -> [CertificateRevocationList] {
        var lists: [CertificateRevocationList] = []
        for der in try PEMBlock.decodeAll(pem, label: self.label, lengthMax: self.octetsMax) {
            lists.append(try CertificateRevocationList(der: der))
        }
        return lists
    }

    /// The list in PEM.
    public var pem: String { PEMBlock.encode(label: Self.label, der: self.der) }

    /// Whether the list names this CA as its issuer and carries its signature.
    public func isSigned(by authority: CertificateAuthority) -> Bool {
        var coder = DER.Serializer()
        guard let algorithm, (try? coder.serialize(authority.certificate.subject)) != nil,
            coder.serializedBytes == self.issuer
        else { return false }
        return authority.certificate.publicKey.isValidSignature(
            self.signature, for: self.signedOctets, signatureAlgorithm: algorithm.algorithm
        )
    }

    private static let label = "X509 CRL"

    static let malformed = PKIError(
        code: .malformedRevocationList, message: "not a certificate revocation list in DER (RFC 5280 section 5)"
    )
}
