public import NIOCore

/// Settings for TLS on one side. Only values: nothing is parsed before ``TLSContext/init(_:)``.
public struct TLSConfiguration: Sendable {
    /// Which side of the handshake.
    public enum Role: Sendable, Hashable {
        case server
        case client
    }

    public var role: Role
    /// The certificate to present, leaf first, then intermediates. A server must have one, a client may.
    public var certificateChainPEM: [UInt8]
    /// The key of the leaf: PKCS#8, SEC 1 or PKCS#1, plain or encrypted. Secret.
    public var privateKeyPEM: [UInt8]
    /// What ``privateKeyPEM`` is encrypted with, when it is. Secret.
    public var privateKeyPassphrase: [UInt8]?
    /// The certificates that a peer's chain must end in. Required on both sides: a peer is always verified.
    public var trustAnchorsPEM: [UInt8]
    /// The lowest and the highest version offered.
    public var versions: ClosedRange<TLSVersion>
    /// In order of preference. Suites of a version that is not offered are left out.
    public var cipherSuites: [TLSCipherSuite]
    /// In order of preference.
    public var namedGroups: [TLSNamedGroup]
    /// ALPN, in order of preference; empty for none. A peer that sends no ALPN at all is accepted; one that sends only
    /// others is refused, as RFC 7301 demands of a server.
    public var applicationProtocols: [String]
    /// From the channel becoming active to the end of the handshake. Slow radio (NB-IoT) and P-256 in software on a
    /// small core need tens of seconds.
    public var handshakeTimeout: TimeAmount
    /// How long to wait, after our close_notify, for the peer's and for what we sent to leave.
    public var closeTimeout: TimeAmount
    /// Server: whether a client's certificate must name clientAuth as extended key usage. Absence of the extension and
    /// anyExtendedKeyUsage alone do not count.
    public var requiresClientAuthExtendedKeyUsage: Bool
    /// Server: whether the request for a certificate lists the names of the trust anchors, which makes every handshake
    /// larger and is only of use to clients that choose among several certificates.
    public var sendsCertificateAuthorities: Bool
    /// Client: the record size to ask the server for.
    public var maximumFragmentLength: MaximumFragmentLength?
    /// Client: ask for session tickets, and hand the sessions out (``TLSSessionAvailable``).
    public var keepsSessions: Bool
    /// Server: give clients tickets that are sealed with the first of these keys, and resume the sessions of those that
    /// bring one back sealed with any (RFC 5077, RFC 8446 section 2.2). Empty for full handshakes only. See
    /// ``TLSAuthorize`` on who judges them.
    public var ticketKeys: [TLSTicketKey]
    /// Server: part of what tickets are sealed for, so that servers of one key but another scope, such as another
    /// listener's, do not resume them.
    public var ticketScope: String
    /// Server: rules for the chains of single anchors, by the SHA-256 fingerprint of the anchor's certificate. An anchor
    /// that is not in it has ``requiresClientAuthExtendedKeyUsage`` and else the defaults.
    public var anchorRules: [[UInt8]: TLSAnchorRules]
    /// Server: CA certificates for clients that do not send those between their own and the anchor. They are trusted no
    /// more than if the client had sent them.
    public var intermediatesPEM: [UInt8]
    /// How far the peer's idea of time may differ: certificates of its chain count as valid that long before notBefore and
    /// after notAfter. Between 0 and one day.
    public var clockSkew: TimeAmount
    /// What a peer's leaf certificate must be beside trusted.
    public var leafPolicy: TLSLeafPolicy
    public var limits: TLSLimits

    public init(
        role: Role,
        certificateChainPEM: [UInt8] = [],
        privateKeyPEM: [UInt8] = [],
        privateKeyPassphrase: [UInt8]? = nil,
        trustAnchorsPEM: [UInt8],
        versions: ClosedRange<TLSVersion> = .v1_2...TLSVersion.highestSupported,
        cipherSuites: [TLSCipherSuite] = TLSCipherSuite.all,
        namedGroups: [TLSNamedGroup] = TLSNamedGroup.defaults,
        applicationProtocols: [String] = ["mqtt"],
        handshakeTimeout: TimeAmount = .seconds(30),
        closeTimeout: TimeAmount = .seconds(5),
        requiresClientAuthExtendedKeyUsage: Bool = true,
        sendsCertificateAuthorities: Bool = false,
        maximumFragmentLength: MaximumFragmentLength? = nil,
        keepsSessions: Bool = false,
        ticketKeys: [TLSTicketKey] = [],
        ticketScope: String = "",
        anchorRules: [[UInt8]: TLSAnchorRules] = [:],
        intermediatesPEM: [UInt8] = [],
        clockSkew: TimeAmount = .zero,
        leafPolicy: TLSLeafPolicy = .init(),
        limits: TLSLimits = .init()
    ) {
        self.role = role
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.privateKeyPassphrase = privateKeyPassphrase
        self.trustAnchorsPEM = trustAnchorsPEM
        self.versions = versions
        self.cipherSuites = cipherSuites
        self.namedGroups = namedGroups
        self.applicationProtocols = applicationProtocols
        self.handshakeTimeout = handshakeTimeout
        self.closeTimeout = closeTimeout
        self.requiresClientAuthExtendedKeyUsage = requiresClientAuthExtendedKeyUsage
        self.sendsCertificateAuthorities = sendsCertificateAuthorities
        self.maximumFragmentLength = maximumFragmentLength
        self.keepsSessions = keepsSessions
        self.ticketKeys = ticketKeys
        self.ticketScope = ticketScope
        self.anchorRules = anchorRules
        self.intermediatesPEM = intermediatesPEM
        self.clockSkew = clockSkew
        self.leafPolicy = leafPolicy
        self.limits = limits
    }
}

