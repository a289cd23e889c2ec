import Foundation
import Synchronization

@testable import fleetgate

/// An audit log in a folder of a test's own, written by hand and not by a thread.
final class AuditFixture {
    let folder: TemporaryFolder
    var settings: AuditSettings
    let disk = FailingDisk()
    /// Milliseconds since 1970: 2026-11-21T01:00:00Z.
    var now: Int64 = 1_795_222_800_000
    private var writer: AuditWriter?

    init(fileBytesMax: Int = 1 << 20, keepDays: Int? = nil, keepBytes: Int? = nil, checkpointLines: Int = 4) throws {
        folder = try TemporaryFolder()
        settings = AuditSettings(
            folder: folder.path + "/audit", fileBytesMax: fileBytesMax, keepDays: keepDays, keepBytes: keepBytes,
            checkpointLines: checkpointLines)
    }

    var audit: AuditFolder { AuditFolder(path: settings.folder) }

    func open() throws -> AuditWriter {
        if let writer { return writer }
        let new = try AuditWriter(settings, storage: disk, now: now)
        writer = new
        return new
    }

    /// As a crash does: nothing is written any more, and the lock is free.
    func drop() { writer = nil }

    /// Entries one after the other, each in a batch of its own.
    func write(_ count: Int, device: String = "meter") throws {
        let writer = try open()
        for index in 0..<count {
            now += 10
            try writer.write([Self.entry(index, device: device, at: now)], now: now)
            try writer.tick(now: now)
        }
    }

    func finish() throws {
        now += 10
        try open().finish(now: now)
        drop()
    }

    func verify(_ keys: [AuditPublicKey]? = nil) throws -> AuditVerificationReport {
        var verifier = AuditVerifier(audit, keys: keys) { _, _ in }
        return try verifier.run()
    }

    func codes() throws -> [AuditFinding.Code] { try verify().findings.map(\.code) }

    func path(_ number: Int = 1) -> String { audit.path(number) }

    func bytes(_ number: Int = 1) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(number)))) }

    func put(_ bytes: some Sequence<UInt8>, _ number: Int = 1) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(number)))
    }

    /// The lines of a file, without their newlines.
    func lines(_ number: Int = 1) throws -> [String] {
        String(decoding: try bytes(number), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func change(_ number: Int = 1, _ body: (inout [String]) -> Void) throws {
        var lines = try lines(number)
        body(&lines)
        try put(lines.map { $0 + "\n" }.joined().utf8, number)
    }

    /// All lines of all files, read.
    func all() throws -> [AuditLine] {
        try audit.numbers().flatMap { try lines($0) }.compactMap { AuditLine(Array($0.utf8)[...]) }
    }

    static func entry(_ index: Int, device: String = "meter", at now: Int64) -> AuditEntry {
        AuditEntry(
            .decision, at: now,
            [.text(.outcome, "established"), .text(.device, "\(device)-\(index)"), .text(.tenant, "default")])
    }
}

/// A file system that can be made to refuse.
final class FailingDisk: AuditStorage, @unchecked Sendable {  // its state is behind a lock
    private let disk = AuditDisk()
    /// Bytes that may still be written; nil: as many as there is room for.
    private let room = Mutex<Int?>(nil)

    func leave(_ bytes: Int?) { room.withLock { $0 = bytes } }

    /// Takes as many bytes as there is room for.
    fileprivate func take(_ count: Int) -> Int {
        room.withLock { room in
            guard let left = room else { return count }
            let taken = min(left, count)
            room = left - taken
            return taken
        }
    }

    func open(_ path: String) throws(AuditError) -> any AuditOutput { FailingFile(try disk.open(path), self) }

    func replace(_ path: String, with bytes: [UInt8]) throws(AuditError) {
        guard take(bytes.count) == bytes.count else { throw AuditError(system: ENOSPC, path) }
        try disk.replace(path, with: bytes)
    }

    func remove(_ path: String) throws(AuditError) { try disk.remove(path) }
    func synchronizeFolder(_ path: String) { disk.synchronizeFolder(path) }

    private final class FailingFile: AuditOutput {
        private let file: any AuditOutput
        private let disk: FailingDisk

        init(_ file: any AuditOutput, _ disk: FailingDisk) {
            self.file = file
            self.disk = disk
        }

        func size() throws(AuditError) -> Int { try file.size() }

        func append(_ bytes: [UInt8]) throws(AuditError) {
            let taken = disk.take(bytes.count)
            try file.append(Array(bytes.prefix(taken)))
            if taken < bytes.count { throw AuditError(system: ENOSPC, "a file") }
        }

        func truncate(to size: Int) throws(AuditError) { try file.truncate(to: size) }
        func synchronize() throws(AuditError) { try file.synchronize() }
    }
}
