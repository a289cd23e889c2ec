public import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import NIOMbedTLS

/// What can be changed, asked and ended while the gateway runs. Safe to call from any task.
extension GatewayService {
    /// Live sessions copied in one go on an event loop: some microseconds' worth of work.
    private static let sessionsPerCopy = 256

    /// Replaces profiles, devices, trust anchors and server certificate, and has every session judged again. Every
    /// loop's new context is made before the first one is used: either the whole snapshot is taken over or nothing is.
    ///
    /// Returns when all sessions have been judged. Not to be called at the same time as another `reload` or `update`:
    /// the loops might be left with different ones.
    ///
    /// - Throws: `TLSConfigurationError`; then everything is as it was.
    public func reload(_ snapshot: GatewaySnapshot) async throws {
        var contexts: [TLSContext] = []
        for _ in self.shards { contexts.append(try TLSContext(snapshot.tls)) }
        let judged = zip(self.shards, contexts).map { shard, context in
            shard.eventLoop.flatSubmit { shard.value.adopt(snapshot.policy, tlsContext: context) }
        }
        for loop in judged { try await loop.get() }
    }

    /// Replaces the devices. Only the sessions of the devices named are judged again, and those whose certificate is
    /// pinned for one of them.
    ///
    /// Returns when all of them have been: a session that is lost has been told and is being closed. The profiles stay
    /// as they are. Not to be called at the same time as another `reload` or `update`.
    ///
    /// - Parameters:
    ///   - directory: the registry as it is now.
    ///   - changed: every device that may differ from the directory before.
    public func update(directory: DeviceDirectory, changed: [DeviceKey]) async {
        let change = DirectoryChange(directory, changed: changed)
        let judged = self.shards.map { shard in shard.eventLoop.flatSubmit { shard.value.adopt(change) } }
        // Fails only when the loops have stopped, and then there is no session to be judged.
        for loop in judged { try? await loop.get() }
    }

    /// Every live session. Copied little by little: one that begins or ends meanwhile may be in it or not.
    public func sessions() async -> [LiveSession] {
        var sessions: [LiveSession] = []
        for shard in self.shards {
            guard let numbers = try? await shard.eventLoop.submit({ shard.value.sessionNumbers }).get() else {
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
        var sessions: [LiveSession] = []
        for shard in self.shards {
            sessions +=
                (try? await shard.eventLoop.submit { shard.value.live(shard.value.devices[key]) }.get()) ?? []
        }
        return sessions.sorted { $0.connectionID > $1.connectionID }
    }

    /// Ends the live sessions of one device. They may come back at once: who is to stay away has to be suspended in the
    /// registry.
    ///
    /// - Parameters:
    ///   - code: why, for log and metrics.
    ///   - detail: for people; no secret.
    /// - Returns: how many there were.
    public func endSessions(
        of key: DeviceKey, code: SessionEnd.Code = .endedByOperator, detail: String
    ) async -> Int {
        let end = SessionEnd(code, .operator, answer: .administrativeAction, detail)
        var count = 0
        for shard in self.shards {
            count += (try? await shard.eventLoop.submit { shard.value.endSessions(of: key, with: end) }.get()) ?? 0
        }
        return count
    }
}
