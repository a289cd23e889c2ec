public import Foundation
import SwiftASN1
public import X509

/// A certificate authority held in memory: certificate, key, and the CAs above it.
///
/// For development, tests and simulated fleets; production certificates come from the operator's own PKI. An immutable
/// value: any of its functions may be called from several threads at once.
public struct CertificateAuthority: Sendable {
    /// The CA's own certificate.
    public let certificate: Certificate
    /// The CA's key.
    public let key: KeyPair
    /// The intermediate CAs above this one, nearest first, without the root.
    public let issuers: [Certificate]

    /// PEM of this CA, unless it is a root, and of ``issuers``: made once, sent with each issued certificate.
    let intermediatesPEM: String
    /// What goes into authorityKeyIdentifier.
    let keyIdentifier: ArraySlice<UInt8>

    /// Reads a CA from PEM and checks that it can issue.
    ///
    /// - Parameters:
    ///   - certificatePEM: The CA's certificate first; then, for an intermediate, those above it, nearest first. A
    ///     root at the end is dropped.
    ///   - privateKeyPEM: The CA's key, in any form ``KeyPair/init(pem:passphrase:)`` reads.
    ///   - passphrase: For an encrypted key.
    /// - Throws: ``PKIError``: `not-a-ca`, `key-mismatch`, `broken-chain`, `no-pem-block`, `malformed-pem`,
    ///   `malformed-certificate`, and what reading the key gives.
    public init(certificatePEM: String, privateKeyPEM: String, passphrase: String? = nil) throws(PKIError) {
        var certificates: [Certificate] = []
        for der in try PEMBlock.decodeAll(certificatePEM, label: "CERTIFICATE") {
            certificates.append(try Certificate(der: der))
        }
        guard let own = certificates.first else {
            throw PKIError(code: .noPEMBlock, message: "the text has no PEM block \"CERTIFICATE\"")
        }
        try Self.requireAuthority(own)
        var issuers: [Certificate] = []
        var below = own
        for above in certificates.dropFirst() {
            guard
                below.issuer == above.subject,
                above.publicKey.isValidSignature(below.signature, for: below)
            else {
                throw PKIError(
                    code: .brokenChain,
                    message:
                        "\"\(below.subject.rfc4514)\" was not signed by \"\(above.subject.rfc4514)\", which follows it"
                )
            }
            try Self.requireAuthority(above)
            below = above
            if !above.isSelfSigned {
                issuers.append(above)
            }
        }
        let key = try KeyPair(pem: privateKeyPEM, passphrase: passphrase)
        guard key.publicKey == own.publicKey else {
            throw PKIError(
                code: .keyMismatch,
                message: "the private key does not belong to the CA certificate \"\(own.subject.rfc4514)\""
            )
        }
        try self.init(uncheckedCertificate: own, key: key, issuers: issuers)
    }

    /// A CA from its parts, unchecked: with a leaf's certificate and key it issues what a reader has to refuse.
    ///
    /// - Throws: ``PKIError`` `malformed-certificate` when a certificate cannot be encoded.
    public init(
        uncheckedCertificate certificate: Certificate,
        key: KeyPair,
        issuers: [Certificate] = []
    ) throws(PKIError) {
        self.certificate = certificate
        self.key = key
        self.issuers = issuers
        var pem = ""
        for intermediate in certificate.isSelfSigned ? [] : [certificate] + issuers {
            pem += PEMBlock.encode(label: "CERTIFICATE", der: try intermediate.der())
        }
        self.intermediatesPEM = pem
        let written = try? certificate.extensions.subjectKeyIdentifier
        self.keyIdentifier = written?.keyIdentifier ?? certificate.publicKey.derivedKeyIdentifier
    }

    /// Makes a self-signed root for development.
    ///
    /// - Parameters:
    ///   - commonName: 1 to 64 characters.
    ///   - organization: 1 to 64 characters; nil for none.
    ///   - validity: How long from now, in seconds; it is also valid from five minutes ago.
    ///   - keyType: The kind of its key.
    ///   - maxPathLength: How many intermediates may stand between it and a leaf; nil for any number.
    /// - Throws: ``PKIError``: `invalid-subject`, `invalid-validity`, `crypto-failure`.
    public static func makeDevelopmentRoot(
        commonName: String = "FleetGate Development Root CA",
        organization: String? = nil,
        validity: TimeInterval = 10 * 365 * 86_400,
        keyType: KeyType = .p256,
        maxPathLength: Int? = 1
    ) throws(PKIError) -> CertificateAuthority {
        let root = try self.selfSigned(
            self.authorityTemplate(commonName, organization, Date() + validity, keyType, maxPathLength)
        )
        return try CertificateAuthority(uncheckedCertificate: root.certificate, key: root.key)
    }

    /// Makes an intermediate CA below this one.
    ///
    /// - Parameters: As for a root. By default no CA may stand below it, and it ends with this one at the latest.
    /// - Throws: ``PKIError``: `invalid-subject`, `invalid-validity`, `ca-not-valid`, `path-length-exceeded`,
    ///   `crypto-failure`.
    public func makeIntermediate(
        commonName: String = "FleetGate Development Issuing CA",
        organization: String? = nil,
        validity: TimeInterval = 5 * 365 * 86_400,
        keyType: KeyType = .p256,
        maxPathLength: Int? = 0
    ) throws(PKIError) -> CertificateAuthority {
        let end = min(Date() + validity, self.certificate.notValidAfter)
        let issued = try self.issue(Self.authorityTemplate(commonName, organization, end, keyType, maxPathLength))
        return try CertificateAuthority(
            uncheckedCertificate: issued.certificate,
            key: issued.key,
            issuers: self.certificate.isSelfSigned ? [] : [self.certificate] + self.issuers
        )
    }

    /// The CA's certificate in PEM: what goes into a trust store, if it is a root.
    public var certificatePEM: String {
        get throws(PKIError) {
            PEMBlock.encode(label: "CERTIFICATE", der: try self.certificate.der())
        }
    }

    /// The last moment at which the CA's certificate is good.
    public var notAfter: Date { self.certificate.notValidAfter }

    /// The CA's key in PEM, PKCS#8, not encrypted.
    public var privateKeyPEM: String { self.key.pem }

    private static func authorityTemplate(
        _ commonName: String,
        _ organization: String?,
        _ notAfter: Date,
        _ keyType: KeyType,
        _ maxPathLength: Int?
    ) -> CertificateTemplate {
        CertificateTemplate(
            subject: (organization.map { [("O", $0)] } ?? []) + [("CN", commonName)],
            purpose: .none,
            isCA: true,
            maxPathLength: maxPathLength,
            notAfter: notAfter,
            keyType: keyType
        )
    }

    private static func requireAuthority(_ certificate: Certificate) throws(PKIError) {
        let name = certificate.subject.rfc4514
        let constraints: BasicConstraints?
        let usage: KeyUsage?
        do {
            constraints = try certificate.extensions.basicConstraints
            usage = try certificate.extensions.keyUsage
        } catch {
            throw PKIError(
                code: .malformedCertificate,
                message: "basicConstraints or keyUsage of \"\(name)\" cannot be parsed"
            )
        }
        guard case .isCertificateAuthority? = constraints else {
            throw PKIError(code: .notACertificateAuthority, message: "\"\(name)\" is not a CA certificate (CA:FALSE)")
        }
        if let usage, !usage.keyCertSign {
            throw PKIError(
                code: .notACertificateAuthority,
                message: "the key usage of \"\(name)\" does not allow it to sign certificates (keyCertSign)"
            )
        }
    }
}
