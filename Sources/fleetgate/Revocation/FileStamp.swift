import CoreFoundation
import Glibc

/// What the file system says of a file: as long as it is the same, so is the file.
struct FileStamp: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
    let bytes: Int64
    /// Seconds and nanoseconds.
    let modified: [Int64]
    /// Of the inode: a file that was written to and then given its old time.
    let changed: [Int64]

    /// Nil when there is no regular file. Symbolic links are followed.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        modified = [Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec)]
        changed = [Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec)]
    }
}
