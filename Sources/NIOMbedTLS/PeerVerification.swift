internal import CMbedTLS
internal import Glibc

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
    private let expectedAddress: [UInt8]?
    /// On a server that gives out tickets.
    let tickets: TicketIssue?
    /// The client of the ticket that was read last, if it may be resumed.
    var ticketHolder: TicketHolder?
    /// Authentic tickets read, at most ``TLSLimits/ticketsJudgedMax``.
    var ticketsJudged = 0

    /// What mbedTLS has against the certificates of the chain, all together, without what can be excused or is kept in
    /// one of the following.
    private var reasons: UInt32 = 0
    private var isLeafExpired = false
    private var isTooLong = false
    private var topDepth: Int?
    /// The topmost certificate, when no anchor issued it.
    private var untrustedTop: [UInt8]?
    /// A certificate that its issuer in the chain did not sign.
    private var badlySigned: [UInt8]?

    /// The leaf, as soon as it was seen and could be read.
    private(set) var leaf: PeerCertificate?
    private(set) var refusal: VerificationRules.Refusal?
    /// Whether the chain was verified and the authorization allowed it. Nothing else sets this.
    private(set) var isAllowed = false
    /// What the authorization excused.
    private(set) var excused: TLSObjections = []
    /// The anchor that the chain ends in.
    private(set) var trustAnchor: TLSTrustAnchor?
    /// The earliest notAfter of the chain, as far as it was read: only kept when ``rules`` say that sessions are.
    private(set) var chainNotAfter = Int64.max
    /// SNI, on a server.
    private(set) var serverName: String?

    init(
        rules: VerificationRules, expectedAddress: [UInt8]?, tickets: TicketIssue?, authorize: @escaping TLSAuthorize
    ) {
        self.rules = rules
        self.tickets = tickets
        self.expectedAddress = expectedAddress
        self.authorize = authorize
    }

    /// Called from C, from the top of the chain down to the leaf.
    ///
    /// - Returns: the reasons that stand: any at all refuses the chain; which ones choose the alert.
    func judge(der: UnsafeRawBufferPointer, depth: Int, version: TLSVersion?, reasons: UInt32) -> UInt32 {
        var reasons = reasons
        let isUntrusted = reasons & Self.notTrusted != 0
        if self.topDepth == nil {
            self.topDepth = depth
            if isUntrusted {
                self.untrustedTop = Array(der)
                reasons &= ~Self.notTrusted
            } else {
                let anchor = self.rules.anchor(presentedAs: der)
                self.trustAnchor = anchor?.value
                // mbedTLS judges an anchor's dates, so they bound a session whether or not they can be read here.
                self.chainNotAfter = anchor?.certificate?.notAfter ?? Int64.min
            }
        } else if isUntrusted, self.badlySigned == nil {
            // mbedTLS went on upwards, so it found an issuer of the right name, whose key did not make the signature.
            self.badlySigned = Array(der)
        }
        if depth > self.rules.chainDepthMax {
            self.isTooLong = true
        }
        guard depth == 0 else {
            if self.rules.keepsSessions, self.topDepth != depth {
                self.chainNotAfter = min(
                    self.chainNotAfter, (try? PeerCertificate(der: Array(der)))?.notAfter ?? Int64.min)
            }
            self.reasons |= reasons & ~Self.notTrusted
            return reasons
        }
        self.isLeafExpired = reasons & Self.expired != 0
        self.reasons |= reasons & ~(Self.notTrusted | Self.expired)
        if self.untrustedTop != nil {
            reasons |= Self.notTrusted
        }

        do throws(DERReader.Failure) {
            if let firstServer = self.rules.firstServer {
                self.leaf = try firstServer.reading(Array(der))
            } else {
                self.leaf = try PeerCertificate(der: Array(der))
            }
        } catch {
            self.refusal = .init(
                code: .certificateUnparsable, detail: "leaf certificate: \(error.detail)", alert: .badCertificate)
        }
        if let leaf = self.leaf {
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
            self.isAllowed = reasons == 0 && self.reasons == 0
            return reasons
        }
        return reasons | Self.reason(choosing: refusal.alert)
    }

    /// The peer of a full handshake, for sessions that begin with it: nil unless it was allowed without excuse.
    func verifiedPeer(at now: Int64) -> VerifiedPeer? {
        guard self.isAllowed, self.excused.isEmpty, let leaf = self.leaf, let anchor = self.trustAnchor else {
            return nil
        }
        return VerifiedPeer(
            certificate: leaf, trustAnchor: anchor, verifiedAt: now, notAfter: min(self.chainNotAfter, leaf.notAfter))
    }

    /// Judges the peer of a session that is being resumed: all that does not need its chain, and the authorization.
    ///
    /// - Returns: why it is refused, if it is.
    func judgeAgain(_ peer: VerifiedPeer, version: TLSVersion, now: Int64) -> VerificationRules.Refusal? {
        let leaf = peer.certificate
        if now < leaf.notBefore {
            return .init(code: .notYetValid, detail: "resumed before it is valid", alert: .certificateExpired)
        }
        if now > peer.notAfter {
            return .init(
                code: .expired, detail: "a certificate of the resumed session's chain has expired",
                alert: .certificateExpired)
        }
        if self.rules.refusesCurve(of: leaf, version) {
            return .init(code: .weakKey, detail: "unacceptable key size or curve", alert: .unsupportedCertificate)
        }
        if let refusal = self.refusalOfLeaf(leaf, isOwnIssuer: false) {
            return refusal
        }
        let verdict = self.authorize(
            TLSPeer(
                certificate: leaf, objections: [], trustAnchor: peer.trustAnchor, version: version,
                serverName: self.serverName))
        switch verdict {
        case .allowed, .allowedDespite: return nil
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
            serverName: self.serverName)
        switch self.authorize(peer) {
        case .allowed:
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

    /// The first reason in the order that ``TLSError/Code`` documents, when these do not count.
    private func refusal(
        _ leaf: PeerCertificate, _ trust: Trust, excusing excused: TLSObjections
    ) -> VerificationRules.Refusal? {
        if self.isTooLong {
            return .init(
                code: .chainTooLong, detail: "more than \(self.rules.chainDepthMax + 1) certificates",
                alert: .badCertificate)
        }
        var isOwnIssuer = false
        switch trust {
        case .anchored: break
        case .broken(let refusal): return refusal
        case .untrusted(let refusal):
            guard excused.contains(.untrusted) else { return refusal }
            isOwnIssuer = leaf.isSelfIssued
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
        return self.refusalOfLeaf(leaf, isOwnIssuer: isOwnIssuer)
    }

    /// What is said of the leaf by itself, apart from its dates and its key.
    private func refusalOfLeaf(_ leaf: PeerCertificate, isOwnIssuer: Bool) -> VerificationRules.Refusal? {
        if let address = self.expectedAddress, !leaf.subjectAlternativeNames.contains(.ip(address)) {
            return .init(code: .wrongName, detail: "not for the address of the server", alert: .badCertificate)
        }
        return self.rules.refusalByPolicy(leaf, isOwnIssuer: isOwnIssuer)
            ?? self.rules.refusalByUsage(leaf, isOwnIssuer: isOwnIssuer)
    }

    /// What the chain ends in.
    private enum Trust {
        /// A trust anchor.
        case anchored
        /// In a certificate that no anchor issued: refused, unless that is excused.
        case untrusted(VerificationRules.Refusal)
        /// In nothing that could be excused.
        case broken(VerificationRules.Refusal)
    }

    private func judgeTrust(_ leaf: PeerCertificate) -> Trust {
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

    private static let notTrusted = UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED)
    private static let expired = UInt32(FLEETGATE_CERTIFICATE_EXPIRED)

    /// The code for what mbedTLS itself has against a chain.
    static func refusal(for reasons: UInt32) -> VerificationRules.Refusal? {
        guard reasons != 0 else { return nil }
        let known: [(Int32, TLSError.Code, String, TLSAlert)] = [
            (FLEETGATE_CERTIFICATE_NOT_TRUSTED, .unknownCA, "no trust anchor issued it", .unknownCA),
            (FLEETGATE_CERTIFICATE_WEAK_DIGEST, .weakSignature, "signed with a weak digest", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM, .weakKey, "unacceptable algorithm", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_WEAK_KEY, .weakKey, "unacceptable key size or curve", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_REVOKED, .revoked, "revoked", .certificateRevoked),
            (FLEETGATE_CERTIFICATE_EXPIRED, .expired, "a certificate of the chain has expired", .certificateExpired),
            (
                FLEETGATE_CERTIFICATE_NOT_YET_VALID, .notYetValid, "a certificate of the chain is not valid yet",
                .certificateExpired
            ),
            (FLEETGATE_CERTIFICATE_WRONG_NAME, .wrongName, "not for the name of the server", .badCertificate),
            (
                FLEETGATE_CERTIFICATE_KEY_USAGE, .wrongKeyUsage, "key usage does not allow signatures",
                .unsupportedCertificate
            ),
            (
                FLEETGATE_CERTIFICATE_EXTENDED_KEY_USAGE, .wrongExtendedKeyUsage, "extended key usage does not fit",
                .unsupportedCertificate
            ),
        ]
        for (bit, code, detail, alert) in known where reasons & UInt32(bit) != 0 {
            return .init(code: code, detail: detail, alert: alert)
        }
        return nil
    }

    /// The reason that makes mbedTLS send that alert (`mbedtls_ssl_verify_certificate`).
    static func reason(choosing alert: TLSAlert) -> UInt32 {
        switch alert {
        case .badCertificate: UInt32(FLEETGATE_CERTIFICATE_WRONG_NAME)
        case .unsupportedCertificate: UInt32(FLEETGATE_CERTIFICATE_KEY_USAGE)
        case .certificateExpired: UInt32(FLEETGATE_CERTIFICATE_EXPIRED)
        case .certificateRevoked: UInt32(FLEETGATE_CERTIFICATE_REVOKED)
        case .unknownCA: UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED)
        case .certificateUnknown: UInt32(FLEETGATE_CERTIFICATE_NOT_YET_VALID)
        default: UInt32(FLEETGATE_CERTIFICATE_OTHER)
        }
    }

    /// The bytes of an IPv4 or IPv6 address in text form, or nil when the text is a name.
    static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return withUnsafeBytes(of: &four) { Array($0) }
        }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 {
            return withUnsafeBytes(of: &six) { Array($0) }
        }
        return nil
    }
}

@available(*, unavailable)
extension PeerVerification: Sendable {}
