import Crypto
public import Foundation
import SwiftASN1
public import X509

/// A certificate with the certificates between it and the root.
public struct SignedCertificate: Sendable {
    /// The certificate as swift-certificates has it.
    public let certificate: Certificate
    /// The certificate in DER.
    public let certificateDER: [UInt8]
    /// The intermediate CAs, nearest first, in PEM; empty below a root.
    public let intermediatesPEM: String

    init(_ certificate: Certificate, intermediatesPEM: String) throws(PKIError) {
        self.certificate = certificate
        self.certificateDER = try certificate.der()
        self.intermediatesPEM = intermediatesPEM
    }

    /// The certificate alone in PEM.
    public var certificatePEM: String { PEMBlock.encode(label: "CERTIFICATE", der: self.certificateDER) }
    /// The certificate and the intermediates, without the root, in PEM: what a TLS endpoint sends.
    public var chainPEM: String { self.certificatePEM + self.intermediatesPEM }
    /// SHA-256 over the DER, as 64 lower-case hexadecimal digits.
    public var sha256Fingerprint: String { Hexadecimal.encode(SHA256.hash(data: self.certificateDER)) }
    /// The serial number as lower-case hexadecimal digits, two for each octet.
    public var serialNumber: String { self.certificate.serialNumber.hexadecimal }
}

/// A certificate together with its private key.
public struct IssuedCertificate: Sendable, CustomStringConvertible {
    /// The certificate and its chain.
    public let signed: SignedCertificate
    /// The key the certificate is for.
    public let key: KeyPair

    /// - Parameter key: The one that the certificate is for; not checked.
    public init(signed: SignedCertificate, key: KeyPair) {
        self.signed = signed
        self.key = key
    }

    /// The certificate as swift-certificates has it.
    public var certificate: Certificate { self.signed.certificate }
    /// The certificate in DER.
    public var certificateDER: [UInt8] { self.signed.certificateDER }
    /// The certificate alone in PEM.
    public var certificatePEM: String { self.signed.certificatePEM }
    /// The certificate and the intermediates, without the root, in PEM.
    public var chainPEM: String { self.signed.chainPEM }
    /// The first moment at which it is good.
    public var notBefore: Date { self.certificate.notValidBefore }
    /// The last moment at which it is good.
    public var notAfter: Date { self.certificate.notValidAfter }
    /// The private key in PEM, PKCS#8, not encrypted.
    public var privateKeyPEM: String { self.key.pem }
    /// SHA-256 over the DER, as 64 lower-case hexadecimal digits.
    public var sha256Fingerprint: String { self.signed.sha256Fingerprint }
    /// The serial number as lower-case hexadecimal digits, two for each octet.
    public var serialNumber: String { self.signed.serialNumber }

    public var description: String {
        "IssuedCertificate(\(self.certificate.subject.rfc4514), serial \(self.serialNumber))"
    }
}

extension Certificate {
    /// The certificate's DER. For a parsed one these are the octets it was parsed from.
    func der() throws(PKIError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return serializer.serializedBytes
        } catch {
            throw PKIError(code: .malformedCertificate, message: "the certificate cannot be encoded")
        }
    }

    /// Reads one certificate; trailing octets are an error.
    init(der: [UInt8]) throws(PKIError) {
        do {
            try self.init(derEncoded: der)
        } catch {
            throw PKIError(
                code: .malformedCertificate,
                message: "not a DER certificate of RFC 5280, or its public key is of a kind that is not supported"
            )
        }
    }

    /// Whether the certificate carries its own issuer's name and is signed with its own key.
    var isSelfSigned: Bool {
        self.issuer == self.subject && self.publicKey.isValidSignature(self.signature, for: self)
    }
}

extension Certificate.SerialNumber {
    var hexadecimal: String {
        self.bytes.isEmpty ? "00" : Hexadecimal.encode(self.bytes)
    }
}
