import SwiftASN1
public import X509

/// What an OCSP response to be made says. For development and tests of readers: nothing of it is checked, so that it can
/// say what a reader has to refuse.
public struct OCSPResponseTemplate: Sendable {
    public struct Single: Sendable {
        public var certificate: OCSPCertificateID
        public var status: OCSPAnswer.Status
        /// Seconds since 1970-01-01T00:00:00Z, as all times here.
        public var thisUpdate: Int64
        public var nextUpdate: Int64?
        public var extensions: [CertificateTemplate.RawExtension]

        public init(
            certificate: OCSPCertificateID, status: OCSPAnswer.Status, thisUpdate: Int64, nextUpdate: Int64?,
            extensions: [CertificateTemplate.RawExtension] = []
        ) {
            self.certificate = certificate
            self.status = status
            self.thisUpdate = thisUpdate
            self.nextUpdate = nextUpdate
            self.extensions = extensions
        }
    }

    /// By what the responder names itself.
    public enum ResponderID: Sendable, Hashable {
        case name
        case keyHash
    }

    public var singles: [Single]
    public var producedAt: Int64
    public var responderID: ResponderID
    public var nonce: [UInt8]?
    public var extensions: [CertificateTemplate.RawExtension]
    /// The certificate of whose owner the response says that it is from; its key need not be what signs.
    public var responder: Certificate
    /// Certificates that go along: a delegated responder's own.
    public var certificates: [Certificate]

    public init(
        singles: [Single], producedAt: Int64, responder: Certificate, responderID: ResponderID = .name,
        nonce: [UInt8]? = nil, extensions: [CertificateTemplate.RawExtension] = [], certificates: [Certificate] = []
    ) {
        self.singles = singles
        self.producedAt = producedAt
        self.responder = responder
        self.responderID = responderID
        self.nonce = nonce
        self.extensions = extensions
        self.certificates = certificates
    }

    /// The response in DER, signed.
    ///
    /// - Throws: ``PKIError`` `crypto-failure` when it cannot be encoded or signed.
    public func der(signedBy key: KeyPair) throws(PKIError) -> [UInt8] {
        do {
            let algorithm = ListSignature(for: key.publicKey)
            guard let known = algorithm.algorithm else { throw OCSPReading.Malformed() }
            let data = try self.responseData()
            let signature = try key.certificateKey.sign(bytes: data, signatureAlgorithm: known)
            var basic = DER.Serializer()
            try basic.appendConstructedNode(identifier: .sequence) { coder in
                coder.serializeRawBytes(data)
                try algorithm.serialize(into: &coder)
                try coder.serialize(ASN1BitString(bytes: signature.rawRepresentation[...]))
                guard !self.certificates.isEmpty else { return }
                try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                    try coder.appendConstructedNode(identifier: .sequence) { coder in
                        for certificate in self.certificates { try coder.serialize(certificate) }
                    }
                }
            }
            return try Self.response(status: 0, basic: basic.serializedBytes)
        } catch {
            throw PKIError(code: .cryptoFailure, message: "the OCSP response could not be made")
        }
    }

    /// A response that says no more than why there is no answer.
    ///
    /// - Parameter status: OCSPResponseStatus, such as 3 for `tryLater`.
    public static func failure(status: UInt8) -> [UInt8] { [0x30, 0x03, 0x0A, 0x01, status] }

    private static func response(status: UInt8, basic: [UInt8]) throws -> [UInt8] {
        var coder = DER.Serializer()
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            coder.appendPrimitiveNode(identifier: .enumerated) { $0.append(status) }
            try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    try coder.serialize(OCSPIdentifier.basicResponse)
                    try coder.serialize(ASN1OctetString(contentBytes: basic[...]))
                }
            }
        }
        return coder.serializedBytes
    }

    private func responseData() throws -> [UInt8] {
        var coder = DER.Serializer()
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            switch self.responderID {
            case .name:
                try coder.serialize(
                    self.responder.subject, explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific)
            case .keyHash:
                let hash = OCSPDigest.sha1.hash(self.responder.publicKey.subjectPublicKeyInfoBytes)
                try coder.serialize(
                    ASN1OctetString(contentBytes: hash[...]), explicitlyTaggedWithTagNumber: 2,
                    tagClass: .contextSpecific)
            }
            try OCSPTime.serialize(self.producedAt, into: &coder)
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                for single in self.singles { try Self.serialize(single, into: &coder) }
            }
            guard self.nonce != nil || !self.extensions.isEmpty else { return }
            try coder.serialize(explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    if let nonce = self.nonce { try OCSPNonceExtension.serialize(nonce, into: &coder) }
                    for item in self.extensions { try Self.serialize(item, into: &coder) }
                }
            }
        }
        return coder.serializedBytes
    }

    private static func serialize(_ single: Single, into coder: inout DER.Serializer) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try single.certificate.serialize(into: &coder)
            switch single.status {
            case .good: coder.appendPrimitiveNode(identifier: OCSPReading.tag(0)) { _ in }
            case .unknown: coder.appendPrimitiveNode(identifier: OCSPReading.tag(2)) { _ in }
            case .revoked(let revokedAt, let reason):
                try coder.appendConstructedNode(identifier: OCSPReading.tag(1)) { coder in
                    try OCSPTime.serialize(revokedAt, into: &coder)
                    guard reason != 0 else { return }
                    coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                        coder.appendPrimitiveNode(identifier: .enumerated) { $0.append(reason) }
                    }
                }
            }
            try OCSPTime.serialize(single.thisUpdate, into: &coder)
            if let nextUpdate = single.nextUpdate {
                try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                    try OCSPTime.serialize(nextUpdate, into: &coder)
                }
            }
            guard !single.extensions.isEmpty else { return }
            try coder.serialize(explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific) { coder in
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    for item in single.extensions { try self.serialize(item, into: &coder) }
                }
            }
        }
    }

    private static func serialize(
        _ item: CertificateTemplate.RawExtension, into coder: inout DER.Serializer
    ) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(ASN1ObjectIdentifier(checkedDotted: item.oid))
            if item.critical { try coder.serialize(true) }
            try coder.serialize(ASN1OctetString(contentBytes: item.value[...]))
        }
    }
}
