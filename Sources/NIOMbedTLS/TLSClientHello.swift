/// What a client offered in its ClientHello (RFC 8446, section 4.1.2), as far as it could be read: for finding out why a
/// handshake failed. Nothing is decided by it. Lists are cut off at ``itemsMax``.
public struct TLSClientHello: Sendable, Hashable {
    /// Items kept of each list.
    public static let itemsMax = 64

    /// In wire form, as offered: 0x0304 is TLS 1.3. From supported_versions, or the one of the message itself.
    public let versions: [UInt16]
    /// IANA numbers, in the client's order.
    public let cipherSuites: [UInt16]
    public let namedGroups: [UInt16]
    public let signatureSchemes: [UInt16]
    /// SNI, if it was printable ASCII of at most 255 characters.
    public let serverName: String?
    /// ALPN, those of printable ASCII.
    public let applicationProtocols: [String]
    /// Whether it offered to resume a session.
    public let offersResumption: Bool

    public init(
        versions: [UInt16], cipherSuites: [UInt16], namedGroups: [UInt16], signatureSchemes: [UInt16],
        serverName: String?, applicationProtocols: [String], offersResumption: Bool
    ) {
        self.versions = versions
        self.cipherSuites = cipherSuites
        self.namedGroups = namedGroups
        self.signatureSchemes = signatureSchemes
        self.serverName = serverName
        self.applicationProtocols = applicationProtocols
        self.offersResumption = offersResumption
    }
}
