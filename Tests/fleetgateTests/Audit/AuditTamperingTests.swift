import Foundation
import Testing

@testable import fleetgate

/// Everything that can be done to a log without its signing key.
@Suite struct AuditTamperingTests {
    private func log(_ count: Int = 10) throws -> AuditFixture {
        let log = try AuditFixture()
        try log.write(count)
        try log.finish()
        return log
    }

    @Test func anUntouchedLogIsIntactAndProvenToItsEnd() throws {
        let log = try log()
        let report = try log.verify()
        #expect(report.isIntact && report.findings.isEmpty && report.notes.isEmpty)
        #expect(report.provenThrough == report.lastSequence)
        #expect(report.lines == (try log.lines().count))
    }

    @Test func everyLineThatIsChangedIsFoundWhereItIs() throws {
        let log = try log()
        let original = try log.bytes()
        let count = try log.lines().count
        for index in 0..<count {
            try log.change { $0[index] = $0[index].replacing("2026-11-21", with: "2026-11-20") }
            let report = try log.verify()
            #expect(!report.isIntact)
            let lines = report.findings.map(\.line)
            #expect(lines.contains(index + 1) || report.findings.contains { $0.code == .truncatedLog })
            #expect(report.findings.allSatisfy { $0.file == AuditFolder.name(1) })
            #expect((report.provenThrough ?? 0) <= Int64(index + 1))
            try log.put(original)
        }
        #expect(try log.verify().isIntact)
    }

    @Test func everyBitThatIsTurnedIsFound() throws {
        // One line of each kind there is: the whole log is read anew for each of its bytes.
        let log = try AuditFixture(checkpointLines: 1_000)
        try log.write(1)
        try log.finish()
        let original = try log.bytes()
        for index in original.indices {
            var bytes = original
            bytes[index] ^= 1 << UInt8(index % 8)
            try log.put(bytes)
            #expect(try !log.verify().isIntact, "byte \(index)")
        }
    }

    @Test func aRemovedLineIsFound() throws {
        let log = try log()
        try log.change { $0.remove(at: 5) }
        let report = try log.verify()
        #expect(report.findings.map(\.code) == [.removedLines])
        #expect(report.findings.first?.line == 6 && report.findings.first?.sequence == 6)
    }

    @Test func severalRemovedLinesAreOneFinding() throws {
        let log = try log()
        try log.change { $0.removeSubrange(3...6) }
        let report = try log.verify()
        #expect(report.findings.map(\.code) == [.removedLines])
        #expect(report.findings.first?.detail.contains("lines 4 to 7") == true)
    }

    @Test func theFirstLineIsMissedToo() throws {
        let log = try log()
        try log.change { $0.removeFirst() }
        #expect(try log.codes().contains(.missingFile))
    }

    @Test func aLineThatIsPutInTwiceIsFound() throws {
        let log = try log()
        try log.change { $0.insert($0[4], at: 5) }
        let report = try log.verify()
        #expect(report.findings.map(\.code) == [.insertedLine])
        #expect(report.findings.first?.line == 6)
    }

    @Test func aForgedLineThatFitsTheChainIsFound() throws {
        let log = try log()
        try log.change { lines in
            let before = Array(lines[4].utf8)
            var chain = AuditChain(sequence: 5, head: AuditChain.hash(before))
            let forged = chain.line(AuditFixture.entry(99, device: "forged", at: log.now))
            lines.insert(String(decoding: forged, as: UTF8.self), at: 5)
        }
        #expect(try log.codes() == [.insertedLine, .changedLine])
    }

    @Test func linesThatChangedPlacesAreFound() throws {
        let log = try log()
        try log.change { $0.swapAt(4, 5) }
        let report = try log.verify()
        #expect(report.findings.map(\.code) == [.reorderedLine])
        #expect(report.findings.first?.line == 6 && report.findings.first?.sequence == 5)
    }

    @Test func aLineMovedToTheEndIsFound() throws {
        let log = try log()
        try log.change { $0.append($0.remove(at: 2)) }
        #expect(try log.codes() == [.reorderedLine])
    }

