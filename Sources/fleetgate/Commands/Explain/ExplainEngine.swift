import FleetPolicy
import Gateway
import NIOMbedTLS

/// Explains a certificate by what the gateway decides with: the TLS layer for the chain, the policy for the rest.
struct ExplainEngine {
    /// Verifies chains as the gateway does in a handshake.
    let context: TLSContext
    let snapshot: PolicySnapshot
    /// The listener, when the circumstances do not say.
    let listener: String
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: Int64
    /// The file that names the client CAs, for what is said to the operator.
    var configurationFile = "the gateway's configuration"

    /// - Parameters:
    ///   - issuers: What the device sends behind its own certificate.
    ///   - isWhole: Whether these are all certificates that the device has. When only the leaf is known, a chain that
    ///     does not reach an anchor is not held against it.
    func report(
        _ leaf: PeerCertificate, issuers: [PeerCertificate] = [], isWhole: Bool = true,
        _ circumstances: ExplainCircumstances, _ questions: ExplainQuestions
    ) -> ExplainReport {
        let chain = [leaf] + issuers
        let attributes = CertificateAttributes(leaf)
        func connection(_ anchor: TLSTrustAnchor?, _ links: [CertificateID] = []) -> ConnectionCircumstances {
            ConnectionCircumstances(
                now: now, tlsVersion: circumstances.tlsVersion, listener: circumstances.listener ?? listener,
                serverName: circumstances.serverName, trustAnchor: anchor.map(ConnectionCircumstances.TrustAnchor.init),
                chain: links)
        }
        // As in the gateway: what the policy grants in spite of an objection excuses it.
        var judged: TLSPeer?
        let result = context.verify(
            chain: chain, version: circumstances.tlsVersion == .tls13 ? .v1_3 : .v1_2,
            serverName: circumstances.serverName
        ) { peer in
            judged = peer
            return
                switch snapshot.decide(
                    attributes, connection(peer.trustAnchor, peer.chain.compactMap(CertificateID.init)))
            {
            case .granted: peer.objections.isEmpty ? .allowed : .allowedDespite(peer.objections)
            case .denied(let denial): .denied(code: denial.code.rawValue, alert: .accessDenied)
            }
        }
        let (facts, anchor) = facts(of: result, judged, chain, isWhole: isWhole)
        let isPinned = snapshot.explain(attributes, connection(nil)).pinnedFor != nil
        let decisive = connection(
            assumedAnchor(anchor, facts, chain, isPinned: isPinned),
            judged?.chain.compactMap(CertificateID.init) ?? assumedPath(of: chain))
        let grant: DeviceGrant? =
            switch snapshot.decide(attributes, decisive) {
            case .granted(let grant) where facts.result != .refused: grant
            case .granted, .denied: nil
            }
        return ExplainReport(
            now: now, tlsVersion: circumstances.tlsVersion.rawValue, listener: decisive.listener,
            serverName: circumstances.serverName, certificate: ExplainReport.Certificate(leaf), chain: facts,
            decision: snapshot.explain(attributes, decisive), grant: grant.map(ExplainReport.Grant.init),
            clientID: grant.flatMap { clientID(questions.clientID, $0) },
            topics: grant.map { grant in questions.topics.map { explain($0, grant) } } ?? [])
    }

    /// The anchor to judge the profiles by. Where none has issued a refused chain: one of the name that the chain asks
    /// for, so that the profiles say what they would if it were among the client CAs. A certificate that is pinned is
    /// judged without: its pin stands for the anchor.
    private func assumedAnchor(
        _ anchor: TLSTrustAnchor?, _ facts: ExplainReport.Chain, _ chain: [PeerCertificate], isPinned: Bool
    ) -> TLSTrustAnchor? {
        guard anchor == nil, facts.result == .refused, !isPinned, let top = top(of: chain) else { return anchor }
        return TLSTrustAnchor(subject: top.issuer, sha256Fingerprint: [])
    }

    /// What revocation is looked up by where the chain was not verified again: the configured CAs that lead upwards from
    /// the leaf by their names.
    private func assumedPath(of chain: [PeerCertificate]) -> [CertificateID] {
        var path: [CertificateID] = []
        var next = chain.first
        // As deep as a chain may be; namesakes could lead in a circle.
        while let certificate = next, path.count <= TrustSettings.chainDepthRange.upperBound {
            let known = chain.dropFirst() + context.authorities
            guard let issuer = known.first(where: { $0.subject == certificate.issuer }),
                let authority = AuthorityID(issuer.authorityID)
            else { break }
            path.append(CertificateID(issuer: authority, serialNumber: certificate.serialNumber))
            let isAnchor = context.trustAnchors.contains { $0.sha256Fingerprint == issuer.sha256Fingerprint }
            next = isAnchor ? nil : issuer
        }
        return path
    }

    /// What would help a chain that no anchor has issued.
    private func hint(_ chain: [PeerCertificate]) -> String? {
        guard let top = top(of: chain) else { return nil }
        let place = "tls.client-ca of \(configurationFile)"
        return likelyAnchor(of: chain) == nil
            ? "its issuer \(top.issuerDescription) is not among \(place)"
            : "its issuer \(top.issuerDescription) is among \(place) by name, but with another key"
    }

