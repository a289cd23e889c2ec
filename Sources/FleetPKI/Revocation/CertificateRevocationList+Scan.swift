import SwiftASN1
import X509

extension CertificateRevocationList {
    /// What a list says of itself, unverified: to find out whose it is. The entries are walked and checked as well.
    ///
    /// - Throws: ``PKIError``: `malformed-crl`, `input-too-long`, `delta-crl`, `indirect-crl`, `partial-crl`,
    ///   `attribute-crl`, `unknown-critical-extension`.
    public static func header(of der: [UInt8]) throws(PKIError) -> RevocationListHeader {
        let envelope = try RevocationListEnvelope(der: der)
        let count = try envelope.forEachEntry { _ throws(PKIError) in }
        return envelope.header(entryCount: count)
    }

    /// Reads a list and checks that a CA issued it: its name, its right to sign lists, and its signature. Only then is
    /// the first entry handed over, so `entry` never sees what nobody signed. No memory is taken in proportion to the
    /// list.
    ///
    /// Whether the list is in date is for the caller to say.
    ///
    /// - Parameters:
    ///   - der: The list.
    ///   - issuerDER: The CA's certificate. Its own validity is not looked at.
    ///   - entry: Called for each entry in order: the significant octets of the serial number (none for zero; leading
    ///     zeros are dropped; a negative number keeps its octets), the number of the reason (RFC 5280 section 5.3.1; 0:
    ///     not said), and when it was revoked, in seconds since 1970-01-01T00:00:00Z. A serial number may come twice.
    ///     What it throws ends the scan.
    /// - Throws: ``PKIError``: as ``header(of:)``, and `malformed-certificate`, `wrong-issuer`, `not-a-crl-issuer`,
    ///   `unsupported-crl-signature`, `bad-crl-signature`. When an entry is at fault, those before it have been handed
    ///   over; throw them away.
    @discardableResult
    public static func scan(
        der: [UInt8], issuedBy issuerDER: [UInt8],
        entry: (_ serialNumber: ArraySlice<UInt8>, _ reason: Int, _ revokedAt: Int64) throws(PKIError) -> Void
    ) throws(PKIError) -> RevocationListHeader {
        let envelope = try RevocationListEnvelope(der: der)
        try ListIssuer(der: issuerDER).verify(envelope)
        let count = try envelope.forEachEntry { found throws(PKIError) in
            try entry(der[found.serialNumber].drop { $0 == 0 }, found.reason, found.revokedAt)
        }
        return envelope.header(entryCount: count)
    }
}

/// A CA as the issuer of lists.
struct ListIssuer {
    private let certificate: Certificate
    private let subjectDER: [UInt8]

    /// - Throws: ``PKIError`` `malformed-certificate`.
    init(der: [UInt8]) throws(PKIError) {
        self.certificate = try Certificate(der: der)
        self.subjectDER = Array(try CertificateParts(der: der).subject)
    }

    /// - Throws: ``PKIError``: `wrong-issuer`, `not-a-crl-issuer`, `unsupported-crl-signature`, `bad-crl-signature`.
    func verify(_ list: RevocationListEnvelope) throws(PKIError) {
        let name = self.certificate.subject.rfc4514
        guard list.der[list.issuer].elementsEqual(self.subjectDER) else {
            throw PKIError(code: .wrongIssuer, message: "the revocation list was not issued by \"\(name)\"")
        }
        try self.requireSigningOfLists(name)
        guard let algorithm = ListSignature(encoded: list.der[list.algorithm]) else {
            throw PKIError(
                code: .unsupportedRevocationListSignature,
                message: "the revocation list of \"\(name)\" is signed with an algorithm that is not accepted here: "
                    + "ECDSA, RSA (PKCS#1, PSS) with SHA-256, SHA-384 or SHA-512, and Ed25519 are")
        }
        guard
            algorithm.isValid(
                list.der[list.signature], for: list.der[list.signed], by: self.certificate.publicKey)
        else {
            // Two CAs of one name are told apart by their keys; the signature alone decides which of them it was.
            let own = (try? self.certificate.extensions.subjectKeyIdentifier)?.keyIdentifier
            if let own, let named = list.extensions.authorityKeyIdentifier, !own.elementsEqual(named) {
                throw PKIError(
                    code: .wrongIssuer,
                    message: "the revocation list was issued with another key of a CA named \"\(name)\"")
            }
            throw PKIError(
                code: .badRevocationListSignature,
                message: "the signature of the revocation list is not that of \"\(name)\"")
        }
    }

    /// RFC 5280 section 6.3.3 (f): a key usage, where there is one, has cRLSign. A list whose issuer says that it is no
    /// CA would be an indirect one.
    private func requireSigningOfLists(_ name: String) throws(PKIError) {
        let constraints: BasicConstraints?
        let usage: KeyUsage?
        do {
            constraints = try self.certificate.extensions.basicConstraints
            usage = try self.certificate.extensions.keyUsage
        } catch {
            throw PKIError(
                code: .malformedCertificate, message: "basicConstraints or keyUsage of \"\(name)\" cannot be parsed")
        }
        if case .notCertificateAuthority = constraints {
            throw PKIError(code: .notARevocationListIssuer, message: "\"\(name)\" is not a CA (CA:FALSE)")
        }
        if let usage, !usage.cRLSign {
            throw PKIError(
                code: .notARevocationListIssuer,
                message: "the key usage of \"\(name)\" does not allow it to sign revocation lists (cRLSign)")
        }
    }
}
