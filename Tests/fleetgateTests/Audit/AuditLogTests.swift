import Foundation
import Gateway
import Logging
import ServiceLifecycle
import Testing

@testable import fleetgate

/// The service: queue, gate, thread.
@Suite struct AuditLogTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func running(
        _ log: AuditFixture, _ gate: AdmissionGate, queueEntries: Int = 64,
        _ body: @escaping @Sendable (AuditLog, FailingDisk) async throws -> Void
    ) async throws {
        let disk = log.disk
        let audit = try AuditLog(
            settings: log.settings, gate: gate, logger: logger, storage: { disk }, retryMilliseconds: 5,
            queueEntries: queueEntries)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: audit)], gracefulShutdownSignals: [], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(audit, disk)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func until(_ isTrue: () throws -> Bool) async throws {
        // Bounded by the test's own time limit.
        while try !isTrue() { try await Task.sleep(for: .milliseconds(2)) }
    }

    private static func entry(_ index: Int) -> AuditEntry { AuditFixture.entry(index, at: UTCTime.now) }

    @Test(.timeLimit(.minutes(1))) func whatWasLostOnTheWayIsSaid() async throws {
        let log = try AuditFixture()
        try await running(log, AdmissionGate(), queueEntries: 10) { audit, _ in
            audit.lose(3, since: Date(timeIntervalSince1970: 1), until: Date(timeIntervalSince1970: 2))
        }
        let lost = try log.all().filter { $0.kind == "lost" }
        #expect(lost.map { $0.number(.count) } == [3])
        #expect(lost.first?.text(.since) == "1970-01-01T00:00:01.000Z")
        #expect(lost.first?.text(.until) == "1970-01-01T00:00:02.000Z")
        #expect(try log.verify().isIntact)
    }

    @Test(.timeLimit(.minutes(1))) func everythingAppendedIsInTheLogAtTheEnd() async throws {
        let log = try AuditFixture()
        let gate = AdmissionGate()
        try await running(log, gate, queueEntries: 10_000) { audit, _ in
            await withTaskGroup(of: Void.self) { group in
                for part in 0..<4 {
                    group.addTask { for index in 0..<500 { audit.append(Self.entry(part * 500 + index)) } }
                }
            }
        }
        let lines = try log.all()
        #expect(lines.count { $0.kind == "decision" } == 2_000)
        #expect(lines.suffix(2).map(\.kind) == ["stopped", "checkpoint"])
        let report = try log.verify()
        #expect(report.isIntact && report.provenThrough == report.lastSequence)
        #expect(!AuditLock.isHeld(log.audit))
    }

    @Test(.timeLimit(.minutes(1))) func theGateOpensWithTheFirstLine() async throws {
        let log = try AuditFixture()
        let gate = AdmissionGate()
        let disk = log.disk
        let audit = try AuditLog(settings: log.settings, gate: gate, logger: logger, storage: { disk })
        #expect(gate.isClosed)
        _ = audit
        let other = AdmissionGate()
        let second = try AuditFixture()
        try await running(second, other) { _, _ in try await self.until { !other.isClosed } }
    }

    @Test(.timeLimit(.minutes(1))) func aFullDiskClosesTheGateAndRoomOpensIt() async throws {
        let log = try AuditFixture()
        let gate = AdmissionGate()
        try await running(log, gate) { audit, disk in
            try await self.until { !gate.isClosed }
            disk.leave(10)
            audit.append(Self.entry(1))
            try await self.until { gate.isClosed }
            disk.leave(nil)
            try await self.until { !gate.isClosed }
        }
        #expect(try log.all().count { $0.kind == "decision" } == 1)
        #expect(try log.verify().isIntact)
    }

    @Test(.timeLimit(.minutes(1))) func whatFindsNoRoomIsCountedAndSaid() async throws {
        for choice in AuditSettings.WhenFull.allCases {
            let log = try AuditFixture()
            log.settings.whenFull = choice
            let gate = AdmissionGate()
            try await running(log, gate, queueEntries: 8) { audit, disk in
                audit.append(Self.entry(0))
                try await self.until { audit.waitingCount == 0 && !gate.isClosed }
                disk.leave(0)
                // The writer holds one batch, the queue takes eight, the others find no room.
                audit.append(Self.entry(1))
                try await self.until { audit.waitingCount == 0 }
                for index in 0..<20 { audit.append(Self.entry(index + 2)) }
                #expect(audit.waitingCount <= 8)
                if choice == .refuse { try await self.until { gate.isClosed } } else { #expect(!gate.isClosed) }
                disk.leave(nil)
                try await self.until { audit.waitingCount == 0 && !gate.isClosed }
            }
            let lines = try log.all()
            let written = lines.count { $0.kind == "decision" }
            let lost = lines.filter { $0.kind == "lost" }.compactMap { $0.number(.count) }.reduce(0, +)
            #expect(lost > 0)
            #expect(written + Int(lost) == 22)
            let report = try log.verify()
            #expect(report.isIntact && report.notes.contains { $0.contains("could not be written") })
        }
    }

    @Test(.timeLimit(.minutes(1))) func aDiskThatStaysFullDoesNotKeepTheProgramFromEnding() async throws {
        let log = try AuditFixture()
        let gate = AdmissionGate()
        try await running(log, gate) { audit, disk in
            try await self.until { !gate.isClosed }
            disk.leave(0)
            audit.append(Self.entry(1))
            try await self.until { gate.isClosed }
        }
        #expect(gate.isClosed)
        log.disk.leave(nil)
        try log.write(1)
        try log.finish()
        #expect(try log.verify().isIntact)
    }

    @Test(.timeLimit(.minutes(1))) func aRealFileSystemWithoutRoomIsGoneOnFrom() async throws {
        let place = try TemporaryFolder()
        let mounted = try await runProgram(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", place.path])
        // Only the superuser may mount; the injected disk has the same cases.
        guard mounted.status == 0 else { return }
        do {
            let log = try AuditFixture(checkpointLines: 1_000)
            log.settings.folder = place.path + "/audit"
            let gate = AdmissionGate()
            try await running(log, gate, queueEntries: 4_096) { audit, _ in
                try await self.until { !gate.isClosed }
                try place.write(Array(repeating: 1, count: 48 << 10), to: "ballast")
                for index in 0..<600 { audit.append(Self.entry(index)) }
                try await self.until { gate.isClosed }
                try FileManager.default.removeItem(atPath: place.path + "/ballast")
                _ = try await runProgram(["mount", "-o", "remount,size=4m", place.path])
                try await self.until { !gate.isClosed && audit.waitingCount == 0 }
            }
            #expect(try log.all().count { $0.kind == "decision" } == 600)
            #expect(try log.verify().isIntact)
        } catch {
            Issue.record(error)
        }
        _ = try await runProgram(["umount", place.path])
    }
}
