internal import FleetPolicy
internal import Logging
internal import NIOCore
internal import NIOMbedTLS
internal import NIOPosix
internal import Testing

@testable internal import Gateway

@Suite("listeners")
struct ListenerTests {
    private static func listener(_ name: String, _ address: String, _ port: Int) throws -> ListenerConfiguration {
        ListenerConfiguration(name: name, address: try SocketAddress(ipAddress: address, port: port))
    }

    private func code(_ listeners: [ListenerConfiguration]) -> ListenerError.Code? {
        let upstream = UpstreamConfiguration(address: UpstreamAddress(.tcp(host: "127.0.0.1", port: 1)))
        do throws(ListenerError) {
            try GatewayConfiguration(listeners: listeners, upstream: upstream, eventLoops: 1).checkListeners()
            return nil
        } catch {
            #expect(!error.description.isEmpty)
            return error.code
        }
    }

    @Test("names and addresses that clash, and none at all")
    func mistakes() throws {
        let first = try Self.listener("a", "127.0.0.1", 8_883)
        #expect(self.code([]) == .listenerCount)
        #expect(self.code([first, try Self.listener("a", "127.0.0.1", 8_884)]) == .duplicateListener)
        #expect(self.code([first, try Self.listener("b", "127.0.0.1", 8_883)]) == .sharedAddress)
        #expect(self.code([first, try Self.listener("b", "127.0.0.2", 8_883)]) == nil)
        let anyPort = try (0..<2).map { try Self.listener("any\($0)", "127.0.0.1", 0) }
        #expect(self.code(anyPort) == nil)
        let many = try (0...GatewayConfiguration.listenersMax).map { try Self.listener("l\($0)", "127.0.0.1", 0) }
        #expect(self.code(many) == .listenerCount)
        #expect(self.code(Array(many.dropLast())) == nil)
    }

    @Test("a listener without TLS settings: no gateway, and no reload")
    func withoutTLS() async throws {
        let upstream = UpstreamConfiguration(address: UpstreamAddress(.tcp(host: "127.0.0.1", port: 1)))
        let configuration = GatewayConfiguration(
            listeners: [try Self.listener("a", "127.0.0.1", 0)], upstream: upstream, eventLoops: 1)
        let tls = try TestAuthorities.get().serverTLS()
        let policy = try GatewayBench.policy()
        #expect(throws: ListenerError.self) {
            try GatewayService(
                configuration: configuration, snapshot: GatewaySnapshot(tls: ["b": tls], policy: policy),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        try await GatewayBench.with(["a", "b"]) { bench in
            await #expect(throws: ListenerError.self) {
                try await bench.gateway.reload(GatewaySnapshot(tls: ["a": tls], policy: policy))
            }
            _ = try await bench.establish(bench.authorities.device(1), to: "b")
        }
    }

    @Test("each listener has anchors of its own, and its sessions say where they came to")
    func separateAnchors() async throws {
        try await GatewayBench.with(["field", "factory"]) { bench in
            #expect(Set(bench.gateway.listeningAddresses.keys) == ["field", "factory"])
            #expect(bench.gateway.listeningAddress == bench.gateway.listeningAddresses["field"])
            let device = try bench.authorities.device(1, of: .otherRoot)
            _ = try await bench.establish(device, to: "field")
            _ = try await bench.establish(bench.authorities.device(2), to: "factory")
            #expect(try await bench.session(1).listener == "field")
            #expect(try await bench.session(2).listener == "factory")
            let fieldOnly = GatewaySnapshot(
                tls: [
                    "field": try bench.authorities.serverTLS(anchors: [.root, .otherRoot]),
                    "factory": try bench.authorities.serverTLS(anchors: [.root]),
                ],
                policy: try GatewayBench.policy())
            try await bench.gateway.reload(fieldOnly)
            #expect(await bench.live == ["meter-1", "meter-2"])
            let refused = try await bench.connect(device, to: "factory")
            #expect(await refused.rest().contains(.failed(.unknownCA)))
            _ = try await bench.establish(bench.authorities.device(3, of: .otherRoot), to: "field")
        }
    }

    @Test("profiles can be for one listener")
    func profileOfListener() async throws {
        let profile: ProfileTree = [
            "profile": "meter",
            "match": ["subject": ["O": "{fleet:slug}", "CN": "meter-{serial:digits}"], "listener": "field"],
            "device": "meter-{serial}", "tenant": "{fleet}", "publish": ["up/{device}"],
        ]
        try await GatewayBench.with(["field", "factory"]) { bench in
            let tls = try bench.authorities.serverTLS()
            let policy = try GatewayBench.policy(profile)
            try await bench.gateway.reload(GatewaySnapshot(tls: ["field": tls, "factory": tls], policy: policy))
            let device = try bench.authorities.device(1)
            let refused = try await bench.connect(device, to: "factory")
            #expect(await refused.rest().contains(.failed(.accessDenied)))
            _ = try await bench.establish(device, to: "field")
        }
    }
}
