import Foundation
import Logging
import Metrics
import NIOCore
import NIOPosix
import ServiceLifecycle
import TestKit
import Testing

@testable import AdminAPI

/// Real requests over loopback: curl for what a client sees, raw bytes for what no client would send.
@Suite struct AdminServerTests {
    @Test func metricsAreServedInTheTextFormat() async throws {
        let registry = PrometheusRegistry()
        Counter(label: "seen_total", factory: registry).increment(by: 3)
        try await withServer(metrics: registry) { port in
            let answer = try await curl("http://127.0.0.1:\(port)/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(try TextFormatParser(answer.body).value("seen_total") == 3)
        }
    }

    @Test func healthIsAnsweredWhateverReadinessSays() async throws {
        try await withServer(checks: [ReadinessCheck(name: "broker") { .notReady("down") }]) { port in
            let answer = try await curl("http://127.0.0.1:\(port)/healthz")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
            #expect(answer.body == "{\"status\":\"ok\"}\n")
        }
    }

    @Test func readinessNamesEachCheckInOrderAndWhyNot() async throws {
        let checks = [
            ReadinessCheck(name: "listener") { .ready },
            ReadinessCheck(name: "broker") { .notReady("connection refused by \"unix:/run/x\"") },
            ReadinessCheck(name: "profiles") { .ready },
        ]
        try await withServer(checks: checks) { port in
            let answer = try await curl("http://127.0.0.1:\(port)/readyz")
            #expect(answer.status == 503)
            #expect(
                answer.body == """
                    {"checks":[{"name":"listener","ready":true},\
                    {"name":"broker","ready":false,"reason":"connection refused by \\"unix:/run/x\\""},\
                    {"name":"profiles","ready":true}],"ready":false}

                    """)
        }
    }

    @Test func readinessIsGivenWhenAllChecksAre() async throws {
        try await withServer(checks: [ReadinessCheck(name: "broker") { .ready }]) { port in
            let answer = try await curl("http://127.0.0.1:\(port)/readyz")
            #expect(answer.status == 200)
            #expect(answer.body == "{\"checks\":[{\"name\":\"broker\",\"ready\":true}],\"ready\":true}\n")
        }
    }

    @Test func aCheckThatHangsCountsAsNotReady() async throws {
        var limits = AdminServer.Limits()
        limits.readinessDeadline = .seconds(2)
        let hanging = ReadinessCheck(name: "hangs") {
            await withUnsafeContinuationUntilCancelled()
            return .ready
        }
        try await withServer(checks: [hanging, ReadinessCheck(name: "fine") { .ready }], limits: limits) { port in
            let answer = try await curl("http://127.0.0.1:\(port)/readyz")
            #expect(answer.status == 503)
            #expect(answer.body.contains("{\"name\":\"hangs\",\"ready\":false,\"reason\":\"no answer within"))
            #expect(answer.body.contains("{\"name\":\"fine\",\"ready\":true}"))
        }
    }

    @Test(arguments: ["/metrics", "/healthz", "/readyz"])
    func headGivesTheSameHeadersAndNoBody(path: String) async throws {
        try await withServer { port in
            let get = try await curl("http://127.0.0.1:\(port)\(path)")
            let head = try await curl("http://127.0.0.1:\(port)\(path)", ["--head"])
            #expect(head.status == 200)
            #expect(head.headers["content-type"] == get.headers["content-type"])
            #expect(head.headers["content-length"] == get.headers["content-length"])
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: ["/", "/metrics/x", "/nothing", "/%2e%2e/etc/passwd", "/metrics%00"])
    func otherPathsAreNotFoundInJSON(path: String) async throws {
        try await withServer { port in
            let answer = try await curl("http://127.0.0.1:\(port)\(path)", ["--path-as-is"])
            #expect(answer.status == 404)
            #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
            #expect(answer.body == "{\"error\":\"not found\"}\n")
        }
    }

    @Test func otherMethodsAreNotFoundAndChangeNothing() async throws {
        try await withServer { port in
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                let answer = try await curl("http://127.0.0.1:\(port)/metrics", ["-X", method, "-d", "x"])
                #expect(answer.status == 404)
            }
        }
    }

    @Test func aBodyBeyondTheLimitEndsTheConnection() async throws {
        try await withServer { port in
            let head = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
            let answer = try await exchange(port: port, head + String(repeating: "x", count: 4096))
            #expect(!answer.contains(" 200 "))
            let health = try await curl("http://127.0.0.1:\(port)/healthz")
            #expect(health.status == 200)
        }
    }

    enum Garbage: CaseIterable {
        case longHeader, manyHeaders, unknownVersion, mqtt, notHTTP, impossibleLength

