internal import NIOMbedTLS

/// One event loop's connectors, one for each broker of the configuration.
struct UpstreamConnectors {
    let standard: UpstreamConnector
    let named: [String: UpstreamConnector]

    /// What the gateway authenticates itself with at each of them.
    let credentials: SessionStateMachine.Upstreams

    init(standard: UpstreamConnector, named: [String: UpstreamConnector] = [:]) {
        self.standard = standard
        self.named = named
        self.credentials = SessionStateMachine.Upstreams(
            standard: standard.credentials, named: named.mapValues(\.credentials))
    }

    /// The connector of a name; nil names the default one. Nil when there is none of that name.
    subscript(name: String?) -> UpstreamConnector? {
        guard let name else { return self.standard }
        return self.named[name]
    }
}

@available(*, unavailable) extension UpstreamConnectors: Sendable {}

/// The TLS contexts of one event loop: the listener's, and one for each broker that is reached over TLS.
struct LoopContexts: Sendable {
    let server: TLSContext
    let standard: TLSContext?
    let named: [String: TLSContext]

    /// - Throws: `TLSConfigurationError` with every problem of the first settings that have one.
    init(server: TLSConfiguration, _ configuration: GatewayConfiguration) throws(TLSConfigurationError) {
        self.server = try TLSContext(server)
        self.standard =
            if let tls = configuration.upstream.tls { try TLSContext(tls) } else { nil }
        var named: [String: TLSContext] = [:]
        for (name, upstream) in configuration.upstreams {
            if let tls = upstream.tls { named[name] = try TLSContext(tls) }
        }
        self.named = named
    }
}