    @Test func aLogThatIsCutOffInALineIsFound() throws {
        let log = try log()
        try log.put(try log.bytes().dropLast(20))
        #expect(try log.codes().contains(.partialLine))
    }

    @Test func aLogThatIsCutOffBeforeItsNewestCheckpointIsFound() throws {
        let log = try log()
        try log.change { $0.removeLast(3) }
        #expect(try log.codes() == [.truncatedLog])
    }

    @Test func whatStandsBehindTheLastCheckpointIsNotCalledProven() throws {
        let log = try log()
        log.settings.checkpointLines = 1_000
        try log.write(3)
        log.drop()
        let report = try log.verify()
        #expect(report.isIntact)
        #expect(report.provenThrough.map { $0 < report.lastSequence ?? 0 } == true)
        #expect(report.text.contains("not yet signed"))
    }

    @Test func textInsteadOfALineIsFoundOnce() throws {
        let log = try log()
        try log.change { $0[6] = "nothing of ours" }
        let report = try log.verify()
        #expect(report.findings.map(\.code) == [.malformedLine])
        #expect(report.findings.first?.line == 7)
    }

    @Test func aLineWithoutEndIsReadInBoundedMemoryAndFound() throws {
        let log = try log()
        try log.change { $0[6] = String(repeating: "x", count: 3 << 20) }
        #expect(try log.codes() == [.malformedLine])
    }

    @Test func aLogWrittenAnewWithAnotherKeyIsFoundByWhoKnowsTheKey() throws {
        let log = try log()
        let pem = try log.folder.text("audit/\(AuditFolder.publicKeyName)")
        let key = try #require(AuditPublicKey(pem: pem))
        #expect(try log.verify([key]).isIntact)
        try FileManager.default.removeItem(atPath: log.settings.folder)
        try log.write(10)
        try log.finish()
        #expect(try log.verify().isIntact)
        let report = try log.verify([key])
        #expect(Set(report.findings.map(\.code)) == [.badSignature])
        #expect(report.provenThrough == nil)
    }

    @Test func aCheckpointOfAnotherLineIsFound() throws {
        let log = try log()
        try log.change { lines in
            let checkpoints = lines.indices.filter { lines[$0].contains("\"kind\":\"checkpoint\"") }
            guard checkpoints.count >= 2 else { return }
            let signatures = checkpoints.map { lines[$0].components(separatedBy: ",\"signature\":") }
            lines[checkpoints[0]] = signatures[0][0] + ",\"signature\":" + signatures[1][1]
        }
        #expect(try log.codes().contains(.badSignature))
    }

    @Test func aFileThatIsGoneIsFound() throws {
        for gone in 1...3 {
            let log = try AuditFixture(fileBytesMax: 4_000)
            try log.write(60)
            try log.finish()
            #expect(try log.audit.numbers().count > 3)
            #expect(try log.verify().isIntact)
            let number = gone == 3 ? try #require(log.audit.numbers().last) : gone
            try FileManager.default.removeItem(atPath: log.path(number))
            let report = try log.verify()
            #expect(report.findings.contains { $0.code == .missingFile }, "\(number)")
        }
    }

    @Test func filesThatChangedPlacesAreFound() throws {
        let log = try AuditFixture(fileBytesMax: 4_000)
        try log.write(60)
        try log.finish()
        let (first, second) = (try log.bytes(2), try log.bytes(3))
        try log.put(second, 2)
        try log.put(first, 3)
        #expect(try !log.verify().isIntact)
    }

    @Test func aBadFolderIsAnErrorAndAnEmptyOneIsSaidToBe() throws {
        #expect(throws: AuditError.self) {
            var verifier = AuditVerifier(AuditFolder(path: "/nonexistent"), keys: nil) { _, _ in }
            _ = try verifier.run()
        }
        let folder = try TemporaryFolder()
        var verifier = AuditVerifier(AuditFolder(path: folder.path), keys: nil) { _, _ in }
        let report = try verifier.run()
        #expect(report.isIntact && report.notes == ["the folder holds no audit log"])
    }
}