        var bytes: String {
            switch self {
            case .longHeader: "GET /metrics HTTP/1.1\r\nX: \(String(repeating: "y", count: 20_000))\r\n\r\n"
            case .manyHeaders: "GET /metrics HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 1000))\r\n"
            case .unknownVersion: "GET / HTTP/9.9\r\n\r\n"
            case .mqtt: "\u{10}\u{0c}\u{0}\u{4}MQTT\u{4}\u{2}"
            case .notHTTP: "\r\n\r\nnonsense\r\n\r\n"
            case .impossibleLength: "GET /metrics HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n"
            }
        }
    }

    @Test(arguments: Garbage.allCases)
    func garbageEndsTheConnectionAndNothingElse(_ garbage: Garbage) async throws {
        try await withServer { port in
            let answer = try await exchange(port: port, garbage.bytes)
            #expect(!answer.contains(" 200 "))
            let health = try await curl("http://127.0.0.1:\(port)/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func aClientThatNeverFinishesItsHeadIsLetGo() async throws {
        var limits = AdminServer.Limits()
        limits.idleTimeout = .milliseconds(50)
        try await withServer(limits: limits) { port in
            let answer = try await exchange(port: port, "GET /metrics HTTP/1.1\r\nHost: x\r\n")
            #expect(answer.isEmpty)
        }
    }

    @Test func aRequestThatTakesTooLongIsLetGo() async throws {
        var limits = AdminServer.Limits()
        limits.requestTimeout = .milliseconds(50)
        limits.readinessDeadline = .seconds(3600)
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        let slow = ReadinessCheck(name: "slow") {
            for await _ in stream {}
            return .ready
        }
        try await withServer(checks: [slow], limits: limits) { port in
            let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"
            let answer = try await exchange(port: port, request)
            #expect(answer.isEmpty)
            continuation.finish()
        }
    }

    @Test func aPortInUseIsAnErrorThatIsThrown() async throws {
        try await withServer { port in
            let second = AdminServer(
                address: try AdminAddress(host: "127.0.0.1", port: port), metrics: PrometheusRegistry(),
                readinessChecks: [], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
            let error = await #expect(throws: AdminServerError.self) { try await second.run() }
            #expect(error?.reason == .cannotListen)
            #expect(
                error?.description == "cannot listen for monitoring on 127.0.0.1:\(port): Address already in use")
        }
    }
}

/// Suspends until the task is cancelled, without a clock.
private func withUnsafeContinuationUntilCancelled() async {
    let (stream, _) = AsyncStream<Never>.makeStream()
    for await _ in stream {}
}

/// Runs a server on a free port for the duration of `body`, then shuts it down gracefully.
private func withServer(
    metrics: PrometheusRegistry = PrometheusRegistry(), checks: [ReadinessCheck] = [],
    limits: AdminServer.Limits = AdminServer.Limits(), _ body: @Sendable @escaping (_ port: Int) async throws -> Void
) async throws {
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    var server = AdminServer(
        address: try AdminAddress(host: "127.0.0.1", port: 0), metrics: metrics, readinessChecks: checks,
        limits: limits, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    server.onListening = { continuation.yield($0) }
    let services = ServiceGroup(services: [server], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await services.run()
        }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        #expect(port > 0)
        do {
            try await body(port)
        } catch {
            await services.triggerGracefulShutdown()
            throw error
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
    }
}

private struct Answer {
    let status: Int
    let headers: [String: String]
    let body: String
}

/// What curl sees. It runs in a process of its own, so that the HTTP client is nobody's code of this package.
private func curl(_ url: String, _ arguments: [String] = []) async throws -> Answer {
    let text = try await Program.run(
        "curl", ["--silent", "--max-time", "120", "--include"] + arguments + [url]
    ).standardOutput
    let end = try #require(text.firstRange(of: "\r\n\r\n"), "curl gave \(text)")
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    let status = try #require(lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    let headers = lines.dropFirst().map { line in
        let name = line.prefix { $0 != ":" }
        return (name.lowercased(), line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces))
    }
    return Answer(
        status: status, headers: Dictionary(headers) { first, _ in first }, body: String(text[end.upperBound...]))
}

/// Sends bytes and reads until the server closes.
private func exchange(port: Int, _ bytes: String) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.allowRemoteHalfClosure, value: false)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var answer = ByteBuffer()
        do {
            try await outbound.write(ByteBuffer(string: bytes))
            for try await var part in inbound { answer.writeBuffer(&part) }
        } catch is IOError, is ChannelError {
            // The server may reset a connection whose bytes it never read.
        }
        return String(buffer: answer)
    }
}
