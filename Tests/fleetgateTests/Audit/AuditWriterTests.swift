import Foundation
import Testing

@testable import fleetgate

@Suite struct AuditWriterTests {
    @Test func outsideProgramsVerifyChainAndSignature() async throws {
        let log = try AuditFixture()
        try log.write(5)
        try log.finish()
        let script = """
            set -euo pipefail
            cd "$0"
            previous=$(printf '0%.0s' $(seq 64))
            while IFS= read -r line; do
              test "$(printf '%s' "$line" | sed 's/.*"previous":"\\([0-9a-f]*\\)".*/\\1/')" = "$previous"
              previous=$(printf '%s' "$line" | sha256sum | cut -d' ' -f1)
            done < audit-0000000001.jsonl
            line=$(tail -n 1 audit-0000000001.jsonl)
            printf '%s' "$line" | sed 's/,"signature":"[^"]*"}$//' | tr -d '\\n' > ../signed
            printf '%s' "$line" | sed 's/.*,"signature":"//; s/"}$//' | base64 -d > ../signature
            openssl dgst -sha256 -verify public-key.pem -signature ../signature ../signed
            """
        let (status, output) = try await runProgram(["bash", "-c", script, log.settings.folder])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Verified OK"))
        // And the lines are JSON for others.
        let names = try await runProgram(["jq", "-r", ".kind", log.path()])
        #expect(names.output.hasPrefix("file-begun\nstarted\ndecision\n") || names.status == 127)
    }

    @Test func filesAreForTheirOwnerAlone() throws {
        let log = try AuditFixture()
        try log.write(1)
        try log.finish()
        #expect(try log.folder.mode("audit") == 0o700)
        #expect(try log.folder.mode("audit/audit-0000000001.jsonl") == 0o600)
        #expect(try log.folder.mode("audit/\(AuditFolder.signingKeyName)") == 0o600)
    }

