import Crypto
import SwiftASN1

/// A certificate out of a file in any of the usual forms, with the hashes that certificates are pinned by.
public struct CertificateFile: Sendable, Hashable {
    /// What it says.
    public let inspection: CertificateInspection
    /// Its DER.
    public let der: [UInt8]
    /// SHA-256 of its DER: 32 octets.
    public let certificateSHA256: [UInt8]
    /// SHA-256 of the DER of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7): 32 octets, the same for all certificates of
    /// one key.
    public let publicKeySHA256: [UInt8]

    /// Reads a certificate.
    ///
    /// - Parameters:
    ///   - contents: PEM, of whose certificates the first is taken: files with a chain have the device's first; DER; or
    ///     a PKCS#12 archive.
    ///   - passphrase: For the archive.
    /// - Throws: ``PKIError``: `no-pem-block`, `malformed-pem`, `malformed-certificate`, `malformed-archive`,
    ///   `passphrase-required`, `wrong-passphrase`, `invalid-passphrase`, `input-too-long`.
    public init(contents: [UInt8], passphrase: String? = nil) throws(PKIError) {
        if let text = String(validating: contents, as: UTF8.self), text.contains("-----BEGIN ") {
            let blocks = try PEMBlock.decodeAll(text, label: "CERTIFICATE")
            try self.init(der: blocks.first ?? [])
        } else if let certificate = try? CertificateFile(der: contents) {
            self = certificate
        } else {
            try self.init(der: Libcrypto.certificate(archive: contents, passphrase: passphrase))
        }
    }

    private init(der: [UInt8]) throws(PKIError) {
        self.inspection = try CertificateInspection(der: der)
        self.der = der
        self.certificateSHA256 = Array(SHA256.hash(data: der))
        self.publicKeySHA256 = Array(SHA256.hash(data: try Self.subjectPublicKeyInfo(der)))
    }

    /// The octets as they stand in the certificate: encoding a parsed key again may give others.
    private static func subjectPublicKeyInfo(_ der: [UInt8]) throws(PKIError) -> ArraySlice<UInt8> {
        let malformed = PKIError(code: .malformedCertificate, message: "the certificate has no public key")
        do {
            guard case .constructed(let certificate) = try DER.parse(der).content,
                let tbs = certificate.first(where: { _ in true }), case .constructed(let parts) = tbs.content
            else { throw malformed }
            // serialNumber, signature, issuer, validity and subject are before it, and version if it is written.
            let version = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
            let fields = parts.filter { $0.identifier != version }
            guard fields.count > 5 else { throw malformed }
            return fields[5].encodedBytes
        } catch {
            throw malformed
        }
    }
}
