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
