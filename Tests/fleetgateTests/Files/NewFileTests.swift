import Foundation
import Testing

@testable import fleetgate

@Suite struct NewFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    @Test(arguments: [0o600, 0o640, 0o644] as [mode_t])
    func aFileHasItsModeAndAllItsBytes(_ mode: mode_t) throws {
        let contents = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        try NewFile.write(contents, to: folder.path + "/new", mode: mode, isDurable: true)
        #expect(try folder.mode("new") == Int(mode))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/new")) == Data(contents))
    }

    @Test func whatIsThereIsNotTouched() throws {
        try folder.write("old", to: "file", mode: 0o644)
        #expect(throws: NewFile.Failure(code: EEXIST)) {
            try NewFile.write([1], to: folder.path + "/file", mode: 0o600)
        }
        #expect(throws: NewDirectory.Failure.self) { try PrivateFile.write([1], to: folder.path + "/file") }
        #expect(try folder.text("file") == "old" && folder.mode("file") == 0o644)
    }

    @Test func aLinkLeadsNoSecretElsewhere() throws {
        let elsewhere = folder.path + "/elsewhere"
        let link = folder.path + "/key.pem"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: elsewhere)
        #expect(throws: NewDirectory.Failure.self) { try PrivateFile.write([1], to: link) }
        #expect(!FileManager.default.fileExists(atPath: elsewhere))
    }

    @Test func aFileIsReplacedInOneStepAndNothingIsLeftBeside() throws {
        try folder.write("old", to: "file", mode: 0o666)
        try DurableFile.replace(folder.path + "/file", with: Array("new".utf8), mode: 0o600)
        #expect(try folder.text("file") == "new" && folder.mode("file") == 0o600)
        #expect(try names == ["file"])
    }

    @Test func whatCannotBeReplacedStays() throws {
        try folder.write("old", to: "folder/file")
        #expect(throws: NewFile.Failure.self) {
            try DurableFile.replace(folder.path + "/folder", with: [1], mode: 0o600)
        }
        #expect(throws: NewFile.Failure(code: ENOENT)) {
            try DurableFile.replace(folder.path + "/none/file", with: [1], mode: 0o600)
        }
        #expect(try folder.text("folder/file") == "old")
        #expect(try names == ["folder"])
    }
}

@Suite struct FileLockTests {
    @Test func oneHasItAtATime() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lock"
        var first: FileLock? = try FileLock(path)
        #expect(throws: FileLock.Failure.isHeld) { try FileLock(path) }
        #expect(throws: FileLock.Failure.isHeld) { try FileLock(path, waiting: .milliseconds(50)) }
        #expect(first != nil)
        first = nil
        _ = try FileLock(path)
        #expect(try folder.mode("lock") == 0o600)
    }

    /// A number that is closed twice is somebody else's the second time.
    @Test func whoDoesNotGetItClosesOneDescriptorOnce() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lock"
        let lock = try FileLock(path)
        for _ in 0..<20 {
            #expect(throws: FileLock.Failure.isHeld) { try FileLock(path) }
            #expect(throws: FileLock.Failure.self) { try FileLock(folder.path + "/none/lock") }
        }
        #expect(try Self.copies(of: path).count == 1)
        withExtendedLifetime(lock) {}
    }

    /// This process's descriptors of a file.
    private static func copies(of path: String) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .filter { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path }
            .compactMap { Int32($0) }
    }

    /// As a child has between fork(2) and execve(2).
    @Test func aCopyOfItsDescriptorDoesNotKeepIt() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lock"
        var lock: FileLock? = try FileLock(path)
        let copies = try Self.copies(of: path).map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        #expect(lock != nil)
        lock = nil
        _ = try FileLock(path)
    }

    @Test func aLinkOrAMissingFolderIsNoLock() throws {
        let folder = try TemporaryFolder()
        try folder.write("x", to: "file")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/lock", withDestinationPath: folder.path + "/file")
        for path in ["/lock", "/none/lock"] {
            #expect {
                try FileLock(folder.path + path)
            } throws: { error in
                if case .unusable(let why)? = error as? FileLock.Failure { why.contains(path) } else { false }
            }
        }
    }
}
