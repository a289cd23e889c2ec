public import Logging
internal import NIOConcurrencyHelpers
public import NIOCore
internal import NIOMbedTLS
internal import NIOPosix
public import ServiceLifecycle

/// The gateway: listens, and carries every admitted device's session until it is shut down.
///
/// Each event loop has a socket of its own for each listener (`SO_REUSEPORT`), so that a connection is accepted,
/// handshaken and carried on one thread and never handed over.
public final class GatewayService: Service, Sendable {
    /// Connections waiting for accept, for each listener: what arrives in a storm while one loop is busy for a second.
    private static let backlog = 4_096
    /// Accepted connections in one wake-up of a loop; between wake-ups established devices are served. A connection costs
    /// some 0.1 ms before its first byte.
    private static let acceptsPerWakeUp: UInt = 2

    /// How long the first connection to the broker may take before devices are admitted without it.
    private static let upstreamPatience = TimeAmount.seconds(5)

    /// What happens on the data plane, in bounded number: consume it, or events are counted as dropped.
    public var events: GatewayEvents { self.eventSink.events }

    /// Events that found ``events`` full since the start, and are gone.
    public var eventsLost: Int { self.eventSink.lostCount }

    let configuration: GatewayConfiguration
    private let group: MultiThreadedEventLoopGroup
    let shards: [NIOLoopBoundBox<LoopShard>]
    private let counts: ConnectionCounts
    private let eventSink: EventSink
    private let logger: Logger
    /// Which listener each belongs to, by its number, and in this order.
    private let listeners = NIOLockedValueBox<[(listener: Int, channel: any Channel)]>([])
    let settings: NIOLockedValueBox<ListenerSettings>
    let changes = ChangesInTurn()

