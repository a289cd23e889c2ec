import Crypto
import X509

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
        self.publicKeySHA256 = Array(SHA256.hash(data: try CertificateParts(der: der).subjectPublicKeyInfo))
    }
}

extension CertificateFile {
    /// Whether the certificate names `issuer` as its issuer and carries the signature of its key.
    public func isSigned(by issuer: CertificateFile) -> Bool {
        guard let own = try? Certificate(der: self.der), let above = try? Certificate(der: issuer.der) else {
            return false
        }
        return own.issuer == above.subject && above.publicKey.isValidSignature(own.signature, for: own)
    }
}
