import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

@Suite struct TicketKeyFileTests {
    private let schedule = TicketKeySet.Schedule(interval: .seconds(3600), lifetime: .seconds(600))
    private let folder: TemporaryFolder
    private let file: TicketKeyFile

    init() throws {
        folder = try TemporaryFolder()
        file = TicketKeyFile(path: folder.path + "/tickets.keys")
    }

    private func failure(_ body: () throws -> Void) -> TicketKeyFileError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? TicketKeyFileError)?.code
        }
    }

    private func settings(_ rotation: TicketSettings.Rotation = .automatic) -> TicketSettings {
        TicketSettings(
            file: Located(file.path, location: SourceLocation(file: "f", line: 1, column: 1), key: "tickets.keys"),
            lifetime: .seconds(600), rotation: rotation, rotationInterval: .seconds(3600))
    }

    @Test func whatIsWrittenIsRead() throws {
        let made = try file.replace(schedule, now: 1_000_000)
        #expect(try file.read() == made)
        #expect(try folder.mode("tickets.keys") == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "tickets.keys", "tickets.keys.lock",
            ])
    }

    @Test(arguments: [0o644, 0o604, 0o620, 0o660, 0o666])
    func aFileThatOthersCanReachIsRefused(mode: Int) throws {
        _ = try file.replace(schedule, now: 1_000_000)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        #expect(failure { _ = try file.read() } == .tooOpen)
        #expect(failure { _ = try file.update { _ in true } } == .tooOpen)
    }

    private static let id = String(repeating: "0a", count: 16)
    private static let secret = String(repeating: "0a0b", count: 16)
    private static let times = "\"not-before\": \"2026-01-01T00:00:00Z\", \"not-after\": \"2026-01-02T00:00:00Z\""

    static let malformed = [
        "", "{", "[]", "null", "{}", "{\"version\": 1}", "{\"version\": 1, \"keys\": 1}",
        "{\"version\": 0, \"keys\": []}",
        "{\"version\": 1, \"keys\": [{}]}", "\u{0}",
        "{\"version\": 1, \"keys\": [{\"id\": \"00\", \"secret\": \"\(secret)\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret)00\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret.dropLast())\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(String(repeating: "zz", count: 32))\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(String(repeating: "00", count: 32))\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret)\", \(times)},"
            + "{\"id\": \"\(id)\", \"secret\": \"\(secret)\", \(times)}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret)\", \"not-before\": \"now\", "
            + "\"not-after\": \"then\"}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret)\", "
            + "\"not-before\": \"2026-01-02T00:00:00Z\", \"not-after\": \"2026-01-01T00:00:00Z\"}]}",
        "{\"version\": 1, \"keys\": [{\"id\": \"\(id)\", \"secret\": \"\(secret)\", "
            + "\"not-before\": \"2026-01-02T00:00:00Z\", \"not-after\": \"2030-01-01T00:00:00Z\"}]}",
        "{\"version\": 1, \"keys\": ["
            + (0..<17).map { index in
                let id = String(repeating: String(index + 16, radix: 16), count: 16)
                let secret = id + String(repeating: "cd", count: 16)
                return "{\"id\": \"\(id)\", \"secret\": \"\(secret)\", \(times)}"
            }.joined(separator: ",") + "]}",
    ]

    @Test(arguments: malformed)
    func whatIsNoFileOfKeysIsRefused(text: String) throws {
        try folder.write(text, to: "tickets.keys")
        #expect(failure { _ = try file.read() } == .malformed)
        #expect(failure { _ = try file.update { _ in true } } == .malformed)
        #expect(try folder.text("tickets.keys") == text)
        do {
            _ = try file.read()
        } catch {
            #expect(!"\(error) \(error.hint ?? "")".contains(Self.secret))
        }
        // New keys can be made all the same, when that is asked for.
        _ = try file.replace(schedule, now: 1_000_000)
        #expect(try file.read().keys.count == 2)
    }

    @Test func whatIsNoFileIsRefused() throws {
        #expect(failure { _ = try file.read() } == .missing)
        try FileManager.default.createDirectory(
            atPath: file.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        #expect(failure { _ = try file.read() } == .unreadable)
        let lost = TicketKeyFile(path: folder.path + "/none/tickets.keys")
        #expect(failure { _ = try lost.replace(schedule, now: 1) } == .unwritable)
        try folder.write([UInt8](repeating: 0x20, count: 100_000), to: "large")
        #expect(failure { _ = try TicketKeyFile(path: folder.path + "/large").read() } == .unreadable)
    }

    @Test func whoeverHoldsTheLockKeepsOthersOut() throws {
        var lock: FileLock? = try FileLock(file.path + ".lock")
        #expect(failure { _ = try file.replace(schedule, now: 1_000_000) } == .locked)
        #expect(failure { _ = try file.read() } == .missing)
        #expect(lock != nil)
        lock = nil
        _ = try file.replace(schedule, now: 1_000_000)
    }

    // MARK: In the gateway

    @Test func theGatewayMakesTheFileAndRotatesIt() throws {
        var keeper = try #require(TicketKeyKeeper(settings()))
        #expect(keeper.look(at: 1_000_000) == .changed)
        let first = try #require(keeper.keys.sealing(at: 1_000_000))
        #expect(keeper.tlsKeys(at: 1_000_000).count == 2)
        #expect(keeper.look(at: 1_000_001) == .unchanged)
        #expect(keeper.look(at: 1_003_600) == .changed)
        #expect(keeper.keys.sealing(at: 1_003_600)?.identifier != first.identifier)
        #expect(keeper.keys.usable(at: 1_003_600).contains { $0.identifier == first.identifier })
        #expect(try file.read() == keeper.keys)
        // The key of before ends; that alone is a change too.
        #expect(keeper.look(at: 1_000_000 + 3600 + 900) == .changed)
        #expect(!keeper.keys.usable(at: 1_004_500).contains { $0.identifier == first.identifier })
    }

    @Test func gatewaysThatShareTheFileHaveTheSameKeys() throws {
        var one = try #require(TicketKeyKeeper(settings()))
        var other = try #require(TicketKeyKeeper(settings()))
        for now in stride(from: Int64(1_000_000), to: 1_050_000, by: 450) {
            // Whoever looks first rotates; the other one follows at its next look.
            _ = now % 900 == 0 ? one.look(at: now) : other.look(at: now)
            _ = one.look(at: now + 1)
            _ = other.look(at: now + 1)
            #expect(one.keys == other.keys)
            #expect(one.keys.sealing(at: now + 1) != nil)
        }
    }

    @Test func aRestartKeepsTheKeys() throws {
        var before = try #require(TicketKeyKeeper(settings()))
        _ = before.look(at: 1_000_000)
        var after = try #require(TicketKeyKeeper(settings()))
        #expect(after.look(at: 1_000_100) == .changed)
        #expect(after.keys == before.keys)
    }

    @Test func aBrokenFileLeavesTheLastGoodKeys() throws {
        var keeper = try #require(TicketKeyKeeper(settings()))
        _ = keeper.look(at: 1_000_000)
        let good = keeper.keys
        try folder.write("broken", to: "tickets.keys")
        guard case .failed(let error) = keeper.look(at: 1_000_010) else {
            Issue.record("the file is broken")
            return
        }
        #expect(error.code == .malformed)
        // Said once.
        #expect(keeper.look(at: 1_000_020) == .unchanged)
        #expect(keeper.keys == good && keeper.tlsKeys(at: 1_000_020).count == 2)
        // But no longer than they are good.
        #expect(keeper.look(at: 1_100_000) == .changed)
        #expect(keeper.tlsKeys(at: 1_100_000).isEmpty)
        _ = try file.replace(schedule, now: 1_100_000)
        #expect(keeper.look(at: 1_100_010) == .changed)
        #expect(keeper.tlsKeys(at: 1_100_010).count == 2)
    }

    @Test func aFileOfOthersIsOnlyRead() throws {
        var keeper = try #require(TicketKeyKeeper(settings(.external)))
        #expect(keeper.look(at: 1_000_000) == .failed(try #require(missing())))
        #expect(!FileManager.default.fileExists(atPath: file.path))
        let made = try file.replace(schedule, now: 1_000_000)
        #expect(keeper.look(at: 1_000_010) == .changed)
        #expect(keeper.look(at: 1_003_600) == .changed)
        #expect(try file.read() == made)
        // Nobody has rotated: there is an end of tickets, not of the rules.
        #expect(keeper.look(at: 1_100_000) == .changed)
        #expect(keeper.tlsKeys(at: 1_100_000).isEmpty)
        #expect(try file.read() == made)
    }

    private func missing() -> TicketKeyFileError? {
        do {
            _ = try file.read()
            return nil
        } catch {
            return error
        }
    }

    @Test func aRotationByHandIsNoticed() throws {
        var keeper = try #require(TicketKeyKeeper(settings()))
        _ = keeper.look(at: 1_000_000)
        let before = try #require(keeper.keys.sealing(at: 1_000_000))
        _ = try file.update {
            $0.rotate(schedule, now: 1_000_050)
            return true
        }
        #expect(keeper.look(at: 1_000_060) == .changed)
        #expect(keeper.keys.sealing(at: 1_000_060)?.identifier != before.identifier)
    }

    @Test func listingsHoldNoSecret() throws {
        let keys = try file.replace(schedule, now: 1_000_000)
        let rows = TicketsListCommand.rows(keys, now: 1_000_000)
        #expect(rows.map(\.state) == ["sealing", "next"])
        let text = try JSONText.encode(rows)
        for key in keys.keys {
            #expect(text.contains(HexadecimalText.text(key.identifier)))
            #expect(!text.contains(HexadecimalText.text(key.secret)))
        }
    }
}
