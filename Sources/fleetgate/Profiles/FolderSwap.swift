import Foundation
import Glibc

/// Lets two folders change places.
enum FolderSwap {
    /// As the call of Linux (renameat2(2)), which the C library's header shows to C alone.
    private typealias RenameAt2 =
        @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    /// RENAME_EXCHANGE of linux/fs.h.
    private static let exchangeFlag: UInt32 = 2

    /// Exchanges two folders of one file system in one step: at every moment each name leads to one of the two.
    ///
    /// - Returns: false when the system or the file system cannot do that; nothing has been changed then.
    /// - Throws: ``CommandFailure``; nothing has been changed.
    static func exchange(_ first: String, _ second: String) throws -> Bool {
        guard let symbol = unsafe dlsym(nil, "renameat2") else { return false }
        let rename = unsafe unsafeBitCast(symbol, to: RenameAt2.self)
        guard unsafe rename(AT_FDCWD, first, AT_FDCWD, second, exchangeFlag) != 0 else { return true }
        let code = errno
        guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(code) else {
            throw CommandFailure("\(first) cannot be replaced: \(Self.words(code))")
        }
        return false
    }

    /// Renames; the new name must not be taken, unless by an empty folder.
    ///
    /// - Throws: ``CommandFailure``.
    static func rename(_ old: String, to new: String) throws {
        guard unsafe Glibc.rename(old, new) == 0 else {
            throw CommandFailure("\(old) cannot be renamed to \(new): \(Self.words(errno))")
        }
    }

    /// Makes sure that what a folder lists has reached the disk.
    static func synchronize(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func words(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
