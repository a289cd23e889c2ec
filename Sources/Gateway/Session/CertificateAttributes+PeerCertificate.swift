public import FleetPolicy
public import NIOMbedTLS

extension CertificateAttributes {
    /// The policy's view of a certificate the TLS layer read: the same facts in the vocabulary of the policy, which
    /// knows no TLS.
    public init(_ certificate: PeerCertificate) {
        self.init(
            subject: DistinguishedName(certificate.subject), issuer: DistinguishedName(certificate.issuer),
            subjectAlternativeNames: certificate.subjectAlternativeNames.map {
                FleetPolicy.SubjectAlternativeName($0)
            },
            serialNumber: certificate.serialNumber, sha256Fingerprint: certificate.sha256Fingerprint,
            notBefore: certificate.notBefore, notAfter: certificate.notAfter,
            publicKey: PublicKeyDescription(
                algorithm: PublicKeyDescription.Algorithm(certificate.keyAlgorithm), bits: certificate.keyBits,
                sha256: certificate.publicKeySHA256),
            policyOIDs: certificate.certificatePolicies
        )
    }
}

extension PublicKeyDescription.Algorithm {
    fileprivate init(_ algorithm: PeerCertificate.KeyAlgorithm) {
        self =
            switch algorithm {
            case .ellipticCurve(let oid): .ellipticCurve(oid: oid)
            case .rsa: .rsa
            case .other(let oid): .other(oid: oid)
            }
    }
}

extension ConnectionCircumstances.TrustAnchor {
    /// The policy's view of a trust anchor of the TLS layer.
    init(_ anchor: TLSTrustAnchor) {
        self.init(subject: DistinguishedName(anchor.subject), sha256Fingerprint: anchor.sha256Fingerprint)
    }
}

extension ConnectionCircumstances.TLSVersion {
    init(_ version: NIOMbedTLS.TLSVersion) {
        self =
            switch version {
            case .v1_2: .tls12
            case .v1_3: .tls13
            }
    }
}

extension DistinguishedName {
    fileprivate init(_ relativeNames: [[NameAttribute]]) {
        self.init(
            relativeNames.map { attributes in
                RelativeName(attributes.map { Attribute(attributeType: $0.oid, value: $0.value) })
            }
        )
    }
}

extension FleetPolicy.SubjectAlternativeName {
    fileprivate init(_ name: NIOMbedTLS.SubjectAlternativeName) {
        self =
            switch name {
            case .dns(let name): .dns(name)
            case .uri(let identifier): .uri(identifier)
            case .email(let address): .email(address)
            case .ip(let bytes): .ip(bytes: bytes)
            case .directoryName(let name): .directoryName(DistinguishedName(name))
            case .otherName(let oid, let value): .otherName(oid: oid, value: value)
            case .registeredID(let oid): .registeredID(oid)
            case .other(let tag): .unknown(tag: tag)
            }
    }
}