    @Test func aKeyThatOthersMayReadIsRefused() throws {
        let log = try AuditFixture()
        try log.write(1)
        try log.finish()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: log.settings.signingKeyPath)
        #expect(throws: AuditError.self) { try log.open() }
    }

    @Test func aSecondGatewayOnTheFolderIsRefused() throws {
        let log = try AuditFixture()
        let first = try log.open()
        #expect(AuditLock.isHeld(log.audit))
        let error = #expect(throws: AuditError.self) { _ = try AuditWriter(log.settings, now: log.now) }
        #expect(error?.code == .inUse)
        withExtendedLifetime(first) {}
        log.drop()
    }

    @Test func checkpointsComeByLinesAndBySeconds() throws {
        let log = try AuditFixture(checkpointLines: 1_000)
        try log.write(2)
        let before = try log.lines().count
        try log.open().tick(now: log.now + 59_000)
        #expect(try log.lines().count == before)
        try log.open().tick(now: log.now + 61_000)
        #expect(try log.lines().count == before + 1)
        // Nothing new: nothing to sign.
        try log.open().tick(now: log.now + 600_000)
        #expect(try log.lines().count == before + 1)
        #expect(try log.all().last?.text(.reason) == "time")
        log.drop()
    }

    @Test func theChainGoesOnAcrossFilesAndRuns() throws {
        let log = try AuditFixture(fileBytesMax: 4_000)
        for _ in 0..<3 {
            try log.write(20)
            try log.finish()
        }
        let lines = try log.all()
        #expect(lines.map(\.sequence) == Array(1...Int64(lines.count)))
        #expect(lines.count { $0.kind == "started" } == 3)
        let report = try log.verify()
        #expect(report.isIntact && report.files > 2 && report.notes.isEmpty)
    }

    @Test func filesAreRotatedByAge() throws {
        let log = try AuditFixture()
        try log.write(1)
        try log.open().tick(now: log.now + 86_399_000)
        #expect(try log.audit.numbers() == [1])
        log.now += 86_401_000
        try log.open().tick(now: log.now)
        try log.write(1)
        try log.finish()
        #expect(try log.audit.numbers() == [1, 2])
        #expect(try log.verify().isIntact)
    }

    @Test func retentionBySizeLeavesANote() throws {
        let log = try AuditFixture(fileBytesMax: 4_000, keepBytes: 16_000)
        try log.write(200)
        try log.finish()
        let numbers = try log.audit.numbers()
        #expect((numbers.first ?? 0) > 5 && numbers.count <= 5)
        let report = try log.verify()
        #expect(report.isIntact, "\(report.text)")
        #expect(report.notes.first?.contains("earlier files were removed by retention on 2026-11-21T") == true)
        #expect(report.provenThrough == report.lastSequence)
        // Without the line that says so it is something else.
        try FileManager.default.removeItem(atPath: log.path(try #require(numbers.first)))
        #expect(try log.codes() == [.missingFile])
    }

    @Test func retentionByAgeLooksAtWhenAFileEnded() throws {
        let log = try AuditFixture(keepDays: 2)
        for _ in 0..<5 {
            try log.write(1)
            log.now += 86_400_000
        }
        try log.finish()
        #expect(try log.audit.numbers().first.map { $0 > 1 } == true)
        #expect(try log.verify().isIntact)
    }

    @Test func aCrashAtEveryByteOfTheLastLineIsRecoveredFrom() throws {
        let log = try AuditFixture(checkpointLines: 1_000)
        try log.write(2)
        log.drop()
        let whole = try log.bytes()
        let lastLine = try #require(try log.lines().last).utf8.count + 1
        for cut in 1..<lastLine {
            try log.put(whole.dropLast(cut))
            try log.write(1)
            try log.finish()
            let lines = try log.all()
            let recovered = try #require(lines.first { $0.kind == "recovered" })
            #expect(recovered.number(.bytes) == Int64(lastLine - cut))
            #expect(lines.map(\.sequence) == Array(1...Int64(lines.count)))
            let report = try log.verify()
            #expect(report.isIntact && report.notes.count == 1, "\(cut): \(report.text)")
            try FileManager.default.removeItem(atPath: log.audit.lastCheckpointPath)
        }
    }

    @Test func aCrashBeforeAnythingWasWrittenIsRecoveredFrom() throws {
        let log = try AuditFixture()
        _ = try log.open()
        log.drop()
        try log.put(Array(repeating: 0, count: 300_000))
        try log.write(1)
        try log.finish()
        #expect(try log.verify().isIntact)
        #expect(try log.all().contains { $0.kind == "recovered" })
    }

    @Test func aCrashDuringRotationIsRecoveredFrom() throws {
        let log = try AuditFixture(checkpointLines: 2)
        try log.write(5)
        log.drop()
        // The next file is made first, and may be all that was done.
        try log.put([], 2)
        #expect(try log.verify().isIntact)
        try log.write(5)
        try log.finish()
        #expect(try log.verify().isIntact)
        #expect(try log.audit.numbers() == [1, 2])
    }

    @Test func aLogWhoseEndIsNotOursIsNotGoneOnFrom() throws {
        let log = try AuditFixture()
        try log.write(2)
        try log.finish()
        try log.put(try log.bytes() + Array("something else\n".utf8))
        let error = #expect(throws: AuditError.self) { try log.open() }
        #expect(error?.code == .damaged)
    }

    @Test func aStartSaysWhenSignedLinesAreGone() throws {
        let log = try AuditFixture()
        try log.write(8)
        try log.finish()
        try log.change { $0.removeLast(4) }
        try log.write(8)
        try log.finish()
        #expect(try log.all().contains { $0.kind == "truncation-found" })
        #expect(try log.codes().contains(.truncatedLog))
    }

    @Test func aKeyThatChangesIsSeen() throws {
        let log = try AuditFixture()
        try log.write(4)
        try log.finish()
        let former = try #require(AuditPublicKey(pem: try log.folder.text("audit/\(AuditFolder.publicKeyName)")))
        try FileManager.default.removeItem(atPath: log.settings.signingKeyPath)
        try log.write(4)
        try log.finish()
        let report = try log.verify()
        #expect(report.isIntact && report.keys.count == 2)
        #expect(report.notes.contains { $0.contains("another key") })
        #expect(try log.all().first { $0.kind == "key-changed" }?.text(.from) == former.fingerprint)
        #expect(try log.verify([former]).findings.contains { $0.code == .badSignature })
        let kept = "audit/public-key-\(former.fingerprint.prefix(16)).pem"
        #expect(try log.folder.text(kept) == former.pem)
    }

    @Test func aFullDiskLeavesWholeLinesAndLosesNothing() throws {
        // At every number of bytes that there may be room for.
        for room in stride(from: 0, to: 600, by: 23) {
            let log = try AuditFixture(checkpointLines: 1_000)
            try log.write(1)
            log.disk.leave(room)
            let entries = (0..<3).map { AuditFixture.entry($0, device: "kept", at: log.now) }
            let error = #expect(throws: AuditError.self) { try log.open().write(entries, now: log.now) }
            #expect(error?.code == .full)
            #expect(try log.bytes().last == UInt8(ascii: "\n"))
            log.disk.leave(nil)
            try log.open().write(entries, now: log.now)
            try log.finish()
            #expect(try log.verify().isIntact)
            #expect(try log.all().count { $0.text(.device)?.hasPrefix("kept") == true } == 3)
        }
    }

    @Test func aDiskThatIsFullAtACheckpointOrARotationIsGoneOnFrom() throws {
        for room in stride(from: 0, to: 3_000, by: 97) {
            let log = try AuditFixture(fileBytesMax: 3_000, checkpointLines: 3)
            try log.write(3)
            log.disk.leave(room)
            var written = 3
            for index in 0..<30 {
                log.now += 10
                let entry = AuditFixture.entry(index, at: log.now)
                do {
                    try log.open().write([entry], now: log.now)
                    written += 1
                } catch { #expect(error is AuditError) }
                try? log.open().tick(now: log.now)
            }
            log.disk.leave(nil)
            try log.write(10)
            try log.finish()
            let report = try log.verify()
            #expect(report.isIntact, "\(room): \(report.text)")
            #expect(try log.all().count { $0.kind == "decision" } == written + 10)
        }
    }
}
