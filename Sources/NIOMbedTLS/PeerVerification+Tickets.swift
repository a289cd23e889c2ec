// What C asks of a server about its tickets, by way of ``TLSCallbacks``. Whatever is not as it must be means that there
// is no ticket, or that the one offered is passed over: a full handshake follows, which judges everything.

internal import CMbedTLS

/// What a server's connections need for tickets, the same for all of one context.
struct TicketIssue {
    /// The first one seals.
    let keys: [TLSTicketKey]
    /// Sealed with each ticket.
    let scope: [UInt8]
    let random: RandomSource
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    /// Opens a ticket in place with the key that it names.
    func open(_ ticket: UnsafeMutableRawBufferPointer) -> (TLSTicketKey, Range<Int>)? {
        guard let identifier = TLSTicketKey.identifier(of: ticket),
            let key = self.keys.first(where: { $0.identifier.elementsEqual(identifier) }),
            let range = key.open(ticket, scope: self.scope)
        else { return nil }
        return (key, range)
    }
}

/// The client of a ticket that may be resumed: judged, but yet to prove that it knows the session's secret.
struct TicketHolder {
    let peer: VerifiedPeer
    let version: TLSVersion
    let serverName: String?
    /// Seconds since 1970: when resuming ends, whatever is renewed.
    let endsAt: Int64
}

extension PeerVerification {
    /// A ticket for the client of this handshake, which is complete but for it.
    ///
    /// - Parameter isResumed: whether the handshake was a short one, so that this ticket takes the place of the one
    ///   offered and lives no longer than it.
    /// - Returns: how many bytes of `ticket` it takes, and for how many seconds it is good. Nil when there is none.
    func writeTicket(
        _ session: UnsafeRawBufferPointer, isResumed: Bool, version: TLSVersion?,
        into ticket: UnsafeMutableRawBufferPointer
    ) -> (length: Int, lifetime: UInt32)? {
        guard let issue = self.tickets, let key = issue.keys.first, let version, let binding = self.ticketBinding
        else { return nil }
        let now = issue.now()
        let holder = self.ticketHolder
        guard let peer = isResumed ? holder?.peer : self.verifiedPeer(at: now) else { return nil }
        var end = min(peer.verifiedAt + key.lifetime, peer.notAfter)
        if isResumed, let holder {
            end = min(end, holder.endsAt)
        }
        guard end > now, let lifetime = UInt32(exactly: end - now),
            var content = SessionTicket.content(
                peer, version: version, endsAt: end, serverName: self.serverName, binding: binding, session: session)
        else { return nil }
        defer { content.withUnsafeMutableBytes { fleetgate_wipe($0.baseAddress, $0.count) } }
        guard let sealed = key.seal(content, scope: issue.scope, random: issue.random),
            sealed.count <= min(ticket.count, TLSLimits.ticketBytesMax)
        else { return nil }
        ticket.copyBytes(from: sealed)
        return (sealed.count, lifetime)
    }

    /// Opens a ticket in place and judges its client anew: the dates of its chain, the rules of this context, and what
    /// the authorization says today.
    ///
    /// - Returns: where mbedTLS's session is in `ticket`, or nil when it must not be resumed.
    func readTicket(_ ticket: UnsafeMutableRawBufferPointer, version: TLSVersion?) -> Range<Int>? {
        // Of the tickets offered only the last one read can be resumed: mbedTLS reads none after the one it takes.
        self.ticketHolder = nil
        guard let issue = self.tickets, let version, ticket.count <= TLSLimits.ticketBytesMax,
            self.ticketsJudged < TLSLimits.ticketsJudgedMax, let (key, range) = issue.open(ticket)
        else { return nil }
        self.ticketsJudged += 1
        let now = issue.now()
        guard let content = SessionTicket(UnsafeRawBufferPointer(rebasing: ticket[range])),
            content.version == version, content.serverName == self.serverName, content.verifiedAt <= now,
            // A lifetime that was shortened counts for tickets that are out.
            now < content.endsAt, now - content.verifiedAt < key.lifetime,
            let anchor = self.rules.anchors.first(where: {
                $0.value.sha256Fingerprint == content.anchorFingerprint
            })
        else { return nil }
        let peer = VerifiedPeer(
            certificate: content.leaf, trustAnchor: anchor.value, links: content.links, strength: content.strength,
            verifiedAt: content.verifiedAt, notAfter: content.notAfter)
        guard self.judgeAgain(peer, version: version, now: now, binding: content.binding) == nil else { return nil }
        self.ticketHolder = TicketHolder(
            peer: peer, version: version, serverName: content.serverName, endsAt: content.endsAt)
        return range.lowerBound + content.session.lowerBound..<range.lowerBound + content.session.upperBound
    }
}
