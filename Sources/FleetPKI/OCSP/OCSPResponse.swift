import SwiftASN1

/// A responder's response as it was read: OCSPResponse of RFC 6960 section 4.2.1 with a BasicOCSPResponse in it.
///
/// An immutable value. Nothing in it is to be believed before ``verify(issuer:serialNumber:nonce:terms:now:isRevoked:)``.
public struct OCSPResponse: Sendable {
    enum ResponderID: Sendable, Hashable {
        /// Name in DER.
        case name([UInt8])
        /// SHA-1 of the key.
        case keyHash([UInt8])
    }

    struct Single: Sendable {
        /// Nil: named with a hash that is not known here.
        let certificate: OCSPCertificateID?
        let status: OCSPAnswer.Status
        let thisUpdate: Int64
        let nextUpdate: Int64?
    }

    let responder: ResponderID
    let producedAt: Int64
    let singles: [Single]
    let nonce: [UInt8]?
    /// What is signed, in DER.
    let signedOctets: [UInt8]
    let algorithm: OCSPSignatureAlgorithm
    let signature: [UInt8]
    /// DER, not looked into yet.
    let certificates: [[UInt8]]

    /// The media type that responses come with (RFC 6960 appendix A.2).
    public static let mediaType = "application/ocsp-response"

    /// Reads a response in DER.
    ///
    /// - Throws: ``PKIError``: `malformed-ocsp-response`, `input-too-long`, `ocsp-unknown-response-type`,
    ///   `ocsp-unknown-critical-extension`, `ocsp-weak-signature`, `ocsp-unsupported-signature`; and what the responder
    ///   gives as the reason for not answering: `ocsp-malformed-request`, `ocsp-internal-error`, `ocsp-try-later`,
    ///   `ocsp-signature-required`, `ocsp-unauthorized`.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= OCSPLimits.responseOctetsMax else {
            throw PKIError(code: .inputTooLong, message: "the OCSP response is longer than 64 KiB")
        }
        do {
            self = try Self(basic: Self.basicResponse(der))
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(
                code: .malformedOCSPResponse, message: "not an OCSP response in DER (RFC 6960 section 4.2.1)")
        }
    }

    /// The BasicOCSPResponse in a response that says `successful`.
    private static func basicResponse(_ der: [UInt8]) throws -> ASN1Node {
        let parts = try OCSPReading.sequence(DER.parse(der), countMax: 2)
        guard let first = parts.first else { throw OCSPReading.Malformed() }
        let status = try OCSPReading.enumerated(first)
        guard status == 0 else {
            guard parts.count == 1, let refusal = Self.refusals[status] else { throw OCSPReading.Malformed() }
            throw PKIError(code: refusal.code, message: "the OCSP responder does not answer: \(refusal.words)")
        }
        guard parts.count == 2, parts[1].identifier == OCSPReading.tag(0) else { throw OCSPReading.Malformed() }
        let bytes = try OCSPReading.sequence(OCSPReading.tagged(parts[1]), countMax: 2)
        guard bytes.count == 2 else { throw OCSPReading.Malformed() }
        let type = try ASN1ObjectIdentifier(derEncoded: bytes[0])
        let content = try ASN1OctetString(derEncoded: bytes[1]).bytes
        guard type == OCSPIdentifier.basicResponse else {
            throw PKIError(
                code: .unknownOCSPResponseType, message: "the OCSP response is not a basic one (id-pkix-ocsp-basic)")
        }
        return try DER.parse(content)
    }

    /// OCSPResponseStatus but for `successful`; 4 is not used.
    private static let refusals: [UInt8: (code: PKIError.Code, words: String)] = [
        1: (.ocspRequestRefused, "it takes the request for malformed (malformedRequest)"),
        2: (.ocspInternalError, "it has a fault of its own (internalError)"),
        3: (.ocspTryLater, "it asks to be asked later (tryLater)"),
        5: (.ocspSignatureRequired, "it wants signed requests (sigRequired)"),
        6: (.ocspUnauthorized, "it does not answer for this CA, or not to us (unauthorized)"),
    ]

    private init(basic node: ASN1Node) throws {
        var fields = try OCSPReading.sequence(node, countMax: 4)[...]
        guard let data = fields.popFirst(), let algorithm = fields.popFirst(), let bits = fields.popFirst() else {
            throw OCSPReading.Malformed()
        }
        let signature = try ASN1BitString(derEncoded: bits)
        guard signature.paddingBits == 0 else { throw OCSPReading.Malformed() }
        self.signature = Array(signature.bytes)
        self.signedOctets = Array(data.encodedBytes)
        self.algorithm = try OCSPSignatureAlgorithm(algorithm)
        if let field = fields.popFirst() {
            guard field.identifier == OCSPReading.tag(0) else { throw OCSPReading.Malformed() }
            self.certificates = try OCSPReading.sequence(
                OCSPReading.tagged(field), countMax: OCSPLimits.certificatesMax
            ).map { Array($0.encodedBytes) }
        } else {
            self.certificates = []
        }

        var parts = try OCSPReading.sequence(data, countMax: 5)[...]
        if let version = parts.first, version.identifier == OCSPReading.tag(0) {
            // v1, written although it is the default.
            guard try Int(derEncoded: OCSPReading.tagged(version)) == 0 else { throw OCSPReading.Malformed() }
            parts.removeFirst()
        }
        guard let responder = parts.popFirst(), let producedAt = parts.popFirst(), let list = parts.popFirst() else {
            throw OCSPReading.Malformed()
        }
        self.responder = try Self.responder(responder)
        self.producedAt = try OCSPTime.read(producedAt)
        self.singles = try OCSPReading.sequence(list, countMax: OCSPLimits.answersMax).map(Self.single)
        var nonce: [UInt8]?
        if let field = parts.popFirst() {
            guard field.identifier == OCSPReading.tag(1) else { throw OCSPReading.Malformed() }
            let extensions = try OCSPReading.extensions(OCSPReading.tagged(field))
            try Self.requireUnderstood(extensions)
            nonce = try extensions.first { $0.identifier == OCSPIdentifier.nonce }.map { found in
                try OCSPNonceExtension.read(found.value)
            }
        }
        guard parts.isEmpty else { throw OCSPReading.Malformed() }
        self.nonce = nonce
    }

    private static func responder(_ node: ASN1Node) throws -> ResponderID {
        let inner = try OCSPReading.tagged(node)
        switch node.identifier {
        case OCSPReading.tag(1):
            guard inner.identifier == .sequence else { throw OCSPReading.Malformed() }
            return .name(Array(inner.encodedBytes))
        case OCSPReading.tag(2):
            return .keyHash(Array(try ASN1OctetString(derEncoded: inner).bytes))
        default: throw OCSPReading.Malformed()
        }
    }

    private static func single(_ node: ASN1Node) throws -> Single {
        var fields = try OCSPReading.sequence(node, countMax: 5)[...]
        guard let identifier = fields.popFirst(), let status = fields.popFirst(), let thisUpdate = fields.popFirst()
        else { throw OCSPReading.Malformed() }
        var nextUpdate: Int64?
        if let field = fields.first, field.identifier == OCSPReading.tag(0) {
            nextUpdate = try OCSPTime.read(OCSPReading.tagged(field))
            fields.removeFirst()
        }
        if let field = fields.popFirst() {
            guard field.identifier == OCSPReading.tag(1) else { throw OCSPReading.Malformed() }
            try self.requireUnderstood(OCSPReading.extensions(OCSPReading.tagged(field)))
        }
        let single = Single(
            certificate: try OCSPCertificateID(identifier), status: try self.status(status),
            thisUpdate: try OCSPTime.read(thisUpdate), nextUpdate: nextUpdate)
        guard fields.isEmpty, nextUpdate.map({ $0 >= single.thisUpdate }) ?? true else {
            throw OCSPReading.Malformed()
        }
        return single
    }

    private static func status(_ node: ASN1Node) throws -> OCSPAnswer.Status {
        switch node.identifier {
        case OCSPReading.tag(0):
            guard try OCSPReading.primitive(node).isEmpty else { throw OCSPReading.Malformed() }
            return .good
        case OCSPReading.tag(2):
            guard try OCSPReading.primitive(node).isEmpty else { throw OCSPReading.Malformed() }
            return .unknown
        case OCSPReading.tag(1):
            let fields = try OCSPReading.children(node, countMax: 2)
            guard let first = fields.first else { throw OCSPReading.Malformed() }
            let revokedAt = try OCSPTime.read(first)
            guard fields.count == 2 else { return .revoked(at: revokedAt, reason: 0) }
            guard fields[1].identifier == OCSPReading.tag(0) else { throw OCSPReading.Malformed() }
            let reason = try OCSPReading.enumerated(OCSPReading.tagged(fields[1]))
            // 7 is not used (RFC 5280 section 5.3.1).
            guard reason <= 10, reason != 7 else { throw OCSPReading.Malformed() }
            return .revoked(at: revokedAt, reason: reason)
        default: throw OCSPReading.Malformed()
        }
    }

    private static func requireUnderstood(_ extensions: [OCSPReading.Extension]) throws {
        for item in extensions where item.isCritical {
            guard item.identifier == OCSPIdentifier.nonce || OCSPIdentifier.understood.contains(item.identifier) else {
                throw PKIError(
                    code: .ocspUnknownCriticalExtension,
                    message: "the OCSP response has the critical extension \(item.identifier.dotted), not known here")
            }
        }
    }
}
