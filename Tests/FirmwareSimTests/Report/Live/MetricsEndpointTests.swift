import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import FirmwareSim

@Suite struct MetricsExpositionTests {
    private var figures: LiveFigures {
        var figures = LiveFigures()
        figures.elapsedSeconds = 12.5
        figures.plannedSeconds = 60
        figures.stage = "storm \"1\"\n"
        figures.devices = 100
        figures.connectedNow = 80
        figures.handshakes = 90
        figures.resumedHandshakes = 20
        figures.failureCount = 5
        figures.failures = [FailureReason(.tls, "eof"): 3, FailureReason(.connack, "connack-5\"} 1\nx"): 2]
        figures.latency = [.tls: .init(count: 90, p50: 10_000, p90: 20_000, p99: 1_500_000, max: 2_000_000)]
        return figures
    }

    @Test func hasEveryFigureWithItsUnit() {
        let text = MetricsExposition.render(figures)
        for line in [
            "# TYPE firmware_sim_devices_connected gauge", "firmware_sim_devices_connected 80",
            "firmware_sim_elapsed_seconds 12.5", "firmware_sim_handshakes_total{kind=\"full\"} 70",
            "firmware_sim_handshakes_total{kind=\"resumed\"} 20",
            "firmware_sim_failures_total{phase=\"tls\",reason=\"eof\"} 3",
            "# TYPE firmware_sim_latency_seconds summary",
            "firmware_sim_latency_seconds{kind=\"tls\",quantile=\"0.99\"} 1.5",
            "firmware_sim_latency_seconds_count{kind=\"tls\"} 90",
            "firmware_sim_failures_total{phase=\"connack\",reason=\"connack-5---1-x\"} 2",
            "firmware_sim_stage_info{stage=\"storm--1--\"} 1",
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)\n\(text)")
        }
    }

    @Test func everyLineIsOneOfTheFormat() throws {
        var names: Set<Substring> = []
        for line in MetricsExposition.render(figures).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast()
        {
            if line.hasPrefix("# ") { continue }
            let space = try #require(line.lastIndex(of: " "))
            #expect(Double(line[line.index(after: space)...]) != nil, "\(line)")
            #expect(names.insert(line[..<space]).inserted, "twice: \(line)")
        }
        #expect(names.count > 15)
    }

    @Test func manyReasonsAreBounded() {
        var figures = figures
        figures.failures = Dictionary(
            uniqueKeysWithValues: (0..<5_000).map { (FailureReason(.tls, "reason-\($0)"), 1) })
        figures.failureCount = 5_000
        let text = MetricsExposition.render(figures)
        #expect(text.split(separator: "\n").count < 200)
        #expect(text.contains("firmware_sim_failures_total{phase=\"other\",reason=\"other\"} 4900"))
    }
}

@Suite struct MetricsEndpointTests {
    private func get(_ path: String, port: Int) async throws -> (status: Int, body: String) {
        let group = MultiThreadedEventLoopGroup.singleton
        let client = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        return try await client.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
            var text = ""
            for try await piece in inbound { text += String(buffer: piece) }
            let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return (status ?? 0, text)
        }
    }

    @Test func answersWithTheNewestFigures() async throws {
        let endpoint = try await MetricsEndpoint.start(port: 0)
        var figures = LiveFigures()
        figures.connectedNow = 7
        endpoint.show(figures)
        let answer = try await get("/metrics", port: endpoint.port)
        #expect(answer.status == 200)
        #expect(answer.body.lowercased().contains("content-type: text/plain; version=0.0.4; charset=utf-8"))
        #expect(answer.body.contains("firmware_sim_devices_connected 7\n"))
        #expect(try await get("/other", port: endpoint.port).status == 404)
        await endpoint.stop()
        await #expect(throws: (any Error).self) { try await get("/metrics", port: endpoint.port) }
    }

    @Test func saysWhenItCannotListen() async throws {
        let endpoint = try await MetricsEndpoint.start(port: 0)
        let error = await #expect(throws: SimulatorError.self) { try await MetricsEndpoint.start(port: endpoint.port) }
        #expect(error?.code == "cannot-listen")
        await endpoint.stop()
    }
}
