import AdminAPI
import DeviceRegistry
import FleetPolicy
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import fleetgate

@Suite struct ControlRoutesRegistryTests {
    private static func key(_ name: String) throws -> DeviceKey { try #require(DeviceKey(parsing: name)) }

    private static func pin(_ byte: UInt8) throws -> CertificatePin {
        try #require(CertificatePin(.certificate, sha256: Array(repeating: byte, count: 32)))
    }

    /// Commands as an operator gives them, with what comes of each: the answer without its times, or a code.
    private static func story(_ devices: any DeviceAuthority) async throws -> [String] {
        let (first, second) = (try key("hamburg/meter-1"), try key("meter-2"))
        let commands: [RegistryCommand] = [
            .add(
                device: DeviceRecord(
                    key: first, profile: "smart-meter", pins: [PinRecord(try pin(1))], attributes: ["street": "A"],
                    note: "two\nlines"),
                passwordHash: nil),
            .add(device: DeviceRecord(key: second, state: .pending), passwordHash: nil),
            .add(device: DeviceRecord(key: second), passwordHash: nil),
            .add(device: DeviceRecord(key: try key("m3"), profile: "NOT A NAME"), passwordHash: nil),
            .approve(device: second, reason: "known"), .approve(device: try key("nobody"), reason: ""),
            .setState(device: first, state: .suspended, reason: "stolen", force: false),
            .setState(device: first, state: .pending, reason: "", force: true),
            .pin(device: second, pin: try pin(1)), .pin(device: second, pin: try pin(2)),
            .unpin(device: second, pin: try pin(3)),
            .change(device: second, change: DeviceChange(note: "n", attributes: ["a": "b"])),
            .change(device: second, change: DeviceChange(attributes: ["a": "+"])),
            .retire(device: second, reason: "scrapped"), .show(device: first), .show(device: second),
            .list(query: DeviceQuery(limit: 1)), .list(query: DeviceQuery(limit: 0)),
            .count(query: DeviceQuery(state: .suspended)), .certificates(query: DeviceQuery()),
            .remove(device: second), .remove(device: second), .setPassword(device: first, hash: "plain text"),
            .setPassword(device: first, hash: nil),
        ]
        var story: [String] = []
        for command in commands {
            do {
                story.append("\(command): \(timeless(try await devices.apply(command).answer))")
            } catch let failure as ControlFailure {
                story.append("\(command): \(failure.code): \(failure.message) \(failure.mistakes ?? [])")
            }
        }
        return story
    }

    private static func timeless(_ answer: RegistryAnswer) -> RegistryAnswer {
        func timeless(_ record: DeviceRecord) -> DeviceRecord {
            var record = record
            (record.createdAt, record.changedAt) = (0, 0)
            record.pins = record.pins.map { PinRecord($0.pin) }
            return record
        }
        return switch answer {
        case .device(let record): .device(timeless(record))
        case .devices(let records, let next): .devices(records.map(timeless), next: next)
        case .count, .history, .certificates, .removed, .imported: answer
        }
    }

    @Test func bothWaysGiveTheSame() async throws {
        let (running, stopped) = (try RegistryGate(), try RegistryGate())
        let alone = try await stopped.withDevices { devices in
            #expect(!(devices is GatewayDevices))
            return try await Self.story(devices)
        }
        try await running.whileRunning {
            let over = try await running.withDevices { devices in
                #expect(devices is GatewayDevices)
                return try await Self.story(devices)
            }
            #expect(over == alone)
        }
        // And the same is left in the files.
        let export = DeviceExport(format: .jsonLines)
        let left = try await running.withDevices { try await Self.exported(export, by: $0) }
        #expect(left.contains("meter-1"))
        let other = try await stopped.withDevices { try await Self.exported(export, by: $0) }
        #expect(left == other)
    }

    private static func exported(_ export: DeviceExport, by devices: any DeviceAuthority) async throws -> String {
        let text = Mutex("")
        try await devices.export(export) { part in text.withLock { $0 += part } }
        return text.withLock { $0 }
    }

    @Test func whoDidItIsInTheHistoryBothWays() async throws {
        let gate = try RegistryGate()
        let key = try Self.key("m1")
        _ = try await gate.withDevices { try await $0.apply(.add(device: DeviceRecord(key: key), passwordHash: nil)) }
        try await gate.whileRunning {
            try await gate.withDevices { devices in
                _ = try await devices.apply(.retire(device: key, reason: ""))
                guard case .history(let entries) = try await devices.apply(.history(device: key, limit: 10)).answer
                else { return #expect(Bool(false)) }
                #expect(entries.count == 2)
                #expect(entries.allSatisfy { $0.actor == OperatorName.own && $0.actor.contains("uid \(geteuid())") })
            }
        }
    }

    @Test(
        arguments: [
            (.suspended, 3, 3), (.retired, 1, 1), (.suspended, 0, 0), (.active, 2, 0),
        ] as [(DeviceState, Int, Int)])
    func endedSessionsAreCounted(state: DeviceState, open: Int, ended: Int) async throws {
        let gate = try RegistryGate()
        let key = try Self.key("m1")
        try await gate.whileRunning {
            gate.openSessions.withLock { $0[key] = open }
            try await gate.withDevices { devices in
                _ = try await devices.apply(.add(device: DeviceRecord(key: key), passwordHash: nil))
                let outcome = try await devices.apply(
                    .setState(device: key, state: state, reason: "", force: false))
                #expect(outcome.sessionsEnded == ended)
            }
        }
    }

    @Test(arguments: [
        ("devices/list", "{}"), ("devices/list", "{\"show\":{\"device\":\"m1\"}}"),
        ("devices/show", "{\"show\":{\"device\":\"a/b/c\"}}"), ("devices/show", "{\"show\":{\"device\":\"+\"}}"),
        ("devices/show", "{\"show\":{}}"), ("devices/show", "{\"retire\":{\"device\":\"m1\",\"reason\":\"\"}}"),
        ("devices/retire", "{\"remove\":{\"device\":\"m1\"}}"),
        ("devices/pin", "{\"pin\":{\"device\":\"m1\",\"pin\":\"x\"}}"),
        ("devices/set-state", "{\"setState\":{\"device\":\"m1\",\"state\":\"gone\",\"reason\":\"\",\"force\":false}}"),
        ("devices/export", "{\"format\":\"xml\"}"),
        ("devices/import", ""), ("devices/import", "device\nm1\n"), ("devices/import", "{}\ndevice\nm1\n"),
        ("devices/import", "{\"format\":\"csv\",\"mode\":\"replace\",\"dryRun\":false}\ndevice\n"),
        ("devices/import", "{\"format\":\"csv\",\"mode\":\"add\",\"dryRun\":false}"),
        ("devices/import", String(repeating: " ", count: 2000) + "\n"),
    ])
    func aBadRequestChangesNothing(route: String, body: String) async throws {
        let gate = try RegistryGate()
        try await gate.whileRunning {
            let client = gate.client
            let part = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
                continuation.yield(ByteBuffer(string: body))
                continuation.finish()
            }
            let failure = await #expect(throws: ControlFailure.self) {
                _ = try await client.call(
                    route, .parts(part), as: ControlDone.self, onItem: { (_: ControlDone) in },
                    onProgress: { (_: ControlDone) in })
            }
            #expect(failure?.code == "bad-request")
            let count = try await gate.withDevices { try await $0.apply(.count(query: DeviceQuery())).answer }
            #expect(count == .count(0))
        }
    }

