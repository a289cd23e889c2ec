import Crypto
public import Foundation
import SwiftASN1
public import X509
import _CryptoExtras

/// What a certificate says, for a person or, by `Codable`, for a program. Nothing is verified.
///
/// Encode dates with `JSONEncoder.DateEncodingStrategy.iso8601`.
public struct CertificateInspection: Sendable, Hashable, Codable {
    /// A subject alternative name as text.
    public struct Name: Sendable, Hashable, Codable {
        /// `dns`, `ip`, `uri`, `email`, `directory`, or `other`.
        public let type: String
        /// The name as it stands in the certificate; for `other`, a description of it.
        public let value: String
    }

    /// 1 or 3 (2 is possible and unused).
    public let version: Int
    /// RFC 4514 form, last component first.
    public let subject: String
    /// RFC 4514 form, last component first.
    public let issuer: String
    /// Lower-case hexadecimal digits, two for each octet.
    public let serialNumber: String
    /// SHA-256 over the DER: 64 lower-case hexadecimal digits.
    public let sha256Fingerprint: String
    public let notBefore: Date
    public let notAfter: Date
    /// `RSA`, `EC P-256`, `EC P-384`, `EC P-521` or `Ed25519`.
    public let keyType: String
    public let keySizeInBits: Int
    public let signatureAlgorithm: String
    public let alternativeNames: [Name]
    /// nil: the certificate has no such extension.
    public let keyUsage: [String]?
    /// `clientAuth`, `serverAuth`, …, or dotted object identifiers; nil: no such extension, good for any purpose.
    public let extendedKeyUsage: [String]?
    public let isCA: Bool
    public let maxPathLength: Int?
    /// Whether issuer and subject are the same name. The signature is not looked at.
    public let isSelfIssued: Bool
    /// The `http` and `https` URLs at which complete revocation lists of its issuer are to be had (RFC 5280 section
    /// 4.2.1.13), in order.
    public let crlDistributionPoints: [String]
    /// The `http` and `https` URLs of its issuer's OCSP responders (RFC 5280 section 4.2.2.1), in order.
    public let ocspResponders: [String]
    /// Dotted object identifiers of critical extensions FleetGate does not process.
    public let unknownCriticalExtensions: [String]
    /// Dotted object identifiers of known extensions whose content cannot be parsed.
    public let malformedExtensions: [String]

    /// Reads the one certificate of a PEM text.
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `malformed-pem`, `several-items`, `malformed-certificate`,
    ///   `input-too-long`.
    public init(pem: String) throws(PKIError) {
        let blocks = try PEMBlock.decodeAll(pem, label: "CERTIFICATE")
        guard let der = blocks.first, blocks.count == 1 else {
            throw PKIError(
                code: .severalItems,
                message: "the text has \(blocks.count) certificates, one is expected"
            )
        }
        try self.init(der: der)
    }

    /// Reads one certificate in DER.
    ///
    /// - Throws: ``PKIError``: `malformed-certificate`, `input-too-long`.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= PEMBlock.maximumTextLength else {
            throw PKIError(code: .inputTooLong, message: "the certificate is longer than 1 MiB")
        }
        self.init(try Certificate(der: der), der: der)
    }

    /// Reads one certificate, in PEM if the octets have a PEM boundary and in DER if not.
    ///
    /// - Throws: As ``init(pem:)`` and ``init(der:)``.
    public init(contents: [UInt8]) throws(PKIError) {
        // DER of a certificate begins with SEQUENCE, which no PEM text does unless a person wrote a "0" above it.
        if contents.first == 0x30, (try? Certificate(der: contents)) != nil {
            try self.init(der: contents)
        } else if let text = String(validating: contents, as: UTF8.self) {
            try self.init(pem: text)
        } else {
            try self.init(der: contents)
        }
    }

    /// All certificates of a PEM text, in order.
    ///
    /// - Throws: As ``init(pem:)``, without `several-items`.
    public static func all(pem: String) throws(PKIError) -> [CertificateInspection] {
        var all: [CertificateInspection] = []
        for der in try PEMBlock.decodeAll(pem, label: "CERTIFICATE") {
            all.append(try CertificateInspection(der: der))
        }
        return all
    }

    /// Reads a certificate already parsed.
    ///
    /// - Throws: ``PKIError`` `malformed-certificate` when it cannot be encoded.
    public init(_ certificate: Certificate) throws(PKIError) {
        self.init(certificate, der: try certificate.der())
    }

    private init(_ certificate: Certificate, der: [UInt8]) {
        let reading = ExtensionReading(certificate.extensions)
        let key = certificate.publicKey.kind
        self.version = certificate.version == .v3 ? 3 : certificate.version == .v1 ? 1 : 2
        self.subject = certificate.subject.rfc4514
        self.issuer = certificate.issuer.rfc4514
        self.serialNumber = certificate.serialNumber.hexadecimal
        self.sha256Fingerprint = Hexadecimal.encode(SHA256.hash(data: der))
        self.notBefore = certificate.notValidBefore
        self.notAfter = certificate.notValidAfter
        self.keyType = key.name
        self.keySizeInBits = key.bits
        self.signatureAlgorithm = certificate.signatureAlgorithm.name
        self.alternativeNames = reading.alternativeNames
        self.keyUsage = reading.keyUsage
        self.extendedKeyUsage = reading.extendedKeyUsage
        self.isCA = reading.isCA
        self.maxPathLength = reading.maxPathLength
        self.isSelfIssued = certificate.issuer == certificate.subject
        self.crlDistributionPoints = reading.crlDistributionPoints
        self.ocspResponders = reading.ocspResponders
        self.unknownCriticalExtensions = reading.unknownCritical
        self.malformedExtensions = reading.malformed
    }
}

