import Foundation

/// Files that did not exist before, with their mode from their first byte on. Nothing that stands at the path is touched,
/// and no symbolic link is followed (open(2), O_EXCL): who may write to a folder cannot turn a secret elsewhere.
enum NewFile {
    /// Why a file was not made.
    struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// errno(3).
        let code: Int32

        var isInTheWay: Bool { code == EEXIST }
        var description: String { unsafe String(cString: strerror(code)) }
    }

    /// Writes a file and removes it again when it cannot be written to the end.
    ///
    /// - Parameters:
    ///   - mode: The permission bits, whatever the process's umask says.
    ///   - isDurable: Whether it has reached the disk when this returns.
    static func write(
        _ contents: [UInt8], to path: String, mode: mode_t, isDurable: Bool = false
    ) throws(Failure) {
        // Its owner's alone until it is whole.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0o600)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        var failure = write(contents, to: descriptor)
        if failure == nil, fchmod(descriptor, mode) != 0 { failure = Failure(code: errno) }
        if failure == nil, isDurable, fsync(descriptor) != 0 { failure = Failure(code: errno) }
        if close(descriptor) != 0, failure == nil { failure = Failure(code: errno) }
        guard let failure else { return }
        _ = unsafe unlink(path)
        throw failure
    }

    private static func write(_ contents: [UInt8], to descriptor: Int32) -> Failure? {
        unsafe contents.withUnsafeBytes { bytes in
            var rest = unsafe bytes[...]
            while unsafe !rest.isEmpty {
                let count = unsafe Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    unsafe rest = rest.dropFirst(count)
                } else if count == 0 || errno != EINTR {
                    return Failure(code: count == 0 ? ENOSPC : errno)
                }
            }
            return nil
        }
    }
}

/// Files that only their owner may read, from their first byte on.
enum PrivateFile {
    /// Writes a new file with mode 0600. An existing one is never replaced.
    static func write(_ contents: [UInt8], to path: String) throws(NewDirectory.Failure) {
        do throws(NewFile.Failure) {
            try NewFile.write(contents, to: path, mode: 0o600)
        } catch {
            throw NewDirectory.Failure(
                description: error.isInTheWay
                    ? "\(path) exists; it was not replaced" : "\(path) cannot be written: \(error)")
        }
    }
}

/// Files that are the old or the new one, whole, whoever reads them and whenever the power goes.
enum DurableFile {
    /// Puts a file in its place in one step; what it replaces may have had another mode.
    static func replace(_ path: String, with contents: [UInt8], mode: mode_t) throws(NewFile.Failure) {
        let temporary = "\(path).\(UUID().uuidString).new"
        try NewFile.write(contents, to: temporary, mode: mode, isDurable: true)
        guard unsafe rename(temporary, path) == 0 else {
            let failure = NewFile.Failure(code: errno)
            _ = unsafe unlink(temporary)
            throw failure
        }
        // The name is on the disk when its folder is.
        FolderSwap.synchronize(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }
}
