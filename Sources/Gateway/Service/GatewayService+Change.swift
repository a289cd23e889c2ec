public import FleetPolicy
internal import NIOConcurrencyHelpers
internal import NIOCore
public import NIOMbedTLS

/// What can be changed, asked and ended while the gateway runs. Safe to call from any task.
extension GatewayService {
    /// Live sessions copied in one go on an event loop: some microseconds' worth of work.
    private static let sessionsPerCopy = 256

    /// Replaces profiles, devices, trust and the listeners' TLS settings, and has every session judged again. Every loop's
    /// new contexts are made before the first one is used: either the whole snapshot is taken over or nothing is. Ticket
    /// keys that ``adopt(ticketKeys:)`` has set stay.
    ///
    /// Returns when all sessions have been judged. Changes wait for one another; but a snapshot that was put together
    /// before another change came takes that back.
    ///
    /// - Throws: `TLSConfigurationError` or ``ListenerError``; then everything is as it was.
    public func reload(_ snapshot: GatewaySnapshot) async throws {
        try await self.changes.make {
            let contexts = try self.makeContexts(snapshot.tls, ticketKeys: self.settings.withLockedValue(\.ticketKeys))
            self.settings.withLockedValue {
                $0.tls = snapshot.tls
                $0.contexts = contexts
            }
            await self.onEachLoop(contexts) { $0.adopt(snapshot.policy, $1) }
        }
    }

    /// Replaces the keys that session tickets are sealed and opened with, on all listeners: the first seals, any opens.
    /// New connections use them; sessions are undisturbed. They stay in force through reloads.
    ///
    /// - Throws: `TLSConfigurationError`; then everything is as it was.
    public func adopt(ticketKeys: [TLSTicketKey]) async throws {
        try await self.changes.make {
            let contexts = try self.makeContexts(self.settings.withLockedValue(\.tls), ticketKeys: ticketKeys)
            self.settings.withLockedValue {
                $0.ticketKeys = ticketKeys
                $0.contexts = contexts
            }
            await self.onEachLoop(contexts) { shard, contexts in
                shard.use(contexts)
                return shard.eventLoop.makeSucceededFuture(0)
            }
        }
    }

    private func makeContexts(
        _ tls: [String: TLSConfiguration], ticketKeys: [TLSTicketKey]?
    ) throws -> [ListenerContexts] {
        try self.settings.withLockedValue(\.contexts).map {
            try ListenerContexts(self.configuration.listeners, tls, ticketKeys: ticketKeys, before: $0)
        }
    }

    /// Replaces the devices. Only the sessions of the devices named are judged again, and those whose certificate is
    /// pinned for one of them.
    ///
    /// Returns when all of them have been: a session that is lost has been told and is being closed. The profiles stay
    /// as they are.
    ///
    /// - Parameters:
    ///   - directory: the registry as it is now.
    ///   - changed: every device that may differ from the directory before.
    public func update(directory: DeviceDirectory, changed: [DeviceKey]) async {
        let change = DirectoryChange(directory, changed: changed)
        _ = await self.makeChange { $0.adopt(change) }
    }

    /// Replaces what is known against certificates. Only the sessions concerned are judged again, and those whose
    /// handshake is under way are judged by it at its end; no other is disturbed.
    ///
    /// Returns when all of them have been: a session that is lost has been told and is being closed.
    ///
    /// - Parameters:
    ///   - trust: all that is known now.
    ///   - change: what of it differs from before.
    /// - Returns: how many sessions were ended.
    @discardableResult
    public func update(trust: TrustSnapshot, affecting change: TrustChange) async -> Int {
        await self.makeChange { $0.adopt(trust, affecting: change) }
    }

    /// Makes a change on all loops at once. Returns the sum of what they say.
    private func makeChange(
        _ change: @escaping @Sendable (LoopShard) -> EventLoopFuture<Int>
    ) async -> Int {
        // What is made in turn throws nothing of its own.
        let count = try? await self.changes.make {
            await self.onEachLoop(self.shards.map { _ in () }) { shard, _ in change(shard) }
        }
        return count ?? 0
    }

    /// Does something on all loops at once, each with its part. Returns the sum of what they say.
    @discardableResult
    private func onEachLoop<Part: Sendable>(
        _ parts: [Part], _ body: @escaping @Sendable (LoopShard, Part) -> EventLoopFuture<Int>
    ) async -> Int {
        let started = zip(self.shards, parts).map { shard, part in
            shard.eventLoop.flatSubmit { body(shard.value, part) }
        }
        var sum = 0
        // Fails only when the loops have stopped, and then there is no session any more.
        for loop in started { sum += (try? await loop.get()) ?? 0 }
        return sum
    }

    /// The live sessions selected, or all. Copied little by little: one that begins or ends meanwhile may be in it or not.
    public func sessions(_ selection: SessionSelection? = nil) async -> [LiveSession] {
        var sessions: [LiveSession] = []
        for shard in self.shards {
            guard let numbers = try? await shard.eventLoop.submit({ shard.value.numbers(selection) }).get() else {
                continue
            }
            var rest = numbers[...]
            while !rest.isEmpty {
                let part = Array(rest.prefix(Self.sessionsPerCopy))
                rest = rest.dropFirst(Self.sessionsPerCopy)
                sessions += (try? await shard.eventLoop.submit { shard.value.live(part) }.get()) ?? []
            }
        }
        return sessions
    }

    /// The live sessions of one device, the newest first.
    public func sessions(of key: DeviceKey) async -> [LiveSession] {
        await self.sessions(.device(key)).sorted { $0.connectionID > $1.connectionID }
    }

    /// Ends the live sessions selected. They may come back at once: who is to stay away has to be suspended in the
    /// registry, or its certificate be revoked.
    ///
    /// - Parameters:
    ///   - code: why, for log, metrics and the device.
    ///   - detail: for people; no secret.
    /// - Returns: how many there were.
    @discardableResult
    public func endSessions(
        _ selection: SessionSelection, code: SessionEnd.Code = .endedByOperator, detail: String
    ) async -> Int {
        let end = SessionEnd(byOperator: code, detail)
        return await self.onEachLoop(self.shards.map { _ in () }) { shard, _ in
            shard.endSessions(selection, with: end)
        }
    }
}
