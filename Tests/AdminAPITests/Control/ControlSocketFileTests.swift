import Foundation
import Glibc
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import AdminAPI

@Suite struct ControlSocketFileTests {
    private static let routes = [ControlRoute("done") { _, _ in ControlDone() }]

    @Test func theSocketIsItsOwnersAloneAndGoesWithTheServer() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            // Nothing else is left in the folder.
            let names = try folder.names()
            #expect(names == ["admin.sock"])
            let mode = try folder.mode("admin.sock")
            #expect(mode == 0o600)
        }
        let names = try folder.names()
        #expect(names == [])
    }

    @Test func theModeDoesNotDependOnTheUmask() async throws {
        let folder = try SocketFolder()
        let before = umask(0)
        defer { _ = umask(before) }
        try await withControlServer(folder.socket, routes: Self.routes) {
            let mode = try folder.mode("admin.sock")
            #expect(mode == 0o600)
        }
    }

    @Test func whereItIsBoundOnlyTheOwnerCanGo() throws {
        let folder = try SocketFolder()
        let file = try ControlSocketFile(folder.socket)
        let made = try folder.names()
        #expect(made.count == 1)
        let name = try #require(made.first)
        let mode = try folder.mode(name)
        #expect(mode == 0o700)
        file.discard()
        let names = try folder.names()
        #expect(names == [])
    }

    @Test func aSocketThatNobodyListensOnIsReplaced() async throws {
        let folder = try SocketFolder()
        try folder.leaveDeadSocket()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let said = lines(try await exchange(folder.socket, post("done", "")))
            #expect(said == [#"{"result":{}}"#])
        }
    }

    @Test func aSocketInUseIsLeftAlone() async throws {
        let folder = try SocketFolder()
        try await withControlServer(folder.socket, routes: Self.routes) {
            let second = ControlServer(
                path: folder.socket, routes: [], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
            let error = await #expect(throws: ControlSocketError.self) { try await second.run() }
            #expect(error?.reason == .inUse)
            let names = try folder.names()
            #expect(names == ["admin.sock"])
            let said = lines(try await exchange(folder.socket, post("done", "")))
            #expect(said == [#"{"result":{}}"#])
        }
    }

    @Test func ofTwoThatStartAtOnceOneGetsIt() async throws {
        let folder = try SocketFolder()
        let first = try ControlSocketFile(folder.socket)
        let second = try ControlSocketFile(folder.socket)
        let listening = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: first.bindingPath).get()
        let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: second.bindingPath).get()
        let identity = try first.place()
        let error = #expect(throws: ControlSocketError.self) { try second.place() }
        #expect(error?.reason == .inUse)
        second.discard()
        try await other.close()
        let names = try folder.names()
        #expect(names == ["admin.sock"])
        // It is taken away by the one who put it there.
        first.remove(identity)
        let left = try folder.names()
        #expect(left == [])
        try await listening.close()
    }

    @Test func aSocketThatAnotherHasPutThereStays() async throws {
        let folder = try SocketFolder()
        let file = try ControlSocketFile(folder.socket)
        let listening = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: file.bindingPath).get()
        let identity = try file.place()
        try FileManager.default.removeItem(atPath: folder.socket)
        try folder.leaveDeadSocket()
        file.remove(identity)
        let names = try folder.names()
        #expect(names == ["admin.sock"])
        try await listening.close()
    }

    @Test(arguments: ["file", "folder", "link"])
    func whatIsNoSocketIsNotTouched(kind: String) throws {
        let folder = try SocketFolder()
        switch kind {
        case "file": try Data("precious".utf8).write(to: URL(filePath: folder.socket))
        case "folder":
            try FileManager.default.createDirectory(atPath: folder.socket, withIntermediateDirectories: false)
        case _: try FileManager.default.createSymbolicLink(atPath: folder.socket, withDestinationPath: "/nowhere")
        }
        let error = #expect(throws: ControlSocketError.self) { try ControlSocketFile(folder.socket) }
        #expect(error?.reason == .notASocket)
        let names = try folder.names()
        #expect(names == ["admin.sock"])
    }

    @Test(arguments: [91, 108, 200, 4000])
    func aPathThatIsTooLongSaysSo(length: Int) throws {
        let path = "/tmp/" + String(repeating: "d", count: length - 7) + "/s"
        let error = #expect(throws: ControlSocketError.self) { try ControlSocketFile(path) }
        // Of the shortest one only the folder is missing.
        #expect(error?.reason == (length == 91 ? .cannotListen : .pathTooLong))
        #expect(error?.description.contains(path) == true || length == 91)
    }

    @Test(arguments: ["/nowhere/admin.sock", "/proc/admin.sock", "/dev/null/admin.sock"])
    func aFolderThatCannotBeUsedSaysSo(path: String) async throws {
        let server = ControlServer(
            path: path, routes: [], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        let error = await #expect(throws: ControlSocketError.self) { try await server.run() }
        #expect(error?.reason == .cannotListen)
    }
}
