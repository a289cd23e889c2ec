public import FleetPolicy
public import NIOCore
public import NIOMbedTLS

/// One of the addresses that devices connect to.
public struct ListenerConfiguration: Sendable, Hashable {
    /// What profiles, logs and tickets call it. No two listeners have the same.
    public var name: String
    public var address: SocketAddress

    public init(name: String, address: SocketAddress) {
        self.name = name
        self.address = address
    }
}

/// What of the gateway is fixed for its whole run.
public struct GatewayConfiguration: Sendable {
    /// Where devices connect to; at least one, at most ``listenersMax``.
    public var listeners: [ListenerConfiguration]
    /// The broker of every profile that names no other.
    public var upstream: UpstreamConfiguration
    /// Brokers that profiles can name, by their names.
    public var upstreams: [String: UpstreamConfiguration]
    public var limits: GatewayLimits
    /// Event loops, each a thread with listeners, TLS contexts and sessions of its own; at least 1.
    public var eventLoops: Int
    /// Who is asked about registrations, passwords and revocation. Nil: whatever needs an answer is refused.
    public var authority: (any AdmissionAuthority)?
    /// Closed by the control plane when no new session may begin.
    public var gate: AdmissionGate
    /// Whether connections are refused from the loss of an event on, until there is room for events again: what is not
    /// written down must not happen.
    public var closesGateOnLostEvents: Bool

    /// Listeners at most. Each has a TLS context on every event loop.
    public static let listenersMax = 64

    public init(
        listeners: [ListenerConfiguration], upstream: UpstreamConfiguration,
        upstreams: [String: UpstreamConfiguration] = [:], limits: GatewayLimits = GatewayLimits(), eventLoops: Int,
        authority: (any AdmissionAuthority)? = nil, gate: AdmissionGate = AdmissionGate(),
        closesGateOnLostEvents: Bool = false
    ) {
        self.listeners = listeners
        self.upstream = upstream
        self.upstreams = upstreams
        self.limits = limits
        self.eventLoops = max(1, eventLoops)
        self.authority = authority
        self.gate = gate
        self.closesGateOnLostEvents = closesGateOnLostEvents
    }
}

/// What of the gateway can change while it runs: a whole that is validated, and replaced, as a whole.
public struct GatewaySnapshot: Sendable {
    /// The server's certificate and key, and the trust anchors for devices, by the listener's name.
    public var tls: [String: TLSConfiguration]
    /// The profiles, the registered devices, and what is known against certificates.
    public var policy: PolicySnapshot

    public init(tls: [String: TLSConfiguration], policy: PolicySnapshot) {
        self.tls = tls
        self.policy = policy
    }
}

/// The listeners cannot be as they were asked for. The operator's fault.
public struct ListenerError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no listener, or there are more than ``GatewayConfiguration/listenersMax``.
        case listenerCount = "listener-count"
        /// Two listeners have one name.
        case duplicateListener = "duplicate-listener"
        /// Two listeners have one address and port.
        case sharedAddress = "shared-address"
        /// A listener has no TLS settings.
        case listenerWithoutTLS = "listener-without-tls"
    }

    public let code: Code
    /// For people: which listeners.
    public let detail: String

    public var description: String { "\(self.code.rawValue): \(self.detail)" }
}

extension GatewayConfiguration {
    /// - Throws: ``ListenerError`` for the first thing that is wrong with the listeners.
    func checkListeners() throws(ListenerError) {
        guard (1...Self.listenersMax).contains(self.listeners.count) else {
            throw ListenerError(
                code: .listenerCount,
                detail: "there are \(self.listeners.count) listeners, and 1 to \(Self.listenersMax) can be")
        }
        var names: Set<String> = []
        var addresses: [SocketAddress: String] = [:]
        for listener in self.listeners {
            guard names.insert(listener.name).inserted else {
                throw ListenerError(code: .duplicateListener, detail: "two listeners are called \(listener.name)")
            }
            // The system gives each listener that leaves the port to it one of its own.
            guard listener.address.port != 0 else { continue }
            if let other = addresses.updateValue(listener.name, forKey: listener.address) {
                throw ListenerError(
                    code: .sharedAddress,
                    detail: "\(other) and \(listener.name) both listen on \(listener.address.hostAndPort)")
            }
        }
    }
}
