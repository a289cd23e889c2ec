public import FleetPolicy
public import NIOCore
public import NIOMbedTLS

/// What of the gateway is fixed for its whole run.
public struct GatewayConfiguration: Sendable {
    /// The address devices connect to.
    public var listenAddress: SocketAddress
    /// The broker of every profile that names no other.
    public var upstream: UpstreamConfiguration
    /// Brokers that profiles can name, by their names.
    public var upstreams: [String: UpstreamConfiguration]
    public var limits: GatewayLimits
    /// Event loops, each a thread with a listener, a TLS context and sessions of its own; at least 1.
    public var eventLoops: Int
    /// What profiles call this listener.
    public var listenerName: String
    /// Who is asked about registrations and passwords. Nil: whatever needs an answer is refused.
    public var authority: (any AdmissionAuthority)?

    public init(
        listenAddress: SocketAddress, upstream: UpstreamConfiguration,
        upstreams: [String: UpstreamConfiguration] = [:], limits: GatewayLimits = GatewayLimits(), eventLoops: Int,
        listenerName: String = "default", authority: (any AdmissionAuthority)? = nil
    ) {
        self.listenAddress = listenAddress
        self.upstream = upstream
        self.upstreams = upstreams
        self.limits = limits
        self.eventLoops = max(1, eventLoops)
        self.listenerName = listenerName
        self.authority = authority
    }
}

/// What of the gateway can change while it runs: a whole that is validated, and replaced, as a whole.
public struct GatewaySnapshot: Sendable {
    /// The server's certificate and key, and the trust anchors for devices.
    public var tls: TLSConfiguration
    /// The profiles and the registered devices.
    public var policy: PolicySnapshot

    public init(tls: TLSConfiguration, policy: PolicySnapshot) {
        self.tls = tls
        self.policy = policy
    }
}
