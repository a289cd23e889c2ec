import AdminAPI
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import fleetgate

@Suite struct ControlClientTests {
    private struct Word: Codable, Sendable, Equatable {
        let word: String
    }

    private struct Broken: Error {}

    private func reason(_ body: () async throws -> Void) async -> ControlClientError.Reason? {
        let error = await #expect(throws: ControlClientError.self) { try await body() }
        return error?.reason
    }

    // MARK: Nobody there

    @Test func withoutASocketTheGatewayIsNotRunning() async throws {
        let gate = try RegistryGate()
        let error = await #expect(throws: ControlClientError.self) { try await gate.client.greet() }
        #expect(error?.reason == .notRunning)
        #expect(error?.description == "the gateway is not running (no admin socket at \(gate.socket))")
    }

    @Test func withADeadSocketTheGatewayIsNotRunning() async throws {
        let gate = try RegistryGate()
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = try SocketAddress(unixDomainSocketPath: gate.socket).withSockAddr { pointer, size in
            bind(descriptor, pointer, socklen_t(size))
        }
        #expect(status == 0)
        close(descriptor)
        let error = await #expect(throws: ControlClientError.self) { try await gate.client.greet() }
        #expect(error?.reason == .notRunning)
        #expect(error?.description == "the gateway is not running (nobody listens on \(gate.socket))")
    }

    @Test func aFileThatIsNoSocketIsNotListenedOn() async throws {
        let gate = try RegistryGate()
        try Data().write(to: URL(filePath: gate.socket))
        #expect(await reason { try await gate.client.greet() } == .notRunning)
    }

    @Test func aPathThatIsTooLongIsSaidToBe() async {
        let client = ControlClient(socketPath: "/tmp/" + String(repeating: "x", count: 200))
        #expect(await reason { try await client.greet() } == .cannotConnect)
    }

    @Test func withoutPermissionTheOwnerIsNamed() throws {
        let gate = try RegistryGate()
        let error = ControlClientError.noPermission(gate.path)
        #expect(error.reason == .noPermission)
        #expect(error.description.contains("run this command as"))
    }

    // MARK: Something else there

