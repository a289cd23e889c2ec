/// The decision on a peer, taken inside the handshake, when verification has nothing against its chain or only what can
/// be excused (``TLSObjections``).
///
/// Called at most once for each connection, synchronously on its event loop, from inside mbedTLS: it must be quick, must
/// not wait, and must not touch the channel. An allowed peer has yet to prove that it holds its certificate's key:
/// ``TLSHandshakeCompleted`` says that it has.
///
/// A session that is to be resumed is judged like a new one, from the certificate it began with. On a server with a
/// ``TLSConfiguration/ticketKeys`` this happens when the client offers its ticket: denied, the ticket is passed over, and
/// the full handshake that follows asks again. There it is called up to three times for one connection, and the last
/// answer counts.
public typealias TLSAuthorize = (TLSPeer) -> TLSVerdict

/// What an authorization judges.
public struct TLSPeer: Sendable {
    /// The leaf.
    public let certificate: PeerCertificate
    /// What there is against the chain; mostly nothing.
    public let objections: TLSObjections
    /// The anchor that the chain ends in. Nil exactly when the objections contain ``TLSObjections/untrusted``.
    public let trustAnchor: TLSTrustAnchor?
    /// The version negotiated.
    public let version: TLSVersion
    /// Server: the host name that the client asked for (SNI), if it was printable ASCII; proves nothing. Nil on a
    /// client.
    public let serverName: String?
    /// The certificates of the chain below the anchor, the leaf first: empty exactly when there is no anchor.
    public let chain: [TLSChainLink]
    /// A session that is to be resumed: what its ticket was bound to (``TLSVerdict/allowedBound(to:)``), empty for
    /// nothing. Nil in a full handshake.
    public let ticketBinding: [UInt8]?

    public init(
        certificate: PeerCertificate,
        objections: TLSObjections,
        trustAnchor: TLSTrustAnchor?,
        version: TLSVersion,
        serverName: String?,
        chain: [TLSChainLink] = [],
        ticketBinding: [UInt8]? = nil
    ) {
        self.chain = chain
        self.ticketBinding = ticketBinding
        self.certificate = certificate
        self.objections = objections
        self.trustAnchor = trustAnchor
        self.version = version
        self.serverName = serverName
    }
}

/// What a ``TLSAuthorize`` decides.
public enum TLSVerdict: Sendable, Hashable {
    /// Let in. Excuses nothing: with objections the chain is refused for the first of them.
    case allowed
    /// As ``allowed``, and a ticket of the session carries these bytes, at most ``bindingBytesMax``, to the
    /// judgement of whoever brings it back. Nil, or more bytes: it gets no ticket.
    case allowedBound(to: [UInt8]?)
    /// Let in although there are objections. The chain is refused for the first that is not among these.
    case allowedDespite(TLSObjections)
    /// Refused: the peer gets the alert, ``TLSError/deniedCode`` the code. With objections the first of them chooses
    /// the alert and ``TLSError/code``.
    case denied(code: String, alert: TLSDenialAlert)
}

extension TLSVerdict {
    /// The longest binding that a ticket holds, in bytes: a digest of any kind.
    public static let bindingBytesMax = 64

    /// What a ticket is bound to: empty for nothing, nil when there is to be none.
    var ticketBinding: [UInt8]? {
        switch self {
        case .allowed, .allowedDespite: []
        case .allowedBound(let binding): binding
        case .denied: nil
        }
    }
}

/// The alerts that a refusal can send.
public enum TLSDenialAlert: Sendable, Hashable, CaseIterable {
    /// A valid certificate, but no access for it. The error's code is `access-denied`.
    case accessDenied
    /// The error's code is `revoked`.
    case certificateRevoked
    /// Unacceptable for a reason that is not told. The error's code is `access-denied`.
    case certificateUnknown
    /// No longer valid by rules other than its own dates. The error's code is `access-denied`.
    case certificateExpired

    var alert: TLSAlert {
        switch self {
        case .accessDenied: .accessDenied
        case .certificateRevoked: .certificateRevoked
        case .certificateUnknown: .certificateUnknown
        case .certificateExpired: .certificateExpired
        }
    }

    var errorCode: TLSError.Code {
        switch self {
        case .certificateRevoked: .revoked
        case .accessDenied, .certificateUnknown, .certificateExpired: .accessDenied
        }
    }
}

/// Which name a client checks the server's certificate against.
public enum TLSServerName: Sendable, Hashable {
    /// A DNS name, sent in SNI and checked against the certificate's dNSName entries; or an IPv4 or IPv6 address in
    /// text form, which is not sent and checked against its iPAddress entries.
    case verified(String)
    /// Only the chain is verified: any certificate that the trust anchors issued is accepted, whoever it is for. For
    /// tests and for networks in which the anchor issues nothing but this server's certificate.
    case unverifiedName
}
