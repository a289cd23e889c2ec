import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import AdminAPI

/// Real requests over a real socket.
@Suite struct ControlServerTests {
    private struct Word: Codable, Sendable {
        let word: String
    }

    private static let routes = [
        ControlRoute("echo", bodyBytesMax: 1000) { request, answer in
            let word = try await request.decode(Word.self)
            try await answer.progress(["done": 1])
            try await answer.item(word)
            return ["said": word.word]
        },
        ControlRoute("devices/peer") { request, _ in
            ["uid": request.peer.map { Int($0.userID) } ?? -1, "pid": request.peer.map { Int($0.processID) } ?? -1]
        },
        ControlRoute("refuse") { _, answer in
            try await answer.item(1)
            throw ControlFailure(
                code: "not-found", message: "there is no \"x\"", mistakes: [.init(line: 3, message: "bad")])
        },
        ControlRoute("fail") { _, _ in throw CocoaError(.fileNoSuchFile) },
        ControlRoute("many") { _, answer in
            for number in 0..<20_000 { try await answer.item(number) }
            return ControlDone()
        },
        ControlRoute("long") { _, answer in
            try await answer.item(String(repeating: "x", count: ControlAnswer.lineBytesMax))
            return ControlDone()
        },
        ControlRoute("count", bodyBytesMax: 100_000) { request, _ in
            var bytes = 0
            for try await part in request.body { bytes += part.readableBytes }
            return bytes
        },
    ]

