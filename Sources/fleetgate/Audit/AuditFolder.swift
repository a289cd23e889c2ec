import Foundation
import Glibc

/// The folder of an audit log, and the names in it.
struct AuditFolder: Sendable, Hashable {
    static let signingKeyName = "signing-key.pem"
    static let publicKeyName = "public-key.pem"
    static let lockName = "lock"
    /// A copy of the newest checkpoint: says what must be in the log at least.
    static let lastCheckpointName = "last-checkpoint.jsonl"
    private static let filePrefix = "audit-"
    private static let fileSuffix = ".jsonl"
    private static let fileDigits = 10

    let path: String

    /// The name of a file: numbered from 1 on without gaps.
    static func name(_ number: Int) -> String {
        let digits = String(number)
        return filePrefix + String(repeating: "0", count: max(0, fileDigits - digits.utf8.count)) + digits + fileSuffix
    }

    /// The number in a file's name; nil for other files.
    static func number(_ name: String) -> Int? {
        guard name.hasPrefix(filePrefix), name.hasSuffix(fileSuffix),
            let number = Int(name.dropFirst(filePrefix.utf8.count).dropLast(fileSuffix.utf8.count)), number > 0,
            Self.name(number) == name
        else { return nil }
        return number
    }

    func path(_ number: Int) -> String { "\(path)/\(Self.name(number))" }
    var lastCheckpointPath: String { "\(path)/\(Self.lastCheckpointName)" }
    var publicKeyPath: String { "\(path)/\(Self.publicKeyName)" }

    /// The numbers of the log's files, ascending.
    func numbers() throws(AuditError) -> [Int] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw AuditError(.folder, "\(path) is not there: no gateway has kept its audit log in it")
        }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw AuditError(.folder, "the audit log's folder \(path) cannot be listed")
        }
        return names.compactMap(Self.number).sorted()
    }

    /// Makes the folder with mode 0700 when it is missing.
    func make() throws(AuditError) {
        if FileManager.default.fileExists(atPath: path) {
            guard let attributes = try? BoundedFile.attributes(path), attributes.type == .typeDirectory else {
                throw AuditError(.folder, "\(path) is not a folder")
            }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw AuditError(.folder, "the audit log's folder \(path) cannot be made")
        }
    }

    /// The newest checkpoint by its copy; nil when there is none or it cannot be read.
    func lastCheckpoint() -> (line: AuditLine, hash: [UInt8])? {
        guard let bytes = try? BoundedFile.read(lastCheckpointPath, bytesMax: AuditLimits.lineBytes + 1),
            bytes.last == UInt8(ascii: "\n"), let line = AuditLine(bytes.dropLast()),
            line.kind == AuditKind.checkpoint.rawValue
        else { return nil }
        return (line, AuditChain.hash(bytes.dropLast()))
    }
}

/// What keeps a second gateway from writing into the same folder: a lock (flock(2)) for as long as the value lives.
final class AuditLock: Sendable {
    private let descriptor: Int32

    init(_ folder: AuditFolder) throws(AuditError) {
        let path = "\(folder.path)/\(AuditFolder.lockName)"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AuditError(system: errno, path) }
        var tries = Self.tries
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            tries -= 1
            guard tries > 0 else {
                throw AuditError(.inUse, "another gateway writes its audit log into \(folder.path)")
            }
            usleep(Self.microsecondsBetweenTries)
        }
    }

    /// A command that looks whether a gateway is running (``isHeld(_:)``) has the lock for some microseconds.
    private static let tries = 10
    private static let microsecondsBetweenTries: UInt32 = 20_000

    /// Runs after a failure of `init` too, which has set everything by then.
    deinit {
        guard descriptor >= 0 else { return }
        // Said in so many words: a child that was forked and has not begun its program yet has the descriptor too.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Whether a gateway writes into the folder now.
    static func isHeld(_ folder: AuditFolder) -> Bool {
        let descriptor = unsafe open("\(folder.path)/\(AuditFolder.lockName)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
