/// Fired as a user inbound event when a handshake is complete: the peer is verified and allowed. Plaintext follows it,
/// never precedes it.
public struct TLSHandshakeCompleted: Sendable, Hashable {
    /// The peer's leaf certificate. There always is one: a connection without is refused.
    public let peerCertificate: PeerCertificate
    public let version: TLSVersion
    /// IANA name, such as `TLS_AES_128_GCM_SHA256`.
    public let cipherSuite: String
    /// The application protocol agreed on (ALPN), when one was.
    public let applicationProtocol: String?
    /// The host name that the client asked for (SNI). On a server this is what the client sent, if it was printable
    /// ASCII, and proves nothing.
    public let serverName: String?
    /// Ciphertext of the handshake, received and sent, in bytes.
    public let handshakeBytesIn: Int
    public let handshakeBytesOut: Int
    /// Whether an earlier session was resumed: the peer proved nothing but that it is the same as then.
    public let isResumed: Bool

    public init(
        peerCertificate: PeerCertificate,
        version: TLSVersion,
        cipherSuite: String,
        applicationProtocol: String?,
        serverName: String?,
        handshakeBytesIn: Int,
        handshakeBytesOut: Int,
        isResumed: Bool = false
    ) {
        self.peerCertificate = peerCertificate
        self.version = version
        self.cipherSuite = cipherSuite
        self.applicationProtocol = applicationProtocol
        self.serverName = serverName
        self.handshakeBytesIn = handshakeBytesIn
        self.handshakeBytesOut = handshakeBytesOut
        self.isResumed = isResumed
    }
}