    struct Strange: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        var testDescription: String { name }
    }

    private static func answer(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static let strange = [
        Strange(name: "nothing", bytes: ""),
        Strange(name: "no HTTP", bytes: "220 mail.example ESMTP\r\n"),
        Strange(name: "half a head", bytes: "HTTP/1.1 200 OK\r\nContent-"),
        Strange(name: "no body", bytes: answer("")),
        Strange(name: "no JSON", bytes: answer("hello\n")),
        Strange(name: "JSON of another kind", bytes: answer("[1,2]\n")),
        Strange(name: "an object without a known key", bytes: answer("{\"answer\":1}\n")),
        Strange(name: "a result of another type", bytes: answer("{\"result\":1}\n")),
        Strange(name: "an item of another type", bytes: answer("{\"item\":1}\n{\"result\":{\"word\":\"a\"}}\n")),
        Strange(name: "a result without its line's end", bytes: answer("{\"result\":{\"word\":\"a\"}}")),
        Strange(name: "items and no result", bytes: answer("{\"item\":{\"word\":\"a\"}}\n")),
        Strange(
            name: "less than announced",
            bytes: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"item\":{\"word\":\"a\"}}\n"),
        Strange(
            name: "a line without end", bytes: answer(String(repeating: "x", count: ControlAnswer.lineBytesMax + 2))),
        Strange(
            name: "a line that is too long",
            bytes: answer(String(repeating: " ", count: ControlAnswer.lineBytesMax + 2) + "\n")),
        Strange(name: "an empty line", bytes: answer("\n")),
    ]

    @Test(arguments: strange)
    func whatIsNoAnswerIsSaidToBeNone(_ strange: Strange) async throws {
        let gate = try RegistryGate()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.pipeline.addHandler(Speaker(strange.bytes))
            }
            .bind(unixDomainSocketPath: gate.socket).get()
        let found = await reason {
            _ = try await gate.client.call("x", Word(word: "a"), as: Word.self) { (_: Word) in }
        }
        #expect(found == .badAnswer)
        try await server.close()
    }

    // MARK: The gateway there

    @Test func itemsProgressAndResultArriveInOrder() async throws {
        let gate = try RegistryGate()
        let route = ControlRoute("spell") { request, answer in
            let word = try await request.decode(Word.self).word
            for letter in word { try await answer.item(Word(word: String(letter))) }
            return Word(word: String(word.reversed()))
        }
        try await gate.whileRunning([route]) {
            let seen = Letters()
            let result = try await gate.client.call("spell", Word(word: "gate"), as: Word.self) { (item: Word) in
                await seen.append(item.word)
            }
            #expect(result.word == "etag")
            #expect(await seen.all == ["g", "a", "t", "e"])
        }
    }

    @Test func aRefusalIsThrownWithItsCode() async throws {
        let gate = try RegistryGate()
        try await gate.whileRunning {
            let failure = await #expect(throws: ControlFailure.self) {
                _ = try await gate.client.call("nothing", Word(word: "a"), as: Word.self)
            }
            #expect(failure?.code == "unknown-route")
        }
    }

    @Test func anAnswerBeforeTheEndOfTheRequestIsTheAnswer() async throws {
        let gate = try RegistryGate()
        let route = ControlRoute("small", bodyBytesMax: 100_000) { request, _ in
            for try await _ in request.body {}
            return ControlDone()
        }
        try await gate.whileRunning([route]) {
            let endless = AsyncThrowingStream<ByteBuffer, any Error> { ByteBuffer(repeating: 0x78, count: 65_536) }
            let failure = await #expect(throws: ControlFailure.self) {
                _ = try await gate.client.call(
                    "small", .parts(endless), as: ControlDone.self, onItem: { (_: ControlDone) in },
                    onProgress: { (_: ControlDone) in })
            }
            #expect(failure?.code == "request-too-large")
        }
    }

    @Test func aBodyThatCannotBeReadBreaksTheRequestOff() async throws {
        let gate = try RegistryGate()
        let (ends, continuation) = AsyncStream<String>.makeStream()
        let route = ControlRoute("take") { request, _ in
            do {
                for try await _ in request.body {}
                continuation.yield("whole")
            } catch let failure as ControlFailure {
                continuation.yield(failure.code)
            }
            return ControlDone()
        }
        try await gate.whileRunning([route]) {
            let parts = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
                continuation.yield(ByteBuffer(string: "half"))
                continuation.finish(throwing: Broken())
            }
            await #expect(throws: Broken.self) {
                _ = try await gate.client.call(
                    "take", .parts(parts), as: ControlDone.self, onItem: { (_: ControlDone) in },
                    onProgress: { (_: ControlDone) in })
            }
        }
        // How much of it was on its way does not matter.
        continuation.finish()
        for await end in ends { #expect(end == "request-cut-off") }
    }

    @Test func whatTheCallerThrowsEndsTheCall() async throws {
        let gate = try RegistryGate()
        let route = ControlRoute("endless") { _, answer in
            while true { try await answer.item(Word(word: "again")) }
        }
        try await gate.whileRunning([route]) {
            await #expect(throws: Broken.self) {
                _ = try await gate.client.call("endless", ControlDone(), as: ControlDone.self) { (_: Word) in
                    throw Broken()
                }
            }
        }
    }
}

/// Says the same to everybody who has asked anything, and hangs up.
private final class Speaker: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let bytes: String

    init(_ bytes: String) { self.bytes = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(string: bytes)).whenComplete { _ in channel.close(mode: .output, promise: nil)
        }
    }
}

private actor Letters {
    private(set) var all: [String] = []

    func append(_ letter: String) { all.append(letter) }
}
