/// What a context asks of a peer's chain beside what mbedTLS checks.
///
/// A class, because every connection refers to it.
final class VerificationRules: Sendable {
    let role: TLSConfiguration.Role
    let leafPolicy: TLSLeafPolicy
    let requiresClientAuthExtendedKeyUsage: Bool
    let chainDepthMax: Int
    /// Whether sessions that begin with a handshake may be resumed, so that the whole chain's dates matter later.
    let keepsSessions: Bool
    /// The curves that a leaf's key may be on with TLS 1.2, in dotted form.
    private let curves: [String]
    let anchors: [Anchor]
    let standIns: [StandIn]
    /// By the fingerprint of the anchor.
    private let anchorRules: [[UInt8]: TLSAnchorRules]
    /// In seconds.
    let clockSkew: Int64
    let authorities: AuthorityCache
    /// On a client.
    let firstServer: FirstServer?

    init(_ configuration: TLSConfiguration, _ trust: TrustStore) {
        self.role = configuration.role
        self.leafPolicy = configuration.leafPolicy
        self.requiresClientAuthExtendedKeyUsage = configuration.requiresClientAuthExtendedKeyUsage
        self.chainDepthMax = configuration.limits.chainDepthMax
        self.keepsSessions = configuration.keepsSessions || !configuration.ticketKeys.isEmpty
        self.curves = configuration.namedGroups.compactMap(\.curveOID)
        self.anchors = trust.anchors
        self.standIns = trust.standIns
        self.anchorRules = configuration.anchorRules
        self.clockSkew = configuration.clockSkewSeconds
        self.authorities = trust.authorities
        self.firstServer = configuration.role == .client ? trust.firstServer : nil
    }
}

extension VerificationRules {
    /// A trust anchor: what it is recognised by, and what is told of it.
    struct Anchor: Sendable {
        /// Its certificate is nil when the reader here refuses what mbedTLS has parsed. It anchors nevertheless, it only
        /// is not named when the reason for a refusal is sought.
        let authority: KnownAuthority
        let value: TLSTrustAnchor

        var certificate: PeerCertificate? { self.authority.certificate }

        init(der: [UInt8]) throws(DERReader.Failure) {
            self.authority = try KnownAuthority(anchor: der)
            self.value = TLSTrustAnchor(
                subject: self.authority.certificate?.subject ?? [],
                sha256Fingerprint: try PeerCertificate.sha256(der[...]))
        }
    }

    /// The anchor that has these bytes.
    func anchor(presentedAs der: UnsafeRawBufferPointer) -> Anchor? {
        self.anchors.first { $0.authority.has(der) }
    }

    /// The configured intermediate that has these bytes.
    func standIn(presentedAs der: UnsafeRawBufferPointer) -> StandIn? {
        self.standIns.first { $0.authority.has(der) }
    }

    /// The rules that are only for chains ending in that anchor, if it has any.
    func rules(of anchor: TLSTrustAnchor?) -> TLSAnchorRules? {
        anchor.flatMap { self.anchorRules[$0.sha256Fingerprint] }
    }

    /// The highest depth of chains that end in that anchor.
    func chainDepthMax(of anchor: TLSTrustAnchor?) -> Int {
        min(self.chainDepthMax, self.rules(of: anchor)?.chainDepthMax ?? self.chainDepthMax)
    }

    /// Whether a leaf's key is on a curve that is not accepted with that version. mbedTLS asks the same, but only after
    /// the authorization (`mbedtls_ssl_check_curve`). With TLS 1.3 the signature algorithms bound the curves.
    func refusesCurve(of leaf: PeerCertificate, _ version: TLSVersion) -> Bool {
        guard version == .v1_2, case .ellipticCurve(let oid) = leaf.keyAlgorithm else { return false }
        return !self.curves.contains(oid)
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
        let known = self.anchors.map(\.authority) + self.standIns.map(\.authority)
        let issuers = known.compactMap(\.certificate).filter { anchor in
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
        if issuers.allSatisfy({ !$0.allowsPath(belowDepth: depth + 1) }) {
            return Refusal(
                code: .chainTooLong, detail: "the trust anchor does not allow \(depth) certificates below it",
                alert: .unknownCA)
        }
        return Refusal(
            code: .badSignature, detail: "not signed by the key of its issuer \(top.issuerDescription)",
            alert: .unknownCA)
    }

    /// What is wrong with a leaf that mbedTLS accepts, by policy.
    ///
    /// - Parameter isOwnIssuer: see ``refusalByUsage(_:isOwnIssuer:anchor:)``.
    func refusalByPolicy(_ leaf: PeerCertificate, isOwnIssuer: Bool) -> Refusal? {
        if self.leafPolicy.refusesOldVersions, leaf.version != 3 {
            return Refusal(
                code: .notV3, detail: "X.509 version \(leaf.version)", alert: .unsupportedCertificate)
        }
        if self.leafPolicy.refusesCertificateAuthorities, !isOwnIssuer, leaf.maySignCertificates {
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
    ///
    /// - Parameters:
    ///   - anchor: what its chain ends in, if it does in one.
    ///   - isOwnIssuer: whether it is self-issued at the end of a chain that no anchor issued, so that it can
    ///   only be let in as a certificate that is known by itself. `openssl req -x509` makes those CA certificates
    ///   without extended key usage, so neither is held against it: it is a CA for nobody, as nothing here trusts it,
    ///   and its purpose is that it is known. What its extensions do say holds as for any other.
    func refusalByUsage(_ leaf: PeerCertificate, isOwnIssuer: Bool, anchor: TLSTrustAnchor?) -> Refusal? {
        if let usage = leaf.keyUsage, usage & PeerCertificate.KeyUsage.digitalSignature == 0 {
            return Refusal(
                code: .wrongKeyUsage, detail: "key usage without digitalSignature", alert: .unsupportedCertificate)
        }
        let isRequired: Bool
        let purpose: String
        switch self.role {
        case .server:
            isRequired =
                self.rules(of: anchor)?.requiresClientAuthExtendedKeyUsage ?? self.requiresClientAuthExtendedKeyUsage
            purpose = PeerCertificate.Purpose.clientAuth
        case .client: (isRequired, purpose) = (false, PeerCertificate.Purpose.serverAuth)
        }
        guard let purposes = leaf.extendedKeyUsages else {
            return isRequired && !isOwnIssuer ? self.wrongPurpose("no extended key usage") : nil
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
