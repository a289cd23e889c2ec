import X509

/// The public key that a certificate is for, or is to be for.
public struct SubjectPublicKey: Sendable, Hashable {
    let key: Certificate.PublicKey

    init(_ key: Certificate.PublicKey) { self.key = key }

    /// The kind, such as `EC P-256`.
    public var type: String { self.key.kind.name }
    /// The size in bits.
    public var sizeInBits: Int { self.key.kind.bits }

    /// Why a gateway would refuse a device with this key; nil: it would not.
    public var objection: String? {
        switch self.type {
        case "Ed25519": "Ed25519 keys are not supported by mbedTLS: use EC P-256"
        case "RSA" where self.sizeInBits < 2048: "an RSA key has to have 2048 bits at least"
        default: nil
        }
    }
}

extension KeyPair {
    /// The public half.
    public var subjectPublicKey: SubjectPublicKey { SubjectPublicKey(self.publicKey) }
}

extension CertificateAuthority {
    /// Makes a certificate for a key given. The template's `keyType` is not used.
    ///
    /// - Throws: As ``issue(_:)``.
    public func issue(
        _ template: CertificateTemplate, for key: SubjectPublicKey
    ) throws(PKIError) -> SignedCertificate {
        try self.issue(template, for: key.key)
    }
}

extension CertificateFile {
    /// The certificate's key.
    ///
    /// - Throws: ``PKIError`` `malformed-certificate`.
    public var subjectPublicKey: SubjectPublicKey {
        get throws(PKIError) { SubjectPublicKey(try Certificate(der: self.der).publicKey) }
    }

    /// The subject's attributes in the order of the certificate: short name or dotted object identifier, and value.
    ///
    /// - Throws: ``PKIError``: `malformed-certificate`; `unsupported-csr-name` for a component of several attributes or
    ///   one that is not text.
    public var subject: [(name: String, value: String)] {
        get throws(PKIError) { try Certificate(der: self.der).subject.attributes() }
    }
}

extension DistinguishedName {
    /// The attributes one by one. A component of several has no order, and a subject policy could not compare it.
    func attributes() throws(PKIError) -> [(name: String, value: String)] {
        var attributes: [(name: String, value: String)] = []
        for component in self {
            guard component.count == 1, let attribute = component.first, let value = String(attribute.value) else {
                throw PKIError(
                    code: .unsupportedRequestName,
                    message: "the subject has a component of several attributes, or one that is not text")
            }
            let type = DirectoryAttribute.typed(attribute.type)?.shortName ?? attribute.type.dotted
            attributes.append((name: type, value: value))
        }
        return attributes
    }
}
