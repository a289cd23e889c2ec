// What the chain of a leaf is worth, when mbedTLS has gone through it: what it ends in, and the first reason against it.

extension PeerVerification {
    /// The first reason in the order that ``TLSError/Code`` documents, when these do not count.
    func refusal(
        _ leaf: PeerCertificate, _ trust: Trust, excusing excused: TLSObjections
    ) -> VerificationRules.Refusal? {
        if self.isTooLong {
            return self.tooLong(self.trustAnchor)
        }
        if self.isPathTooLong {
            return .init(
                code: .chainTooLong, detail: "longer than an issuer's path length allows", alert: .unknownCA)
        }
        var isOwnIssuer = false
        switch trust {
        case .anchored: break
        case .broken(let refusal): return refusal
        case .untrusted(let refusal):
            guard excused.contains(.untrusted) else { return refusal }
            isOwnIssuer = leaf.isSelfIssued
        }
        if let chain = self.chain, let rules = self.rules.rules(of: chain.anchor.value),
            let refusal = chain.strength.refusal(by: rules)
        {
            return refusal
        }
        var reasons = self.reasons
        if self.isLeafExpired, !excused.contains(.expired) {
            reasons |= Self.expired
        }
        if reasons != 0 {
            // What mbedTLS says and nobody here has a name for refuses all the same.
            return Self.refusal(for: reasons)
                ?? .init(
                    code: .unauthenticatedPeer, detail: "refused by mbedTLS, reasons 0x\(String(reasons, radix: 16))",
                    alert: .certificateUnknown)
        }
        return self.refusalOfLeaf(leaf, isOwnIssuer: isOwnIssuer, anchor: self.trustAnchor)
    }

    func tooLong(_ anchor: TLSTrustAnchor?) -> VerificationRules.Refusal {
        .init(
            code: .chainTooLong, detail: "more than \(self.rules.chainDepthMax(of: anchor) + 1) certificates",
            alert: .badCertificate)
    }

    /// What is said of the leaf by itself, apart from its dates and its key.
    func refusalOfLeaf(
        _ leaf: PeerCertificate, isOwnIssuer: Bool, anchor: TLSTrustAnchor?
    ) -> VerificationRules.Refusal? {
        if let address = self.expectedAddress, !leaf.subjectAlternativeNames.contains(.ip(address)) {
            return .init(code: .wrongName, detail: "not for the address of the server", alert: .badCertificate)
        }
        return self.rules.refusalByPolicy(leaf, isOwnIssuer: isOwnIssuer)
            ?? self.rules.refusalByUsage(leaf, isOwnIssuer: isOwnIssuer, anchor: anchor)
    }

    /// What the chain ends in.
    enum Trust {
        /// A trust anchor.
        case anchored
        /// In a certificate that no anchor issued: refused, unless that is excused.
        case untrusted(VerificationRules.Refusal)
        /// In nothing that could be excused.
        case broken(VerificationRules.Refusal)
    }

    func judgeTrust(_ leaf: PeerCertificate) -> Trust {
        func read(_ der: [UInt8]) -> PeerCertificate? {
            der == leaf.der ? leaf : try? PeerCertificate(der: der)
        }
        let badSignature = self.badlySigned.map { der in
            let issuer = read(der)?.issuerDescription ?? "above it"
            return VerificationRules.Refusal(
                code: .badSignature, detail: "not signed by the key of its issuer \(issuer)", alert: .unknownCA)
        }
        guard let untrustedTop = self.untrustedTop else {
            guard self.trustAnchor != nil else {
                return .broken(
                    .init(code: .unknownCA, detail: "the chain ends in no trust anchor", alert: .unknownCA))
            }
            return badSignature.map { .broken($0) } ?? .anchored
        }
        // Whether an anchor has its issuer's name cannot be said of one that cannot be read.
        guard let top = read(untrustedTop), let depth = self.topDepth else {
            return .broken(
                badSignature ?? .init(code: .unknownCA, detail: "no trust anchor issued it", alert: .unknownCA))
        }
        let refusal = self.rules.untrusted(top: top, depth: depth)
        if refusal.code == .chainTooLong {
            return .broken(refusal)
        }
        if let badSignature {
            return .broken(badSignature)
        }
        return refusal.code == .unknownCA ? .untrusted(refusal) : .broken(refusal)
    }
}
