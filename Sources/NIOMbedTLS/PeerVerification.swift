internal import CMbedTLS

/// The judgement of one peer's chain, as mbedTLS goes through it, and what came of it.
///
/// mbedTLS shows the certificates from the top of the chain down to the leaf, and says NOT_TRUSTED of the topmost when no
/// anchor issued it. Whether that counts is decided at the leaf: until then it is lifted, and put back there unless the
/// authorization excused it. Nothing is lost when the leaf is never reached, because without ``isAllowed`` there is no
/// connection.
///
/// A class for the same reason as ``CiphertextBuffers``: C calls into it. It touches nothing else.
final class PeerVerification {
    let rules: VerificationRules
    private let authorize: TLSAuthorize
    /// The address to look for in the certificate, when the server was reached by one.
    let expectedAddress: [UInt8]?
    /// Seconds since 1970.
    private let now: @Sendable () -> Int64
    /// On a server that gives out tickets.
    let tickets: TicketIssue?
    /// The client of the ticket that was read last, if it may be resumed.
    var ticketHolder: TicketHolder?
    /// Authentic tickets read, at most ``TLSLimits/ticketsJudgedMax``.
    var ticketsJudged = 0

    /// What mbedTLS has against the certificates of the chain, all together, without what can be excused or is kept in
    /// one of the following.
    private(set) var reasons: UInt32 = 0
    private(set) var isLeafExpired = false
    private(set) var isTooLong = false
    /// Above a configured intermediate.
    private(set) var isPathTooLong = false
    /// Why a certificate that counts could not be read, or not be honoured in full.
    private var unreadable: (code: TLSError.Code, detail: String)?
    private(set) var topDepth: Int?
    /// The topmost certificate, when no anchor issued it.
    private(set) var untrustedTop: [UInt8]?
    /// A certificate that its issuer in the chain did not sign.
    private(set) var badlySigned: [UInt8]?

    /// The leaf, as soon as it was seen and could be read.
    private(set) var leaf: PeerCertificate?
    /// From the anchor down, as far as it was seen; nil when there is no anchor.
    private(set) var chain: VerifiedChain?
    private(set) var refusal: VerificationRules.Refusal?
    /// Whether the chain was verified and the authorization allowed it. Nothing else sets this.
    private(set) var isAllowed = false
    /// What the authorization excused.
    private(set) var excused: TLSObjections = []
    /// What the authorization binds a ticket to: empty for nothing, nil for no ticket.
    var ticketBinding: [UInt8]?
    /// The anchor that the chain ends in.
    var trustAnchor: TLSTrustAnchor? { self.chain?.anchor.value }
    /// SNI, on a server.
    private(set) var serverName: String?

    init(
        rules: VerificationRules, expectedAddress: [UInt8]?, tickets: TicketIssue?,
        now: @escaping @Sendable () -> Int64, authorize: @escaping TLSAuthorize
    ) {
        self.rules = rules
        self.tickets = tickets
        self.expectedAddress = expectedAddress
        self.now = now
        self.authorize = authorize
    }

    /// Called from C, from the top of the chain down to the leaf.
    ///
    /// - Returns: the reasons that stand: any at all refuses the chain; which ones choose the alert.
    func judge(der: UnsafeRawBufferPointer, depth: Int, version: TLSVersion?, reasons: UInt32) -> UInt32 {
        var reasons = reasons
        let isUntrusted = reasons & Self.notTrusted != 0
        let isTop = self.topDepth == nil
        if isTop {
            self.topDepth = depth
            if isUntrusted {
                self.untrustedTop = Array(der)
                reasons &= ~Self.notTrusted
            } else {
                reasons |= self.beginChain(der, depth)
            }
        } else if isUntrusted, self.badlySigned == nil {
            // mbedTLS went on upwards, so it found an issuer of the right name, whose key did not make the signature.
            self.badlySigned = Array(der)
        }
        if depth > self.rules.chainDepthMax {
            self.isTooLong = true
        }
        guard depth == 0 else {
            reasons = self.judgeAuthority(der, isTop: isTop, reasons)
            self.reasons |= reasons & ~Self.notTrusted
            return reasons
        }
        return self.judgeLeaf(der, version, reasons, isTop: isTop)
    }

