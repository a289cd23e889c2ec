/// The decision on a peer whose chain has otherwise been verified, taken inside the handshake.
///
/// Called once for each connection, synchronously on its event loop, from inside mbedTLS: it must be quick, must not
/// wait, and must not touch the channel.
public typealias TLSAuthorize = (PeerCertificate) -> TLSVerdict

/// What a ``TLSAuthorize`` decides.
public enum TLSVerdict: Sendable, Hashable {
    case allowed
    /// Refused: the peer gets the alert, ``TLSError/deniedCode`` the code.
    case denied(code: String, alert: TLSDenialAlert)
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
