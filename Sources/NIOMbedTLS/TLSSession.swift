/// What a client keeps of a connection to resume it: an opaque, bounded value that holds secrets. Never printed, never
/// logged.
///
/// It is of use only with the server name and the trust anchors that its server was verified with, at most for
/// ``TLSLimits/sessionSecondsMax``, and as long as the server's chain is valid. Offered in any other case, it is passed
/// over, and there is a full handshake. It carries the certificate that the server was verified by, because a resumed
/// handshake shows none (RFC 8446 section 2.2, RFC 5077).
///
/// A session also fixes the version of TLS: a server that has lost that version refuses the connection (RFC 8446,
/// section 4.1.3), so whoever fails to connect with a session tries again without.
public struct TLSSession: Sendable, CustomStringConvertible, CustomReflectable {
    public let version: TLSVersion
    /// What the server was verified to be in the full handshake this session began with.
    let peer: VerifiedPeer
    /// The name that handshake was for.
    let serverName: TLSServerName
    /// The anchors it was verified under (``TrustStore/digest``).
    let trustAnchorsDigest: [UInt8]
    /// mbedTLS's own form (`mbedtls_ssl_session_save`), at most ``TLSLimits/sessionBytesMax``.
    let serialized: [UInt8]

    /// The server's leaf certificate, as verified in the full handshake this session began with.
    public var peerCertificate: PeerCertificate { self.peer.certificate }

    public var description: String { "TLSSession(\(self.version))" }
    /// Without children, so that no dump shows the secrets.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Fired on a client's channel as a user inbound event when there is a session to keep: at the end of a TLS 1.2
/// handshake, or when a TLS 1.3 server sent a ticket, which may be at any time after it, or never. Only with
/// ``TLSConfiguration/keepsSessions``, and not when the authorization excused anything (``TLSObjections``). The newest
/// replaces those before.
public struct TLSSessionAvailable: Sendable {
    public let session: TLSSession
}

/// A peer as a full handshake verified it: all that a resumed one knows of it.
struct VerifiedPeer: Sendable {
    let certificate: PeerCertificate
    /// The anchor that the chain ended in.
    let trustAnchor: TLSTrustAnchor
    /// The certificates below it, the leaf first, without those who issued them.
    let links: [TLSChainLink]
    let strength: ChainStrength
    /// Seconds since 1970, when the full handshake was complete.
    let verifiedAt: Int64
    /// Seconds since 1970: the earliest notAfter of the whole chain.
    let notAfter: Int64
}

extension TLSSession {
    /// What the sessions of one connection have in common.
    struct Origin {
        let serverName: TLSServerName
        /// Nil as long as nobody was verified, and for a server that was let in by an excuse.
        var peer: VerifiedPeer?
    }
}

extension TLSContext {
    /// Whether a client may offer this session for a connection to a server of that name. What says no here is not an
    /// error: the handshake is a full one then.
    func mayOffer(_ session: TLSSession, to serverName: TLSServerName) -> Bool {
        let now = self.now()
        let peer = session.peer
        return self.keepsSessions && session.serverName == serverName
            && session.trustAnchorsDigest == self.trust.digest && self.versions.contains(session.version)
            && (peer.verifiedAt...peer.verifiedAt + TLSLimits.sessionSecondsMax).contains(now)
            && (peer.certificate.notBefore...max(peer.certificate.notBefore, peer.notAfter)).contains(now)
    }
}
