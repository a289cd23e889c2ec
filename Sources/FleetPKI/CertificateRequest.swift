import SwiftASN1
import X509

/// A certification request (PKCS#10, RFC 2986) whose maker has shown that they have the key: its signature was made with
/// the key that it asks a certificate for.
///
/// What it asks for is a wish. Its subject and alternative names say only what the maker wants to be called; everything
/// else it asks for (key usage, basic constraints, validity) is not looked at, because the CA decides about it.
public struct CertificateRequest: Sendable {
    /// The longest request read, in octets: one of an RSA key of 16,384 bits with dozens of names.
    public static let octetsMax = 65_536
    /// Alternative names that a request may ask for.
    public static let alternativeNamesMax = 64

    /// The key that the certificate is to be for.
    public let publicKey: SubjectPublicKey
    /// The subject's attributes in the order of the request: short name or dotted object identifier, and value.
    public let subject: [(name: String, value: String)]
    /// In RFC 4514 form, last component first.
    public let subjectText: String
    /// What it asks for, as far as it is DNS, IP, URI or email.
    public let alternativeNames: [AlternativeName]
    public let signatureAlgorithm: String

    /// Reads one request, in PEM (`CERTIFICATE REQUEST` or `NEW CERTIFICATE REQUEST`) or DER, and checks its signature.
    ///
    /// - Throws: ``PKIError``: `malformed-csr`, `csr-signature-invalid`, `unsupported-csr-name`, `no-pem-block`,
    ///   `malformed-pem`, `several-items`, `input-too-long`.
    public init(contents: [UInt8]) throws(PKIError) {
        guard contents.count <= Self.octetsMax else {
            throw PKIError(code: .inputTooLong, message: "the request is longer than \(Self.octetsMax) octets")
        }
        let request = try Self.parse(try Self.der(contents))
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw PKIError(
                code: .requestSignatureInvalid,
                message: "the request was not signed with the key that it asks a certificate for (RFC 2986 section 3)")
        }
        self.publicKey = SubjectPublicKey(request.publicKey)
        self.signatureAlgorithm = request.signatureAlgorithm.name
        self.subjectText = request.subject.rfc4514
        self.subject = try request.subject.attributes()
        self.alternativeNames = try Self.alternativeNames(request)
    }

    private static func der(_ contents: [UInt8]) throws(PKIError) -> [UInt8] {
        guard let text = String(validating: contents, as: UTF8.self), text.contains("-----BEGIN ") else {
            return contents
        }
        let labels = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
        let blocks = try PEMBlock.scan(text).filter { labels.contains($0.label) }
        guard let block = blocks.first else {
            throw PKIError(code: .noPEMBlock, message: "the text has no PEM block \"CERTIFICATE REQUEST\"")
        }
        guard blocks.count == 1 else {
            throw PKIError(code: .severalItems, message: "the text has \(blocks.count) requests, one is expected")
        }
        return try block.decoded()
    }

    private static func parse(_ der: [UInt8]) throws(PKIError) -> CertificateSigningRequest {
        do {
            let request = try CertificateSigningRequest(derEncoded: der)
            // Signatures are whole octets (RFC 3279 section 2.2): unused bits would be a second form of one request.
            let signature = try DER.sequence(try DER.parse(der), identifier: .sequence) { items in
                var last = items.next()
                while let item = items.next() { last = item }
                return try last.map { try ASN1BitString(derEncoded: $0) }
            }
            guard signature?.paddingBits == 0 else {
                throw ASN1Error.invalidASN1Object(reason: "unused bits in a signature")
            }
            return request
        } catch {
            throw PKIError(
                code: .malformedRequest,
                message: "not a PKCS#10 request in DER, or its key is of a kind that is not supported")
        }
    }

    private static func alternativeNames(_ request: CertificateSigningRequest) throws(PKIError) -> [AlternativeName] {
        let names: [GeneralName]
        do {
            guard let extensions = try request.attributes.extensionRequest?.extensions,
                let found = try extensions.subjectAlternativeNames
            else { return [] }
            names = Array(found)
        } catch {
            throw PKIError(
                code: .malformedRequest, message: "the extensions that the request asks for cannot be parsed")
        }
        guard names.count <= Self.alternativeNamesMax else {
            throw PKIError(
                code: .unsupportedRequestName,
                message: "the request asks for more than \(Self.alternativeNamesMax) alternative names")
        }
        var result: [AlternativeName] = []
        for name in names {
            guard let name = AlternativeName(name) else {
                throw PKIError(
                    code: .unsupportedRequestName,
                    message: "the request asks for an alternative name that is not DNS, IP, URI or email")
            }
            result.append(name)
        }
        return result
    }
}

extension AlternativeName {
    /// Nil: a form that is not issued here.
    fileprivate init?(_ name: GeneralName) {
        switch name {
        case .dnsName(let value): self = .dns(value)
        case .uniformResourceIdentifier(let value): self = .uri(value)
        case .rfc822Name(let value): self = .email(value)
        case .ipAddress(let octets):
            guard let text = IPAddressText.text(of: Array(octets.bytes)) else { return nil }
            self = .ip(text)
        case .directoryName, .otherName, .registeredID, .x400Address, .ediPartyName: return nil
        }
    }
}

extension PKIError.Code {
    /// Not a PKCS#10 request in DER.
    public static let malformedRequest = Self(rawValue: "malformed-csr")
    /// The request was not signed with the key that it asks a certificate for: no proof of possession.
    public static let requestSignatureInvalid = Self(rawValue: "csr-signature-invalid")
    /// The request asks for a name that is not issued here.
    public static let unsupportedRequestName = Self(rawValue: "unsupported-csr-name")
}