    /// The last of the certificates that lead upwards from the leaf.
    private func top(of chain: [PeerCertificate]) -> PeerCertificate? {
        guard var top = chain.first else { return nil }
        for next in chain.dropFirst() where next.subject == top.issuer { top = next }
        return top
    }

    /// What the TLS layer says, and the anchor to judge the profiles by.
    ///
    /// - Parameter judged: What the policy was asked about; nil when the chain was refused before.
    private func facts(
        of result: TLSChainResult, _ judged: TLSPeer?, _ chain: [PeerCertificate], isWhole: Bool
    ) -> (ExplainReport.Chain, TLSTrustAnchor?) {
        func facts(
            _ result: ExplainReport.Chain.Result, _ anchor: TLSTrustAnchor?, code: String? = nil,
            detail: String? = nil, despite: TLSObjections = []
        ) -> (ExplainReport.Chain, TLSTrustAnchor?) {
            let names: [(TLSObjections, String)] = [(.expired, "expired"), (.untrusted, "untrusted")]
            let isUnknown = result == .refused && (judged.map { $0.objections.contains(.untrusted) } ?? (anchor == nil))
            let facts = ExplainReport.Chain(
                result: result, code: code, detail: detail, hint: isUnknown ? hint(chain) : nil,
                trustAnchor: anchor?.subjectDescription,
                trustAnchorSHA256: anchor.map { HexadecimalText.text($0.sha256Fingerprint) },
                despite: names.filter { despite.contains($0.0) }.map(\.1), certificates: chain.count)
            return (facts, anchor)
        }
        switch result {
        case .accepted(let anchor, let despite):
            return facts(.accepted, anchor, despite: despite)
        case .refused(let error):
            if chain.contains(where: { !$0.isWhole }) {
                return facts(
                    .notVerified, likelyAnchor(of: chain) ?? context.trustAnchors.first,
                    detail: "a session keeps what its certificate says, and not the certificate")
            }
            if !isWhole, error.code == .unknownCA {
                return facts(
                    .notVerified, likelyAnchor(of: chain) ?? context.trustAnchors.first,
                    detail: "only the device's own certificate is known, and an intermediate CA has issued it")
            }
            guard let judged else {
                return facts(
                    .refused, likelyAnchor(of: chain), code: error.code.rawValue, detail: error.detail)
            }
            // Without an objection it is the policy alone that says no; why, it says itself.
            if judged.objections.isEmpty { return facts(.accepted, judged.trustAnchor) }
            return facts(.refused, judged.trustAnchor, code: error.code.rawValue, detail: error.detail)
        }
    }

    /// The anchor that has the name of the issuer at the top of the chain: the one that the chain would end at if it
    /// were in order.
    private func likelyAnchor(of chain: [PeerCertificate]) -> TLSTrustAnchor? {
        chain.reversed().lazy.compactMap { certificate in
            context.trustAnchors.first {
                $0.sha256Fingerprint == certificate.sha256Fingerprint || $0.subject == certificate.issuer
            }
        }.first
    }

    private func clientID(_ value: String?, _ grant: DeviceGrant) -> ExplainReport.ClientIdentifier? {
        value.map {
            ExplainReport.ClientIdentifier(
                value: $0, rule: grant.clientIDRule.rawValue,
                isPermitted: grant.clientIDRule.permits($0, for: grant.key))
        }
    }

    private func explain(_ question: ExplainQuestions.Topic, _ grant: DeviceGrant) -> TopicExplanation {
        switch question.action {
        case .publish: grant.explainPublish(topic: question.topic, qos: question.qos, retain: question.retain)
        case .will: grant.explainWill(topic: question.topic, qos: question.qos, retain: question.retain)
        case .subscribe: grant.explainSubscribe(filter: question.topic, qos: question.qos)
        }
    }
}

extension ConnectionCircumstances.TrustAnchor {
    init(_ anchor: TLSTrustAnchor) {
        self.init(
            subject: DistinguishedName(
                anchor.subject.map { attributes in
                    DistinguishedName.RelativeName(
                        attributes.map {
                            DistinguishedName.Attribute(attributeType: $0.oid, value: $0.value)
                        })
                }),
            sha256Fingerprint: anchor.sha256Fingerprint)
    }
}

extension ExplainReport.Grant {
    init(_ grant: DeviceGrant) {
        self.init(
            device: grant.key, profile: grant.profileName, quarantine: grant.quarantine?.rawValue,
            clientIDRule: grant.clientIDRule.rawValue, topicPrefix: grant.topicPrefix, upstream: grant.upstreamName,
            asksForPassword: grant.secondFactor != nil, limits: LimitsText.entries(grant.limits),
            rules: grant.effectiveRules())
    }
}

extension CertificateID {
    /// Nil when the issuer's name and key could not be hashed.
    fileprivate init?(_ link: TLSChainLink) {
        guard let issuer = AuthorityID(link.issuerID) else { return nil }
        self.init(issuer: issuer, serialNumber: link.serialNumber)
    }
}
