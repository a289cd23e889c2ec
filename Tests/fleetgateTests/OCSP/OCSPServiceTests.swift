import FleetPKI
import FleetPolicy
import Gateway
import Logging
import ServiceLifecycle
import Testing

@testable import fleetgate

@Suite struct OCSPServiceTests {
    private enum Heard: Sendable, Hashable {
        case revoked(CertificateID, Revocation)
        case reinstated(CertificateID)
    }

    private func service(
        _ bench: OCSPBench, _ sessions: [LiveSession]
    ) -> (service: OCSPService, heard: AsyncStream<Heard>) {
        let (heard, hears) = AsyncStream.makeStream(of: Heard.self)
        let service = OCSPService(
            client: bench.client, sessions: { sessions }, onRevoked: { hears.yield(.revoked($0, $1)) },
            onReinstated: { hears.yield(.reinstated($0)) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: bench.clock.clock)
        return (service, heard)
    }

    @Test func asksAgainForSessionsThatLive() async throws {
        let bench = try await OCSPBench()
        let leaves = try (0..<20).map { try bench.leaf("meter-\($0)") }
        let (service, _) = service(bench, leaves.flatMap { [bench.session($0), bench.session($0)] })
        let due = try #require(await service.lookOnce())
        #expect(await bench.responder.requests.count == 20)
        #expect((bench.clock.now + 450...bench.clock.now + 540).contains(due))
        _ = await service.lookOnce()
        #expect(await bench.responder.requests.count == 20)
        bench.clock.advance(.seconds(541))
        _ = await service.lookOnce()
        #expect(await bench.responder.requests.count == 40)
    }

    @Test func findsARevocationWhileASessionLives() async throws {
        let bench = try await OCSPBench()
        let leaf = try bench.leaf()
        _ = await bench.standing(leaf)
        let (service, heard) = service(bench, [bench.session(leaf)])
        await bench.responder.does(.status(.revoked(at: 1000, reason: 6), life: 600))
        var hears = heard.makeAsyncIterator()
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: service)], logger: service.logger))
        let running = Task { try await group.run() }
        while bench.clock.sleeperCount == 0 { await Task.yield() }
        bench.clock.advance(.seconds(541))
        let revocation = Revocation(source: .ocsp, reason: .certificateHold, revokedAt: 1000)
        #expect(await hears.next() == .revoked(bench.id(leaf), revocation))
        await bench.responder.does(.status(.good, life: 600))
        while bench.clock.sleeperCount == 0 { await Task.yield() }
        bench.clock.advance(.seconds(541))
        #expect(await hears.next() == .reinstated(bench.id(leaf)))
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
