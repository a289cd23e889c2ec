import Foundation
import Glibc

/// A file of the log that is being written. Confined to the writer's thread.
protocol AuditOutput: AnyObject {
    /// Bytes in the file.
    func size() throws(AuditError) -> Int
    /// Writes at the end. After an error any part of the bytes may be in the file.
    func append(_ bytes: [UInt8]) throws(AuditError)
    /// Cuts off what stands behind so many bytes.
    func truncate(to size: Int) throws(AuditError)
    /// Returns when what was written has reached the disk.
    func synchronize() throws(AuditError)
}

/// What the writer does to the folder, beside writing to a file. Confined to the writer's thread.
protocol AuditStorage: AnyObject {
    /// Opens a file for appending; with mode 0600 when it is a new one.
    func open(_ path: String) throws(AuditError) -> any AuditOutput
    /// Puts a file in its place in one step, with mode 0644: it holds nothing that the log's readers may not see.
    func replace(_ path: String, with bytes: [UInt8]) throws(AuditError)
    func remove(_ path: String) throws(AuditError)
    /// Returns when what the folder lists has reached the disk.
    func synchronizeFolder(_ path: String)
}

/// The file system.
final class AuditDisk: AuditStorage {
    func open(_ path: String) throws(AuditError) -> any AuditOutput { try AuditFile(path) }

    func replace(_ path: String, with bytes: [UInt8]) throws(AuditError) {
        let temporary = path + ".new"
        _ = unsafe unlink(temporary)
        let file = try AuditFile(temporary, mode: 0o644)
        try file.append(bytes)
        try file.synchronize()
        guard unsafe rename(temporary, path) == 0 else { throw AuditError(system: errno, path) }
    }

    func remove(_ path: String) throws(AuditError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw AuditError(system: errno, path) }
    }

    func synchronizeFolder(_ path: String) { FolderSwap.synchronize(path) }
}

/// A file of the file system, opened so that every write goes to its end.
final class AuditFile: AuditOutput {
    private let path: String
    private let descriptor: Int32

    init(_ path: String, mode: mode_t = 0o600) throws(AuditError) {
        self.path = path
        descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw AuditError(system: errno, path) }
    }

    deinit { close(descriptor) }

    func size() throws(AuditError) -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw AuditError(system: errno, path) }
        return Int(end)
    }

    func append(_ bytes: [UInt8]) throws(AuditError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe write(descriptor, all.baseAddress?.advanced(by: written), all.count - written)
            }
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                throw AuditError(system: count == 0 ? ENOSPC : errno, path)
            }
        }
    }

    func truncate(to size: Int) throws(AuditError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw AuditError(system: errno, path) }
    }

    func synchronize() throws(AuditError) {
        guard fsync(descriptor) == 0 else { throw AuditError(system: errno, path) }
    }
}