    /// The topmost certificate is an anchor, or an intermediate that is configured.
    ///
    /// - Returns: reasons against what is above it.
    private func beginChain(_ der: UnsafeRawBufferPointer, _ depth: Int) -> UInt32 {
        if let anchor = self.rules.anchor(presentedAs: der) {
            self.chain = VerifiedChain(anchor)
            self.isTooLong = self.isTooLong || depth > self.rules.chainDepthMax(of: anchor.value)
            return 0
        }
        guard let standIn = self.rules.standIn(presentedAs: der) else { return 0 }
        self.chain = VerifiedChain(standIn)
        if standIn.anchorDepth(depth) > self.rules.chainDepthMax(of: standIn.anchor.value) {
            self.isTooLong = true
        }
        let above = standIn.judge(depth: depth, now: self.now(), clockSkew: self.rules.clockSkew)
        self.isPathTooLong = above.isTooLong
        self.reasons |= above.reasons
        // A path that is too long leads to no anchor, as when the client sends the intermediate itself.
        return above.reasons | (above.isTooLong ? Self.reason(choosing: .unknownCA) : 0)
    }

    /// One that is not the leaf.
    ///
    /// - Returns: the reasons that stand.
    private func judgeAuthority(_ der: UnsafeRawBufferPointer, isTop: Bool, _ reasons: UInt32) -> UInt32 {
        let dates = Self.expired | Self.notYetValid
        if isTop {
            guard reasons & dates != 0, self.rules.clockSkew > 0 else { return reasons }
            let known =
                self.rules.anchor(presentedAs: der)?.authority ?? self.rules.standIn(presentedAs: der)?.authority
            return self.liftingDates(reasons, (known?.certificate).map { ($0.notBefore, $0.notAfter) })
        }
        let isTrusted = self.chain != nil && self.badlySigned == nil
        guard isTrusted || (reasons & dates != 0 && self.rules.clockSkew > 0) else { return reasons }
        do throws(DERReader.Failure) {
            let authority = try self.rules.authorities.reading(der, isTrusted: isTrusted && reasons & ~dates == 0)
            if self.unreadable == nil, let constraining = authority.certificate, constraining.constrainsNames {
                self.unreadable = (
                    .unsupportedNameConstraints,
                    "name constraints of \(constraining.subjectDescription) cannot be checked"
                )
            }
            self.chain?.add(authority)
            return self.liftingDates(reasons, authority.certificate.map { ($0.notBefore, $0.notAfter) })
        } catch {
            // Without its serial number nobody could say whether it was revoked.
            self.unreadable =
                self.unreadable ?? (.certificateUnparsable, "intermediate certificate: \(error.detail)")
            return reasons
        }
    }

    /// mbedTLS knows no allowance for clocks: what it has against dates does not count within ours.
    private func liftingDates(_ reasons: UInt32, _ dates: (notBefore: Int64, notAfter: Int64)?) -> UInt32 {
        let skew = self.rules.clockSkew
        guard skew > 0, reasons & (Self.expired | Self.notYetValid) != 0, let dates else { return reasons }
        let now = self.now()
        var reasons = reasons
        if now <= dates.notAfter + skew {
            reasons &= ~Self.expired
        }
        if now >= dates.notBefore - skew {
            reasons &= ~Self.notYetValid
        }
        return reasons
    }

    private func judgeLeaf(
        _ der: UnsafeRawBufferPointer, _ version: TLSVersion?, _ reasons: UInt32, isTop: Bool
    ) -> UInt32 {
        var reasons = reasons
        do throws(DERReader.Failure) {
            let leaf: PeerCertificate
            if let firstServer = self.rules.firstServer {
                leaf = try firstServer.reading(Array(der))
            } else {
                leaf = try PeerCertificate(der: Array(der))
            }
            self.leaf = leaf
            reasons = self.liftingDates(reasons, (leaf.notBefore, leaf.notAfter))
            // One that is itself the anchor has no issuer but itself; a configured intermediate is in the chain already.
            if !isTop || self.rules.anchor(presentedAs: der) != nil {
                self.chain?.add(leaf: leaf)
            }
        } catch {
            self.unreadable = (.certificateUnparsable, "leaf certificate: \(error.detail)")
        }
        self.isLeafExpired = reasons & Self.expired != 0
        self.reasons |= reasons & ~(Self.notTrusted | Self.expired)
        if self.untrustedTop != nil {
            reasons |= Self.notTrusted
        }
        if let unreadable = self.unreadable {
            self.refusal = .init(code: unreadable.code, detail: unreadable.detail, alert: .badCertificate)
        } else if let leaf = self.leaf {
            if let version, self.rules.refusesCurve(of: leaf, version) {
                reasons |= UInt32(FLEETGATE_CERTIFICATE_WEAK_KEY)
                self.reasons |= UInt32(FLEETGATE_CERTIFICATE_WEAK_KEY)
            }
            (self.refusal, self.excused) = self.judgeLeaf(leaf, version)
        }
        if self.excused.contains(.untrusted) {
            reasons &= ~Self.notTrusted
        }
        if self.excused.contains(.expired) {
            reasons &= ~Self.expired
        }
        guard let refusal = self.refusal else {
            self.isAllowed = self.leaf != nil && reasons == 0 && self.reasons == 0
            return reasons
        }
        return reasons | Self.reason(choosing: refusal.alert)
    }

