import Crypto
import SwiftASN1
import X509

/// How revocation names a CA: by name and key together, because two CAs may have one name.
public enum AuthorityIDs {
    /// SHA-256 of the DER of the subject followed by the DER of the SubjectPublicKeyInfo: 32 octets, the same for all
    /// certificates of one CA's one key.
    ///
    /// - Throws: ``PKIError``: `malformed-certificate`, `input-too-long`.
    public static func id(ofCertificateDER der: [UInt8]) throws(PKIError) -> [UInt8] {
        let parts = try CertificateParts(der: der)
        var hash = SHA256()
        hash.update(data: parts.subject)
        hash.update(data: parts.subjectPublicKeyInfo)
        return Array(hash.finalize())
    }

    /// The subject as it stands in the certificate: what ``RevocationListHeader/issuerNameDER`` is compared with.
    ///
    /// - Throws: As ``id(ofCertificateDER:)``.
    public static func name(ofCertificateDER der: [UInt8]) throws(PKIError) -> [UInt8] {
        Array(try CertificateParts(der: der).subject)
    }

    /// The issuer's name as it stands in the certificate.
    ///
    /// - Throws: As ``id(ofCertificateDER:)``.
    public static func issuerName(ofCertificateDER der: [UInt8]) throws(PKIError) -> [UInt8] {
        Array(try CertificateParts(der: der).issuer)
    }

    /// Whether a certificate was signed with a CA's key. Names, dates and purposes are not looked at.
    public static func isSigned(certificateDER: [UInt8], byHolderOf authorityDER: [UInt8]) -> Bool {
        guard let certificate = try? Certificate(derEncoded: certificateDER),
            let authority = try? Certificate(derEncoded: authorityDER)
        else { return false }
        return authority.publicKey.isValidSignature(certificate.signature, for: certificate)
    }
}

/// Parts of a certificate as they stand in it: encoding a parsed one again may give other octets.
struct CertificateParts {
    /// The Name in DER.
    let issuer: ArraySlice<UInt8>
    /// The Name in DER.
    let subject: ArraySlice<UInt8>
    /// In DER.
    let subjectPublicKeyInfo: ArraySlice<UInt8>

    /// - Throws: ``PKIError``: `malformed-certificate`, `input-too-long`.
    init(der: [UInt8]) throws(PKIError) {
        guard der.count <= PEMBlock.maximumTextLength else {
            throw PKIError(code: .inputTooLong, message: "the certificate is longer than 1 MiB")
        }
        let malformed = PKIError(code: .malformedCertificate, message: "the certificate has no subject and public key")
        do {
            guard case .constructed(let certificate) = try DER.parse(der).content,
                let tbs = certificate.first(where: { _ in true }), case .constructed(let parts) = tbs.content
            else { throw malformed }
            // serialNumber, signature, issuer and validity are before them, and version if it is written.
            let version = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
            let fields = parts.filter { $0.identifier != version }
            guard fields.count > 5 else { throw malformed }
            self.issuer = fields[2].encodedBytes
            self.subject = fields[4].encodedBytes
            self.subjectPublicKeyInfo = fields[5].encodedBytes
        } catch {
            throw malformed
        }
    }
}
