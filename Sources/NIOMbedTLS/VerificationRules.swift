/// What a context asks of a peer's chain beside what mbedTLS checks.
struct VerificationRules {
    let role: TLSConfiguration.Role
    let leafPolicy: TLSLeafPolicy
    let requiresClientAuthExtendedKeyUsage: Bool
    let chainDepthMax: Int
    /// To find out why a chain is not trusted.
    let anchors: [PeerCertificate]

    init(_ configuration: TLSConfiguration, anchors: [PeerCertificate]) {
        self.role = configuration.role
        self.leafPolicy = configuration.leafPolicy
        self.requiresClientAuthExtendedKeyUsage = configuration.requiresClientAuthExtendedKeyUsage
        self.chainDepthMax = configuration.limits.chainDepthMax
        self.anchors = anchors
    }
}

extension VerificationRules {
    /// Why the peer was refused, and with which alert.
    struct Refusal {
        let code: TLSError.Code
        let detail: String
        let alert: TLSAlert
        var deniedCode: String?
    }

    /// Why the certificate at the top of an untrusted chain is not trusted, whose issuer was not among those sent.
    func untrusted(top: PeerCertificate, depth: Int) -> Refusal {
        let issuers = self.anchors.filter { anchor in
            guard anchor.subjectDER == top.issuerDER else { return false }
            guard let wanted = top.authorityKeyIdentifier, let own = anchor.subjectKeyIdentifier else { return true }
            return wanted == own
        }
        guard !issuers.isEmpty else {
            return Refusal(
                code: .unknownCA, detail: "no trust anchor issued it: issuer \(top.issuerDescription)",
                alert: .unknownCA)
        }
        // An anchor with a path length of 0 may sign a leaf, at depth 0; each certificate between needs one more.
        if issuers.allSatisfy({ ($0.pathLength ?? Int.max) < depth }) {
            return Refusal(
                code: .chainTooLong, detail: "the trust anchor does not allow \(depth) certificates below it",
                alert: .unknownCA)
        }
        return Refusal(
            code: .badSignature, detail: "not signed by the key of its issuer \(top.issuerDescription)",
            alert: .unknownCA)
    }

    /// What is wrong with a leaf that mbedTLS accepts, by policy.
    func refusalByPolicy(_ leaf: PeerCertificate) -> Refusal? {
        if self.leafPolicy.refusesOldVersions, leaf.version != 3 {
            return Refusal(
                code: .notV3, detail: "X.509 version \(leaf.version)", alert: .unsupportedCertificate)
        }
        if self.leafPolicy.refusesCertificateAuthorities, leaf.maySignCertificates {
            return Refusal(
                code: .leafIsCA, detail: "the certificate presented may sign certificates",
                alert: .unsupportedCertificate)
        }
        if self.leafPolicy.refusesBadSerialNumbers, !Self.isGoodSerialNumber(leaf.serialNumber) {
            return Refusal(
                code: .badSerial, detail: "serial number \(leaf.serialNumberHex)", alert: .unsupportedCertificate)
        }
        return nil
    }

    /// What the leaf's usage extensions forbid.
    func refusalByUsage(_ leaf: PeerCertificate) -> Refusal? {
        if let usage = leaf.keyUsage, usage & PeerCertificate.KeyUsage.digitalSignature == 0 {
            return Refusal(
                code: .wrongKeyUsage, detail: "key usage without digitalSignature", alert: .unsupportedCertificate)
        }
        let isRequired: Bool
        let purpose: String
        switch self.role {
        case .server:
            (isRequired, purpose) = (self.requiresClientAuthExtendedKeyUsage, PeerCertificate.Purpose.clientAuth)
        case .client: (isRequired, purpose) = (false, PeerCertificate.Purpose.serverAuth)
        }
        guard let purposes = leaf.extendedKeyUsages else {
            return isRequired ? self.wrongPurpose("no extended key usage") : nil
        }
        if purposes.contains(purpose) || (!isRequired && purposes.contains(PeerCertificate.Purpose.any)) {
            return nil
        }
        return self.wrongPurpose("extended key usage without its purpose")
    }

    private func wrongPurpose(_ detail: String) -> Refusal {
        let name =
            switch self.role {
            case .server: "clientAuth"
            case .client: "serverAuth"
            }
        return Refusal(code: .wrongExtendedKeyUsage, detail: "\(detail) (\(name))", alert: .unsupportedCertificate)
    }

    /// RFC 5280, 4.1.2.2: positive, at most 20 octets.
    static func isGoodSerialNumber(_ number: [UInt8]) -> Bool {
        guard let first = number.first, first < 0x80, number.count <= 20 else { return false }
        return number.contains { $0 != 0 }
    }
}