    @Test func anAnswerHasItsLinesInOrder() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = try await exchange(folder.socket, post("echo", #"{"word":"hé"}"#))
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("application/x-ndjson"))
            #expect(
                lines(answer) == [
                    #"{"progress":{"done":1}}"#, #"{"item":{"word":"hé"}}"#, #"{"result":{"said":"hé"}}"#,
                ])
        }
    }

    @Test func curlIsAClientToo() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let output = try await Program.run(
                "curl",
                [
                    "--silent", "--max-time", "120", "--unix-socket", folder.socket, "-d", #"{"word":"a"}"#,
                    "http://localhost/v1/echo",
                ]
            ).standardOutput
            #expect(output.hasSuffix("{\"result\":{\"said\":\"a\"}}\n"))
        }
    }

    @Test func thePeerIsTheOneTheKernelNames() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = try await exchange(folder.socket, post("devices/peer", ""))
            #expect(lines(answer) == ["{\"result\":{\"pid\":\(getpid()),\"uid\":\(geteuid())}}"])
        }
    }

    @Test func aRefusalComesWithItsCodeAndMistakes() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = try await exchange(folder.socket, post("refuse", ""))
            #expect(
                lines(answer) == [
                    #"{"item":1}"#,
                    #"{"error":{"code":"not-found","message":"there is no \"x\"","mistakes":[{"line":3,"message":"bad"}]}}"#,
                ])
        }
    }

    @Test(arguments: ["fail", "long"])
    func whatWentWrongInsideIsNotTold(route: String) async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = lines(try await exchange(folder.socket, post(route, "")))
            #expect(
                answer == [#"{"error":{"code":"internal-error","message":"the gateway failed; its log says why"}}"#])
        }
    }

    @Test func aLongListingArrivesWhole() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = try await exchange(folder.socket, post("many", ""))
            // Chunks end where lines end.
            let all = lines(answer)
            #expect(all.count == 20_001)
            #expect(all.last == #"{"result":{}}"#)
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        let code: String
        var testDescription: String { name }
    }

    private static let bad = [
        Bad(name: "no JSON", bytes: post("echo", "word"), code: "bad-request"),
        Bad(name: "empty", bytes: post("echo", ""), code: "bad-request"),
        Bad(name: "half of it", bytes: post("echo", #"{"word":"#), code: "bad-request"),
        Bad(name: "another type", bytes: post("echo", #"{"word":1}"#), code: "bad-request"),
        Bad(name: "a key missing", bytes: post("echo", #"{"wort":"a"}"#), code: "bad-request"),
        Bad(name: "two values", bytes: post("echo", #"{"word":"a"}{"word":"b"}"#), code: "bad-request"),
        Bad(name: "nested deeply", bytes: post("echo", String(repeating: "[", count: 1000)), code: "bad-request"),
        Bad(name: "not UTF-8", bytes: post("echo", "{\"word\":\"\u{0}\"}"), code: "bad-request"),
        Bad(
            name: "too long, announced", bytes: post("echo", String(repeating: "x", count: 1001)),
            code: "request-too-large"),
        Bad(
            name: "too long, in chunks",
            bytes: "POST /v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + String(repeating: "ff\r\n\(String(repeating: "x", count: 255))\r\n", count: 5) + "0\r\n\r\n",
            code: "request-too-large"),
        Bad(name: "no such route", bytes: post("nothing", "{}"), code: "unknown-route"),
        Bad(name: "a route's beginning", bytes: post("devices", "{}"), code: "unknown-route"),
        Bad(name: "a route in capitals", bytes: post("ECHO", "{}"), code: "unknown-route"),
        Bad(name: "dots", bytes: post("../v1/echo", "{}"), code: "unknown-route"),
        Bad(
            name: "another version", bytes: "POST /v2/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            code: "unknown-route"),
        Bad(name: "GET", bytes: "GET /v1/echo HTTP/1.1\r\nHost: x\r\n\r\n", code: "method-not-allowed"),
        Bad(name: "DELETE", bytes: "DELETE /v1/echo HTTP/1.1\r\nHost: x\r\n\r\n", code: "method-not-allowed"),
    ]

    @Test(arguments: bad)
    func aBadRequestIsAnsweredWithItsCode(_ bad: Bad) async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = lines(try await exchange(folder.socket, bad.bytes))
            #expect(answer.count == 1)
            #expect(answer.first?.contains("{\"error\":{\"code\":\"\(bad.code)\"") == true)
            let next = lines(try await exchange(folder.socket, post("echo", #"{"word":"a"}"#)))
            #expect(next.last == #"{"result":{"said":"a"}}"#)
        }
    }

    enum Garbage: CaseIterable {
        case notHTTP, longHeader, manyHeaders, tls, impossibleLength

        var bytes: String {
            switch self {
            case .notHTTP: "\r\nnonsense\r\n\r\n"
            case .longHeader: "POST /v1/echo HTTP/1.1\r\nX: \(String(repeating: "y", count: 20_000))\r\n\r\n"
            case .manyHeaders: "POST /v1/echo HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 100))\r\n"
            case .tls: "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}"
            case .impossibleLength: "POST /v1/echo HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n"
            }
        }
    }

    @Test(arguments: Garbage.allCases)
    func garbageEndsTheConnectionAndNothingElse(_ garbage: Garbage) async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let answer = try await exchange(folder.socket, garbage.bytes)
            #expect(!answer.contains(" 200 "))
            let next = lines(try await exchange(folder.socket, post("echo", #"{"word":"a"}"#)))
            #expect(next.last == #"{"result":{"said":"a"}}"#)
        }
    }

    @Test func aRequestThatIsCutOffIsNotDone() async throws {
        let folder = try SocketFolder()
        let (ends, continuation) = AsyncStream<String>.makeStream()
        let route = ControlRoute("store") { request, _ in
            do {
                _ = try await request.decode(Word.self)
                continuation.yield("done")
            } catch let failure as ControlFailure {
                continuation.yield(failure.code)
            }
            return ControlDone()
        }
        try await withControlServer(folder.socket, routes: [route]) {
            let whole = post("store", #"{"word":"a"}                    "#)
            _ = try await exchange(folder.socket, String(whole.dropLast(10)), halfClose: true)
            var iterator = ends.makeAsyncIterator()
            #expect(await iterator.next() == "request-cut-off")
        }
    }

    @Test(arguments: [
        "", "POST /v1/count HTTP/1.1\r\nHost: x\r\n",
        "POST /v1/count HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ])
    func aClientThatDoesNotGoOnIsLetGo(bytes: String) async throws {
        let folder = try SocketFolder()
        var limits = ControlServer.Limits()
        limits.stallTimeout = .milliseconds(50)
        try await withControlServer(folder.socket, routes: Self.routes, limits: limits) {
            let answer = try await exchange(folder.socket, bytes)
            #expect(!answer.contains("result"))
        }
    }

    @Test func oneRequestForEachConnection() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let twice = post("devices/peer", "") + post("devices/peer", "")
            let said = lines(try await exchange(folder.socket, twice))
            #expect(said.count <= 1)
        }
    }
}
