import SwiftASN1
import X509

/// The CA whose certificates an OCSP responder is asked about. Immutable; the hashes are computed once.
public struct OCSPIssuer: Sendable {
    let certificate: Certificate
    /// The subject's Name in DER, as it stands in the certificate: encoding it again may give other octets.
    let subject: [UInt8]
    private let sha1: Hashes
    private let sha256: Hashes

    /// What a CertID names a CA by: of its Name, and of its key's BIT STRING without tag, length and count of unused
    /// bits (RFC 6960 section 4.1.1).
    struct Hashes: Sendable, Hashable {
        let name: [UInt8]
        let key: [UInt8]
    }

    /// Reads the CA's certificate in DER, up to 64 KiB. Nothing of it is verified.
    ///
    /// - Throws: ``PKIError``: `malformed-certificate`, `input-too-long`.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= OCSPLimits.certificateOctetsMax else {
            throw PKIError(code: .inputTooLong, message: "the issuer's certificate is longer than 64 KiB")
        }
        self.certificate = try Certificate(der: der)
        let parts = try OCSPCertificateParts(der: der)
        self.subject = Array(parts.subject)
        self.sha1 = Hashes(name: OCSPDigest.sha1.hash(parts.subject), key: OCSPDigest.sha1.hash(parts.key))
        self.sha256 = Hashes(name: OCSPDigest.sha256.hash(parts.subject), key: OCSPDigest.sha256.hash(parts.key))
    }

    func hashes(_ digest: OCSPDigest) -> Hashes {
        switch digest {
        case .sha1: self.sha1
        case .sha256: self.sha256
        }
    }

    /// SHA-1 of the key, by which a responder may name itself (RFC 6960 section 4.2.1, KeyHash).
    var keyHash: [UInt8] { self.sha1.key }

    /// Whether a certificate names this CA as its issuer and carries its signature.
    func hasIssued(_ certificate: Certificate, _ parts: OCSPCertificateParts) -> Bool {
        parts.issuer.elementsEqual(self.subject)
            && self.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }
}

/// The octets of a certificate that CertID and ResponderID are computed of, as they stand in it.
struct OCSPCertificateParts {
    /// Name in DER.
    let issuer: ArraySlice<UInt8>
    /// Name in DER.
    let subject: ArraySlice<UInt8>
    /// The content of SubjectPublicKeyInfo's BIT STRING, without the count of unused bits.
    let key: ArraySlice<UInt8>

    /// - Throws: ``PKIError`` `malformed-certificate`.
    init(der: [UInt8]) throws(PKIError) {
        let malformed = PKIError(code: .malformedCertificate, message: "the certificate has no public key")
        do {
            guard let tbs = try OCSPReading.children(DER.parse(der), countMax: 3).first else { throw malformed }
            // TBSCertificate: [0] version, serialNumber, signature, issuer, validity, subject, key, and more.
            var fields = try OCSPReading.children(tbs, countMax: 10)[...]
            if fields.first?.identifier == OCSPReading.tag(0) { fields.removeFirst() }
            guard fields.count >= 6 else { throw malformed }
            let start = fields.startIndex
            self.issuer = fields[start + 2].encodedBytes
            self.subject = fields[start + 4].encodedBytes
            guard let bits = try OCSPReading.children(fields[start + 5], countMax: 2).last else { throw malformed }
            self.key = try ASN1BitString(derEncoded: bits).bytes
        } catch let error as PKIError {
            throw error
        } catch {
            throw malformed
        }
    }
}
