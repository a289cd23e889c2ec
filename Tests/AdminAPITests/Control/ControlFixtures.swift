import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import AdminAPI

/// A folder of a test's own, removed with the value. Its path is short: that of a socket has to be.
final class SocketFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/fgc-" + String(UInt32.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var socket: String { path + "/admin.sock" }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    /// What a gateway that was killed leaves: a socket that nobody listens on.
    func leaveDeadSocket() throws {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let status = try SocketAddress(unixDomainSocketPath: socket).withSockAddr { pointer, size in
            bind(descriptor, pointer, socklen_t(size))
        }
        try #require(status == 0)
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a control server for the duration of `body`, then shuts it down gracefully.
func withControlServer(
    _ path: String, routes: [ControlRoute], limits: ControlServer.Limits = ControlServer.Limits(),
    _ body: @Sendable @escaping () async throws -> Void
) async throws {
    let (starts, continuation) = AsyncStream<Void>.makeStream()
    var server = ControlServer(
        path: path, routes: routes, limits: limits, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: quiet)
    server.onListening = { continuation.yield() }
    let services = ServiceGroup(services: [server], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await services.run()
        }
        var iterator = starts.makeAsyncIterator()
        if await iterator.next() != nil {
            do {
                try await body()
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
        }
        try await group.waitForAll()
    }
}

/// Sends bytes to a socket and reads until the server closes.
func exchange(_ path: String, _ bytes: String, halfClose: Bool = false) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.allowRemoteHalfClosure, value: false)
        .connect(unixDomainSocketPath: path) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var answer = ByteBuffer()
        do {
            try await outbound.write(ByteBuffer(string: bytes))
            if halfClose { outbound.finish() }
            for try await var part in inbound { answer.writeBuffer(&part) }
        } catch is IOError, is ChannelError {
            // The server may reset a connection whose bytes it never read.
        }
        return String(buffer: answer)
    }
}

/// A request as an honest client sends it.
func post(_ name: String, _ body: String) -> String {
    "POST /v1/\(name) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// The lines of an answer, without head and chunk lengths.
func lines(_ answer: String) -> [String] {
    answer.split(separator: "\r\n").flatMap { $0.split(separator: "\n") }.map(String.init).filter { $0.hasPrefix("{") }
}