    /// Lets go of all that nobody asks for once the handshake is complete and its ticket written: whoever was told of the
    /// peer has the certificate, in the form that suits him.
    func settle() {
        self.leaf = nil
        self.chain = nil
        self.untrustedTop = nil
        self.badlySigned = nil
        self.ticketHolder = nil
        self.ticketBinding = nil
    }

    /// The peer of a full handshake, for sessions that begin with it: nil unless it was allowed without excuse.
    func verifiedPeer(at now: Int64) -> VerifiedPeer? {
        guard self.isAllowed, self.excused.isEmpty, let leaf = self.leaf, let chain = self.chain else {
            return nil
        }
        return VerifiedPeer(
            certificate: leaf, trustAnchor: chain.anchor.value, links: chain.links.map(\.withoutIssuer),
            strength: chain.strength, verifiedAt: now, notAfter: chain.notAfter)
    }

    /// Judges the peer of a session that is being resumed: all that does not need its chain, and the authorization.
    ///
    /// - Returns: why it is refused, if it is.
    func judgeAgain(
        _ peer: VerifiedPeer, version: TLSVersion, now: Int64, binding: [UInt8]
    ) -> VerificationRules.Refusal? {
        let leaf = peer.certificate
        if peer.links.count > self.rules.chainDepthMax(of: peer.trustAnchor) {
            return self.tooLong(peer.trustAnchor)
        }
        if let rules = self.rules.rules(of: peer.trustAnchor), let refusal = peer.strength.refusal(by: rules) {
            return refusal
        }
        if now < leaf.notBefore - self.rules.clockSkew {
            return .init(code: .notYetValid, detail: "resumed before it is valid", alert: .certificateExpired)
        }
        if now > peer.notAfter + self.rules.clockSkew {
            return .init(
                code: .expired, detail: "a certificate of the resumed session's chain has expired",
                alert: .certificateExpired)
        }
        if self.rules.refusesCurve(of: leaf, version) {
            return .init(code: .weakKey, detail: "unacceptable key size or curve", alert: .unsupportedCertificate)
        }
        if let refusal = self.refusalOfLeaf(leaf, isOwnIssuer: false, anchor: peer.trustAnchor) {
            return refusal
        }
        let verdict = self.authorize(
            TLSPeer(
                certificate: leaf, objections: [], trustAnchor: peer.trustAnchor, version: version,
                serverName: self.serverName, chain: peer.links, ticketBinding: binding))
        self.ticketBinding = verdict.ticketBinding
        switch verdict {
        case .allowed, .allowedBound, .allowedDespite: return nil
        case .denied(let code, let alert):
            return .init(
                code: alert.errorCode, detail: "refused by the authorization", alert: alert.alert, deniedCode: code)
        }
    }

    /// Called from C, with what the client sent.
    func noteServerName(_ name: UnsafeRawBufferPointer) {
        guard (1...255).contains(name.count), name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return }
        self.serverName = String(decoding: name, as: UTF8.self)
    }

    /// Asks the authorization, unless there is something that it cannot excuse.
    ///
    /// - Returns: why the peer is refused, if it is, and what was excused.
    private func judgeLeaf(
        _ leaf: PeerCertificate, _ version: TLSVersion?
    ) -> (VerificationRules.Refusal?, excused: TLSObjections) {
        guard let version else {
            return (.init(code: .internalError, detail: "no version was negotiated", alert: .accessDenied), [])
        }
        let trust = self.judgeTrust(leaf)
        var objections: TLSObjections = self.isLeafExpired ? .expired : []
        if case .untrusted = trust {
            objections.insert(.untrusted)
        }
        let refusal = self.refusal(leaf, trust, excusing: [])
        if refusal != nil, self.refusal(leaf, trust, excusing: objections) != nil {
            return (refusal, [])
        }
        let peer = TLSPeer(
            certificate: leaf, objections: objections, trustAnchor: self.trustAnchor, version: version,
            serverName: self.serverName, chain: self.chain?.links ?? [])
        let verdict = self.authorize(peer)
        self.ticketBinding = verdict.ticketBinding
        switch verdict {
        case .allowed, .allowedBound:
            return (refusal, [])
        case .allowedDespite(let tolerated):
            let excused = objections.intersection(tolerated)
            return (self.refusal(leaf, trust, excusing: excused), excused)
        case .denied(let code, let alert):
            var denial =
                refusal
                ?? .init(code: alert.errorCode, detail: "refused by the authorization", alert: alert.alert)
            denial.deniedCode = code
            return (denial, [])
        }
    }
}

@available(*, unavailable)
extension PeerVerification: Sendable {}
