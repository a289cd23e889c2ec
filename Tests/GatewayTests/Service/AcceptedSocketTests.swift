internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("accepted sockets")
struct AcceptedSocketTests {
    /// What a session's socket has; nil: it cannot be asked.
    private struct Options: Sendable {
        let noDelay: SocketOptionValue?
        let keepAlive: SocketOptionValue?

        init(_ channel: any Channel) throws {
            self.noDelay = try channel.syncOptions?.getOption(.tcpOption(.tcp_nodelay))
            self.keepAlive = try channel.syncOptions?.getOption(.socketOption(.so_keepalive))
        }
    }

    @Test("each has TCP_NODELAY and SO_KEEPALIVE, which are set on its listener alone")
    func inherited() async throws {
        let listeners = ["field", "factory"]
        let options = try await GatewayBench.with(listeners) { bench in
            for (number, listener) in listeners.enumerated() {
                _ = try await bench.establish(bench.authorities.device(number + 1), to: listener)
            }
            var options: [Options] = []
            for shard in bench.gateway.shards {
                options += try await shard.eventLoop.submit {
                    try shard.value.sessions.values.map { try Options($0.channel) }
                }.get()
            }
            return options
        }
        #expect(options.count == listeners.count)
        for option in options {
            // Both are off on a socket that nobody has set them for.
            #expect(option.noDelay == 1)
            #expect(option.keepAlive == 1)
        }
    }
}