extension CertificateInspection: CustomStringConvertible {
    /// Several lines, one for each field that is there, safe to print to a terminal.
    public var description: String {
        var lines: [(String, String)] = [
            ("Subject", self.subject.isEmpty ? "(empty)" : self.subject),
            ("Issuer", self.isSelfIssued ? "(itself)" : self.issuer),
            ("Serial number", self.serialNumber),
            ("SHA-256", self.sha256Fingerprint),
            ("Not before", self.notBefore.formatted(.iso8601)),
            ("Not after", self.notAfter.formatted(.iso8601)),
            ("Key", "\(self.keyType), \(self.keySizeInBits) bits"),
            ("Signature", self.signatureAlgorithm),
        ]
        for name in self.alternativeNames {
            lines.append(("Alternative name", "\(name.type):\(TerminalText.visible(name.value))"))
        }
        lines.append(("Key usage", self.keyUsage?.joined(separator: ", ") ?? "(any)"))
        lines.append(("Extended usage", self.extendedKeyUsage?.joined(separator: ", ") ?? "(any)"))
        lines.append(
            ("CA", self.isCA ? "yes, path length \(self.maxPathLength.map { String($0) } ?? "unlimited")" : "no")
        )
        for url in self.crlDistributionPoints { lines.append(("Revocation list", TerminalText.visible(url))) }
        for url in self.ocspResponders { lines.append(("OCSP responder", TerminalText.visible(url))) }
        if self.version != 3 {
            lines.append(("Version", "\(self.version)"))
        }
        for oid in self.unknownCriticalExtensions {
            lines.append(("Warning", "unknown critical extension \(oid): FleetGate refuses this certificate"))
        }
        for oid in self.malformedExtensions {
            lines.append(("Warning", "extension \(oid) cannot be parsed"))
        }
        return lines.map { label, value in
            "\(label):".padding(toLength: 18, withPad: " ", startingAt: 0) + value
        }.joined(separator: "\n")
    }
}

extension Certificate.PublicKey {
    var kind: (name: String, bits: Int) {
        if P256.Signing.PublicKey(self) != nil { return ("EC P-256", 256) }
        if P384.Signing.PublicKey(self) != nil { return ("EC P-384", 384) }
        if P521.Signing.PublicKey(self) != nil { return ("EC P-521", 521) }
        if let rsa = _RSA.Signing.PublicKey(self) { return ("RSA", rsa.keySizeInBits) }
        return ("Ed25519", 256)
    }
}

extension Certificate.SignatureAlgorithm {
    var name: String {
        switch self {
        case .ecdsaWithSHA256: "ecdsa-with-SHA256"
        case .ecdsaWithSHA384: "ecdsa-with-SHA384"
        case .ecdsaWithSHA512: "ecdsa-with-SHA512"
        case .sha1WithRSAEncryption: "sha1WithRSAEncryption"
        case .sha256WithRSAEncryption: "sha256WithRSAEncryption"
        case .sha384WithRSAEncryption: "sha384WithRSAEncryption"
        case .sha512WithRSAEncryption: "sha512WithRSAEncryption"
        case .ed25519: "Ed25519"
        default: "unknown"
        }
    }
}
