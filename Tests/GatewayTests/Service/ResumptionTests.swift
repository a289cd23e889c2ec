internal import FleetPolicy
internal import NIOMbedTLS
internal import Testing

@testable internal import Gateway

/// Tickets, as the gateway binds and refuses them. What a ticket is in itself is the TLS layer's to test.
@Suite("resumption on a running gateway")
struct ResumptionTests {
    private static let device = Result { try TestAuthorities.get().device(1) }

    /// A session that can be resumed.
    private func first(_ bench: GatewayBench, to listener: String = "default") async throws -> TLSSession {
        let device = try await bench.establish(Self.device.get(), to: listener)
        await device.close()
        return try #require(device.session)
    }

    @Test("a session is resumed, and is known by its certificate as before")
    func resumed() async throws {
        try await GatewayBench.with(ticketKeys: [TLSTicketKey()], eventLoops: 1) { bench in
            let full = try await bench.establish(Self.device.get())
            let before = try await bench.session(1)
            #expect(!before.isResumed)
            _ = try await bench.establish(Self.device.get(), session: full.session, isResumed: true)
            let after = try await bench.session(1)
            #expect(after.isResumed)
            #expect(after.certificateID == before.certificateID)
            #expect(after.certificateSHA256 == before.certificateSHA256)
            #expect(after.trustAnchorSHA256 == before.trustAnchorSHA256)
            let identity = try PeerCertificate(identity: after.certificateIdentity)
            #expect(identity.sha256Fingerprint == after.certificateSHA256)
            let id = try #require(after.certificateID)
            let trust = TrustSnapshot(revoked: [id: Revocation(source: .list, revokedAt: 0)])
            #expect(await bench.gateway.update(trust: trust, affecting: .certificates([id])) >= 1)
            #expect(await bench.live.isEmpty)
        }
    }

    @Test("after revocation a ticket gets nothing but the alert")
    func revoked() async throws {
        try await GatewayBench.with(ticketKeys: [TLSTicketKey()], eventLoops: 1) { bench in
            let device = try await bench.establish(Self.device.get())
            let id = try #require(try await bench.session(1).certificateID)
            let session = try #require(device.session)
            let trust = TrustSnapshot(revoked: [id: Revocation(source: .list, revokedAt: 0)])
            #expect(await bench.gateway.update(trust: trust, affecting: .certificates([id])) == 1)
            let back = try await bench.connect(Self.device.get(), session: session)
            let events = await back.rest()
            #expect(events.contains(.failed(.certificateRevoked)))
            #expect(!events.contains(.handshaken(isResumed: true)))
        }
    }

    @Test("a ticket of one listener means a full handshake at another")
    func otherListener() async throws {
        try await GatewayBench.with(["a", "b"], ticketKeys: [TLSTicketKey()], eventLoops: 1) { bench in
            let session = try await self.first(bench, to: "a")
            _ = try await bench.establish(Self.device.get(), to: "b", session: session, isResumed: false)
            _ = try await bench.establish(Self.device.get(), to: "a", session: session, isResumed: true)
        }
    }

    @Test("a device whose profile has another name today is handshaken in full")
    func changedGrant() async throws {
        let renamed: ProfileTree = [
            "profile": "water-meter", "match": ["subject": ["O": "{fleet:slug}", "CN": "meter-{serial:digits}"]],
            "device": "meter-{serial}", "tenant": "{fleet}", "publish": ["up/{device}"],
        ]
        let key = TLSTicketKey()
        try await GatewayBench.with(ticketKeys: [key], eventLoops: 1) { bench in
            let session = try await self.first(bench)
            try await bench.gateway.reload(
                GatewaySnapshot(
                    tls: ["default": bench.authorities.serverTLS(ticketKeys: [key])],
                    policy: GatewayBench.policy(renamed)))
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: false)
        }
    }

    @Test("keys that are handed in later open the tickets of before, and stay through a reload")
    func ticketKeys() async throws {
        let (old, new) = (TLSTicketKey(), TLSTicketKey())
        try await GatewayBench.with(eventLoops: 1) { bench in
            try await bench.gateway.adopt(ticketKeys: [old])
            let kept = try await bench.establish(bench.authorities.device(2))
            let session = try await self.first(bench)
            try await bench.gateway.adopt(ticketKeys: [new, old])
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: true)
            try await bench.gateway.reload(
                GatewaySnapshot(tls: ["default": bench.authorities.serverTLS()], policy: GatewayBench.policy()))
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: true)
            try await bench.gateway.adopt(ticketKeys: [new])
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: false)
            #expect(await bench.live.contains("meter-2"))
            await kept.close()
        }
    }

    @Test("a ticket of before a restart is worth a full handshake first where an intermediate is not configured")
    func restarted() async throws {
        let key = TLSTicketKey()
        let session = try await GatewayBench.with(ticketKeys: [key], eventLoops: 1) { try await self.first($0) }
        try await GatewayBench.with(ticketKeys: [key], eventLoops: 1) { bench in
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: false)
            _ = try await bench.establish(Self.device.get(), session: session, isResumed: true)
        }
    }
}