    // MARK: Imports

    private static func importing(
        _ text: String, dryRun: Bool = false, mode: DeviceImport.Mode = .add, by devices: any DeviceAuthority,
        onProgress: @escaping @Sendable (RegistryProgress) -> Void = { _ in }
    ) async throws -> ImportSummary {
        let contents = Array(text.utf8)
        return try await devices.importDevices(
            DeviceExchange.ImportHeader(format: DeviceFile.format(of: contents), mode: mode, dryRun: dryRun),
            contents: contents, onProgress: onProgress)
    }

    @Test(arguments: [true, false]) func everyBadRowIsNamedAndNothingIsChanged(running: Bool) async throws {
        let gate = try RegistryGate()
        let text = "device,state\nm1,active\na/b/c,active\nm2,gone\nm1,active\n"
        @Sendable func check() async throws {
            try await gate.withDevices { devices in
                let failure = await #expect(throws: ControlFailure.self) {
                    _ = try await Self.importing(text, by: devices)
                }
                #expect(failure?.code == "import-refused")
                #expect(failure?.mistakes?.map(\.line) == [3, 4, 5])
                let count = try await devices.apply(.count(query: DeviceQuery())).answer
                #expect(count == .count(0))
            }
        }
        if running { try await gate.whileRunning { try await check() } } else { try await check() }
    }

    @Test(arguments: [true, false]) func aRehearsalChangesNothing(running: Bool) async throws {
        let gate = try RegistryGate()
        @Sendable func check() async throws {
            try await gate.withDevices { devices in
                let rehearsed = try await Self.importing("device\nm1\nm2\n", dryRun: true, by: devices)
                #expect(rehearsed == ImportSummary(rows: 2, added: 2))
                #expect(gate.settled.withLock { $0 } == 0)
                let count = try await devices.apply(.count(query: DeviceQuery())).answer
                #expect(count == .count(0))
                let done = try await Self.importing("device\nm1\nm2\n", by: devices)
                #expect(done == rehearsed)
                #expect(gate.settled.withLock { $0 } == (running ? 1 : 0), "event loops have it before the answer")
                await #expect(throws: ControlFailure.self) {
                    _ = try await Self.importing("device\nm1\n", dryRun: true, by: devices)
                }
                let again = try await Self.importing("device\nm1\n", dryRun: true, mode: .update, by: devices)
                #expect(again == ImportSummary(rows: 1, unchanged: 1))
            }
        }
        if running { try await gate.whileRunning { try await check() } } else { try await check() }
    }

    @Test func bytesThatAreNotTextAreRefused() async throws {
        let gate = try RegistryGate()
        try await gate.whileRunning {
            try await gate.withDevices { devices in
                let failure = await #expect(throws: ControlFailure.self) {
                    _ = try await devices.importDevices(
                        .init(format: .csv, mode: .add, dryRun: false), contents: [0x64, 0xFF, 0x0A],
                        onProgress: { _ in })
                }
                #expect(failure?.code == "import-refused")
            }
        }
    }

    @Test func aHundredThousandRowsGoThroughTheSocket() async throws {
        let gate = try RegistryGate()
        let rows = 100_000
        let text = "device\n" + (0..<rows).map { "m\($0)\n" }.joined()
        try await gate.whileRunning {
            try await gate.withDevices { devices in
                let summary = try await Self.importing(text, by: devices)
                #expect(summary == ImportSummary(rows: rows, added: rows))
                let count = try await devices.apply(.count(query: DeviceQuery())).answer
                #expect(count == .count(rows))
            }
        }
    }

    @Test func manyRowsGoThroughTheSocketAndBack() async throws {
        let gate = try RegistryGate()
        let rows = 3_500
        let text =
            "device,profile,attribute.site\n"
            + (0..<rows).map { "hamburg/meter-\($0),smart-meter,s\($0 % 100)\n" }.joined()
        try await gate.whileRunning {
            try await gate.withDevices { devices in
                let seen = Mutex<[RegistryProgress]>([])
                let summary = try await Self.importing(text, by: devices) { step in seen.withLock { $0.append(step) } }
                #expect(summary == ImportSummary(rows: rows, added: rows))
                let steps = seen.withLock { $0 }
                #expect(!steps.isEmpty)
                #expect(steps.allSatisfy { $0.rows <= rows })
                let pages = Mutex(0)
                try await DevicePages(devices: devices, query: DeviceQuery(limit: 1000), limit: nil) { _ in true }
                    .each { page in pages.withLock { $0 += page.records.count } }
                #expect(pages.withLock { $0 } == rows)
                _ = try await devices.apply(
                    .setState(
                        device: DeviceKey(tenant: "hamburg", deviceID: "meter-7"), state: .suspended, reason: "",
                        force: false))
                for isWanted in [nil, { $0.key.deviceID.hasSuffix("0") || $0.state == .suspended }]
                    as [((DeviceRecord) -> Bool)?]
                {
                    let first = DevicePages(
                        devices: devices, query: DeviceQuery(limit: 10), limit: 10, isWanted: isWanted)
                    let counts = try await first.counts()
                    #expect(counts.total == (isWanted == nil ? rows : rows / 10 + 1))
                    #expect(counts[.suspended] == 1 && counts[.active] == counts.total - 1)
                }
                let suspended = DevicePages(
                    devices: devices, query: DeviceQuery(state: .suspended, limit: 10), limit: 10, isWanted: nil)
                #expect(try await suspended.counts().total == 1)
                let lines = try await Self.exported(DeviceExport(format: .csv), by: devices)
                #expect(lines.utf8.count { $0 == UInt8(ascii: "\n") } == rows + 1)
            }
        }
    }
}