extension TLSConfiguration {
    /// ``clockSkew`` as certificates' dates are told.
    var clockSkewSeconds: Int64 { self.clockSkew.nanoseconds / 1_000_000_000 }
}

/// What a peer's leaf certificate must be, beyond what mbedTLS asks (which accepts all of these).
public struct TLSLeafPolicy: Sendable, Hashable {
    /// Refuse X.509 version 1 and 2 leaves (`not-v3`): they have no extensions, so nothing says what they are for.
    public var refusesOldVersions: Bool
    /// Refuse a leaf that is a CA certificate or may sign certificates (`leaf-is-ca`): a stolen CA is not a device.
    public var refusesCertificateAuthorities: Bool
    /// Refuse serial numbers that are zero, negative or longer than 20 octets (`bad-serial`; RFC 5280, 4.1.2.2): a
    /// revocation list may not be able to name them.
    public var refusesBadSerialNumbers: Bool
    /// Refuse keys, anywhere in the chain, of RSA below 2048 bits or on curves below 256 bits (`weak-key`).
    public var refusesWeakKeys: Bool

    public init(
        refusesOldVersions: Bool = true,
        refusesCertificateAuthorities: Bool = true,
        refusesBadSerialNumbers: Bool = true,
        refusesWeakKeys: Bool = true
    ) {
        self.refusesOldVersions = refusesOldVersions
        self.refusesCertificateAuthorities = refusesCertificateAuthorities
        self.refusesBadSerialNumbers = refusesBadSerialNumbers
        self.refusesWeakKeys = refusesWeakKeys
    }
}

/// Bounds on what one connection may cost. mbedTLS itself adds two buffers of about 16 KiB for each.
public struct TLSLimits: Sendable, Hashable {
    /// Ciphertext taken from the peer before the handshake is complete. The largest honest handshake is one message of
    /// 16 KiB with a chain of certificates, and some small ones.
    public var handshakeBytesInMax: Int
    /// Ciphertext produced before the handshake is complete.
    public var handshakeBytesOutMax: Int
    /// Plaintext of ours held back until the handshake is complete.
    public var plaintextHeldMax: Int
    /// The depth of the highest certificate: the leaf has 0, an anchor that signed it 1. mbedTLS's own bound is 9.
    public var chainDepthMax: Int

    public init(
        handshakeBytesInMax: Int = 65_536,
        handshakeBytesOutMax: Int = 65_536,
        plaintextHeldMax: Int = 262_144,
        chainDepthMax: Int = 4
    ) {
        self.handshakeBytesInMax = handshakeBytesInMax
        self.handshakeBytesOutMax = handshakeBytesOutMax
        self.plaintextHeldMax = plaintextHeldMax
        self.chainDepthMax = chainDepthMax
    }

    /// The largest certificate that mbedTLS can take: it must fit into one handshake message.
    static let certificateBytesMax = 16_384
    /// A certificate's identity: all of the certificate but key and signature, and two digests.
    public static let identityBytesMax = 16_640
    /// Certificates read from a message that was refused, to tell of them: as many as mbedTLS goes through, and one more.
    static let presentedCertificatesMax = 11
    /// Certificates read from one file: more than any chain or set of anchors needs.
    static let certificatesInFileMax = 64
    /// A file of that many certificates, each as large as can be and in base64, with some text.
    static let certificateFileBytesMax = 2_097_152
    /// A ticket of ours: the leaf, which makes up most of it, is seldom larger than 2 KiB, and clients must send it in one
    /// message. Clients with larger ones always have full handshakes.
    static let ticketBytesMax = 8_192
    /// Authentic tickets that one connection has judged, of any number that it may offer: one, and once more after a
    /// HelloRetryRequest (RFC 8446, section 4.1.4).
    static let ticketsJudgedMax = 2
    /// A session that a client keeps: a ticket of one full handshake message, with what mbedTLS keeps beside it.
    static let sessionBytesMax = 20_480
    /// How long a client goes on resuming after the full handshake that verified its server, in seconds: one day, as
    /// long as RFC 5077, section 5.6, lets a key of tickets live. Later tickets do not prolong it.
    static let sessionSecondsMax: Int64 = 86_400
    /// Ciphertext collected before it is handed on while a large write is being encrypted: bounds the copy, and lets
    /// the first records leave early.
    static let ciphertextChunkBytes = 262_144
    /// A record that holds an alert (RFC 8446, 5.1 and 6), with what any cipher suite adds to it.
    static let alertBytesMax = 64
    /// Ciphertext that mbedTLS may produce between two flushes: a chunk, one record, and answers to one batch of input.
    static let ciphertextHeldMax = 1_048_576
}
