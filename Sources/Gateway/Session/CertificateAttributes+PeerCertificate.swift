internal import FleetPolicy
internal import NIOMbedTLS

extension CertificateAttributes {
    /// The policy's view of a certificate the TLS layer read: the same facts in the vocabulary of the policy, which
    /// knows no TLS.
    init(_ certificate: PeerCertificate) {
        self.init(
            subject: DistinguishedName(certificate.subject), issuer: DistinguishedName(certificate.issuer),
            subjectAlternativeNames: certificate.subjectAlternativeNames.map {
                FleetPolicy.SubjectAlternativeName($0)
            },
            serialNumber: certificate.serialNumber, sha256Fingerprint: certificate.sha256Fingerprint,
            notBefore: certificate.notBefore, notAfter: certificate.notAfter
        )
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
            case .other(let tag): .unknown(tag: tag)
            }
    }
}
