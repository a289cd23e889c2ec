import SwiftASN1

/// A question to an OCSP responder about one certificate or, when it is read, about several: OCSPRequest of RFC 6960
/// section 4.1.1. Never signed.
public struct OCSPRequest: Sendable, Hashable {
    public let certificates: [OCSPCertificateID]
    /// 1 to 128 octets; nil: there is none.
    public let nonce: [UInt8]?

    public init(certificate: OCSPCertificateID, nonce: [UInt8]?) {
        self.certificates = [certificate]
        self.nonce = nonce
    }

    /// 32 random octets (RFC 9654 section 2.1).
    public static func randomNonce() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<OCSPLimits.nonceOctets).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// The media type that requests are sent with (RFC 6960 appendix A.1).
    public static let mediaType = "application/ocsp-request"

    /// The request in DER.
    ///
    /// - Throws: ``PKIError`` `malformed-ocsp-request` when something in it cannot be encoded.
    public func der() throws(PKIError) -> [UInt8] {
        do {
            var coder = DER.Serializer()
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    try coder.appendConstructedNode(identifier: .sequence) { coder in
                        for certificate in self.certificates {
                            try coder.appendConstructedNode(identifier: .sequence) {
                                try certificate.serialize(into: &$0)
                            }
                        }
                    }
                    guard let nonce = self.nonce else { return }
                    try coder.serialize(explicitlyTaggedWithTagNumber: 2, tagClass: .contextSpecific) { coder in
                        try coder.appendConstructedNode(identifier: .sequence) { coder in
                            try OCSPNonceExtension.serialize(nonce, into: &coder)
                        }
                    }
                }
            }
            return coder.serializedBytes
        } catch {
            throw PKIError(code: .malformedOCSPRequest, message: "the OCSP request cannot be encoded")
        }
    }

    /// Reads a request in DER, as a responder does. A signature of the requestor is not looked at, and neither are
    /// CertIDs with a hash that is not known here.
    ///
    /// - Throws: ``PKIError``: `malformed-ocsp-request`, `input-too-long`.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= OCSPLimits.requestOctetsMax else {
            throw PKIError(code: .inputTooLong, message: "the OCSP request is longer than 16 KiB")
        }
        do {
            guard let tbs = try OCSPReading.sequence(DER.parse(der), countMax: 2).first else {
                throw OCSPReading.Malformed()
            }
            var fields = try OCSPReading.sequence(tbs, countMax: 4)[...]
            // version and requestorName.
            while let field = fields.first,
                field.identifier == OCSPReading.tag(0) || field.identifier == OCSPReading.tag(1)
            {
                fields.removeFirst()
            }
            guard let list = fields.popFirst() else { throw OCSPReading.Malformed() }
            self.certificates = try OCSPReading.sequence(list, countMax: OCSPLimits.answersMax).compactMap { item in
                guard let identifier = try OCSPReading.sequence(item, countMax: 2).first else {
                    throw OCSPReading.Malformed()
                }
                return try OCSPCertificateID(identifier)
            }
            var nonce: [UInt8]?
            if let field = fields.popFirst() {
                guard field.identifier == OCSPReading.tag(2) else { throw OCSPReading.Malformed() }
                let extensions = try OCSPReading.extensions(OCSPReading.tagged(field))
                nonce = try extensions.first { $0.identifier == OCSPIdentifier.nonce }.map { found in
                    try OCSPNonceExtension.read(found.value)
                }
            }
            guard fields.isEmpty else { throw OCSPReading.Malformed() }
            self.nonce = nonce
        } catch {
            throw PKIError(code: .malformedOCSPRequest, message: "not an OCSP request in DER (RFC 6960 section 4.1.1)")
        }
    }
}

/// Nonce ::= OCTET STRING (RFC 9654 section 2.1), in an extension that is not critical.
enum OCSPNonceExtension {
    private static let octets = 1...128

    static func serialize(_ nonce: [UInt8], into coder: inout DER.Serializer) throws {
        var value = DER.Serializer()
        try value.serialize(ASN1OctetString(contentBytes: nonce[...]))
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(OCSPIdentifier.nonce)
            try coder.serialize(ASN1OctetString(contentBytes: value.serializedBytes[...]))
        }
    }

    static func read(_ value: ArraySlice<UInt8>) throws -> [UInt8] {
        let nonce = try ASN1OctetString(derEncoded: Array(value)).bytes
        guard self.octets.contains(nonce.count) else { throw OCSPReading.Malformed() }
        return Array(nonce)
    }
}
