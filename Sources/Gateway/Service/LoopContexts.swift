internal import FleetPolicy
internal import NIOCore
internal import NIOMbedTLS

/// The TLS contexts of one event loop for devices: one for each listener, in the order of the configuration.
struct ListenerContexts: Sendable {
    let all: [TLSContext]
    /// The CAs that the contexts know, by what revocation calls them.
    let authorities: [AuthorityID: KnownAuthority]
    /// In seconds, by listener.
    let clockSkew: [String: Int64]

    /// Parses and checks everything. Takes milliseconds: not for an event loop.
    ///
    /// - Parameters:
    ///   - settings: by listener; what names no scope for its tickets gets the listener's name as one, so that a ticket
    ///     of one listener is worth nothing at another.
    ///   - ticketKeys: instead of those in the settings; nil: those.
    ///   - before: what the loop has until now; the generator is shared, and anchors that stay the same.
    /// - Throws: ``ListenerError``, or `TLSConfigurationError` with every problem of the first settings that have one.
    init(
        _ listeners: [ListenerConfiguration], _ settings: [String: TLSConfiguration], ticketKeys: [TLSTicketKey]?,
        before: ListenerContexts? = nil
    ) throws {
        var contexts: [TLSContext] = []
        var clockSkew: [String: Int64] = [:]
        for (index, listener) in listeners.enumerated() {
            guard var tls = settings[listener.name] else {
                throw ListenerError(
                    code: .listenerWithoutTLS, detail: "there are no TLS settings for the listener \(listener.name)")
            }
            if let ticketKeys { tls.ticketKeys = ticketKeys }
            if tls.ticketScope.isEmpty { tls.ticketScope = listener.name }
            clockSkew[listener.name] = max(0, tls.clockSkew.nanoseconds / 1_000_000_000)
            contexts.append(try TLSContext(tls, sharing: before?.all[index] ?? contexts.first))
        }
        self.all = contexts
        self.clockSkew = clockSkew
        self.authorities = Self.authorities(of: contexts)
    }

    private static func authorities(of contexts: [TLSContext]) -> [AuthorityID: KnownAuthority] {
        var known: [AuthorityID: KnownAuthority] = [:]
        for certificate in contexts.flatMap(\.authorities) {
            guard let id = AuthorityID(certificate.authorityID) else { continue }
            // Of several certificates of one CA's one key, the one that lasts longest.
            if let other = known[id], other.notAfter >= certificate.notAfter { continue }
            known[id] = KnownAuthority(certificate)
        }
        return known
    }
}

/// A CA's certificate, as far as it is needed beyond a handshake.
struct KnownAuthority: Sendable {
    let der: [UInt8]
    /// Seconds since 1970.
    let notAfter: Int64

    init(_ certificate: PeerCertificate) {
        self.der = certificate.der
        self.notAfter = certificate.notAfter
    }
}

/// The TLS contexts of one event loop: the listeners', and one for each broker that is reached over TLS.
struct LoopContexts: Sendable {
    let listeners: ListenerContexts
    let standard: TLSContext?
    let named: [String: TLSContext]

    /// - Throws: as ``ListenerContexts``.
    init(_ listeners: ListenerContexts, _ configuration: GatewayConfiguration) throws(TLSConfigurationError) {
        self.listeners = listeners
        self.standard =
            if let tls = configuration.upstream.tls { try TLSContext(tls) } else { nil }
        var named: [String: TLSContext] = [:]
        for (name, upstream) in configuration.upstreams {
            if let tls = upstream.tls { named[name] = try TLSContext(tls) }
        }
        self.named = named
    }
}