    /// Makes the event loops and their TLS contexts; nothing listens yet.
    ///
    /// - Throws: `TLSConfigurationError` with every problem of the TLS settings, or ``ListenerError``.
    public init(configuration: GatewayConfiguration, snapshot: GatewaySnapshot, logger: Logger) throws {
        try configuration.checkListeners()
        var contexts: [LoopContexts] = []
        for _ in 0..<configuration.eventLoops {
            contexts.append(
                try LoopContexts(
                    ListenerContexts(configuration.listeners, snapshot.tls, ticketKeys: nil), configuration))
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        let counts = ConnectionCounts()
        let connectionIDs = ConnectionIDs()
        let eventSink = EventSink()
        self.configuration = configuration
        self.group = group
        self.counts = counts
        self.eventSink = eventSink
        self.logger = logger
        self.settings = NIOLockedValueBox(
            ListenerSettings(tls: snapshot.tls, ticketKeys: nil, contexts: contexts.map(\.listeners)))
        self.shards = zip(group.makeIterator(), contexts).enumerated().map { index, loop in
            let (eventLoop, contexts) = loop
            let shard = LoopShard(
                index: index, eventLoop: eventLoop, configuration: configuration, contexts: contexts,
                policy: snapshot.policy, counts: counts, events: eventSink, connectionIDs: connectionIDs
            )
            return NIOLoopBoundBox.makeBoxSendingValue(shard, eventLoop: eventLoop)
        }
    }

    /// The address of the first listener, with the port the system chose where none was given; `nil` before it listens.
    public var listeningAddress: SocketAddress? {
        self.listeners.withLockedValue { $0.first?.channel.localAddress }
    }

    /// The addresses of the listeners that listen, by name.
    public var listeningAddresses: [String: SocketAddress] {
        self.listeners.withLockedValue { listeners in
            listeners.reduce(into: [:]) { addresses, entry in
                guard let address = entry.channel.localAddress else { return }
                addresses[self.configuration.listeners[entry.listener].name] = address
            }
        }
    }

    /// Why the broker cannot be reached now; `nil` if it can.
    public func upstreamFailure() async -> String? {
        await UpstreamProbe.failure(
            of: self.configuration.upstream.address, within: .seconds(2), on: self.group
        )
    }

    /// Why a broker cannot be reached now, for each that cannot: by its name in the configuration, the default one under
    /// the empty name.
    public func upstreamFailures() async -> [String: String] {
        var addresses = self.configuration.upstreams.mapValues(\.address)
        addresses[""] = self.configuration.upstream.address
        let group = self.group
        return await withTaskGroup(of: (String, String?).self) { probes in
            for (name, address) in addresses {
                probes.addTask {
                    (name, await UpstreamProbe.failure(of: address, within: .seconds(2), on: group))
                }
            }
            return await probes.reduce(into: [:]) { failures, probe in failures[probe.0] = probe.1 }
        }
    }

    /// Listens and serves until graceful shutdown or cancellation.
    public func run() async throws {
        await self.waitForUpstream()
        do {
            try await self.joinLoops()
            try await self.listen()
        } catch {
            await self.sendLastEvents()
            try? await self.group.shutdownGracefully()
            self.eventSink.finish()
            throw error
        }
        let ticks = self.startTicks()
        await withGracefulShutdownOrCancellation()
        for tick in ticks { tick.cancel() }
        await self.shutDown()
        await self.sendLastEvents()
        try await self.group.shutdownGracefully()
        self.eventSink.finish()
    }

    /// Has the loops hand up their last events.
    private func sendLastEvents() async {
        for shard in self.shards { try? await shard.eventLoop.submit { shard.value.sendLastEvents() }.get() }
    }

    /// Makes the loops know each other.
    private func joinLoops() async throws {
        var owners: [NIOLoopBound<ConnectionOwnership>] = []
        for shard in self.shards {
            owners.append(
                try await shard.eventLoop.submit {
                    NIOLoopBound(shard.value.ownership, eventLoop: shard.eventLoop)
                }.get()
            )
        }
        let all = owners
        for shard in self.shards { try await shard.eventLoop.submit { shard.value.ownership.join(all) }.get() }
    }

    /// An embedded broker needs a moment to start; a device that came first would be sent away for nothing. A broker
    /// that is down for longer is no reason not to listen: devices are told that it is unavailable.
    private func waitForUpstream() async {
        let deadline = NIODeadline.now() + Self.upstreamPatience
        while let failure = await self.upstreamFailure() {
            guard NIODeadline.now() < deadline, !Task.isShuttingDownGracefully, !Task.isCancelled else {
                self.logger.warning("listening without a broker", metadata: ["reason": "\(failure)"])
                return
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func listen() async throws {
        for (number, listener) in self.configuration.listeners.enumerated() {
            var address = listener.address
            do {
                try await self.requireUnused(address)
                for shard in self.shards {
                    let channel = try await self.bind(shard, number, to: address)
                    self.listeners.withLockedValue { $0.append((number, channel)) }
                    // With port 0 the first socket gets a port; the others share it.
                    if let bound = channel.localAddress { address = bound }
                }
            } catch {
                throw ListenFailure(address: address.hostAndPort, reason: "\(error)")
            }
            self.logger.info(
                "listening for devices",
                metadata: ["address": "\(address.hostAndPort)", "listener": "\(listener.name)"])
        }
    }

    /// `SO_REUSEPORT` would let a second gateway of the same user share the port in silence, and take half the devices;
    /// a listener without it finds the first one.
    private func requireUnused(_ address: SocketAddress) async throws {
        try await ServerBootstrap(group: self.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(to: address).get().close().get()
    }

    private func bind(
        _ shard: NIOLoopBoundBox<LoopShard>, _ listener: Int, to address: SocketAddress
    ) async throws -> any Channel {
        try await ServerBootstrap(group: shard.eventLoop, childGroup: shard.eventLoop)
            .serverChannelOption(.backlog, value: Int32(Self.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: Self.acceptsPerWakeUp)
            // Accepted sockets have it from the listener's (tcp(7)), as they have TCP_NODELAY, which NIO sets there.
            .serverChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try shard.value.accepted(channel, by: listener) }
            }
            .bind(to: address).get()
    }

    private func startTicks() -> [RepeatedTask] {
        self.shards.map { shard in
            shard.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                shard.value.tick(unixSeconds: UnixClock.seconds())
            }
        }
    }

    private func shutDown() async {
        self.logger.info("shutting down", metadata: ["connections": "\(self.counts.open)"])
        for listener in self.listeners.withLockedValue({ $0 }) { try? await listener.channel.close().get() }
        for shard in self.shards { try? await shard.eventLoop.submit { shard.value.shutDown() }.get() }
        let deadline = NIODeadline.now() + self.configuration.limits.shutdownDeadline
        let counts = self.counts
        // In a task of its own: in a cancelled one every sleep would end at once.
        await Task {
            while counts.open > 0, NIODeadline.now() < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        }.value
        guard self.counts.open > 0 else { return }
        self.logger.warning(
            "the shutdown deadline is over; closing what is left", metadata: ["connections": "\(self.counts.open)"]
        )
        for shard in self.shards { try? await shard.eventLoop.submit { shard.value.abort() }.get() }
    }
}

/// What new TLS contexts are made from, and what they share with those before them.
struct ListenerSettings: Sendable {
    /// By the listener's name.
    var tls: [String: TLSConfiguration]
    /// What ``GatewayService/adopt(ticketKeys:)`` has set instead of those in `tls`.
    var ticketKeys: [TLSTicketKey]?
    /// One for each event loop.
    var contexts: [ListenerContexts]
}

/// The gateway's address cannot be listened on.
public struct ListenFailure: Error, Sendable, CustomStringConvertible {
    /// The address and port asked for.
    public let address: String
    /// The system's words.
    public let reason: String

    public var description: String { "cannot listen for devices on \(self.address): \(self.reason)" }
}

/// Waits for graceful shutdown or cancellation of the task, whichever comes first.
private func withGracefulShutdownOrCancellation() async {
    try? await cancelWhenGracefulShutdown {
        while !Task.isCancelled { try await Task.sleep(for: .seconds(3_600)) }
    }
}
