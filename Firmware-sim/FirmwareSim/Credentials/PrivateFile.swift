import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files that are there whole or not at all, and that others cannot read at any moment if they must not.
enum PrivateFile {
    /// A file only its owner may read, such as a private key.
    static let secretMode: mode_t = 0o600
    /// A file anyone may read, such as a certificate.
    static let publicMode: mode_t = 0o644

    /// Writes a file beside its place and renames it there, so that a reader sees the old text or the new. What was
    /// there is replaced; a link in its place leads nowhere.
    ///
    /// - Throws: ``SimulatorError`` `file-unwritable`.
    static func write(_ text: String, to path: String, mode: mode_t) throws(SimulatorError) {
        let failure = SimulatorError.file("file-unwritable", "cannot write \(path)")
        let url = URL(fileURLWithPath: path)
        let name = ".\(url.lastPathComponent).\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let temporary = url.deletingLastPathComponent().path + "/" + name
        // Made with its permissions, rather than given them afterwards when others may have it open already.
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard (try? handle.write(contentsOf: Data(text.utf8))) != nil, (try? handle.close()) != nil,
            unsafe rename(temporary, path) == 0
        else {
            unsafe unlink(temporary)
            throw failure
        }
    }

    /// Makes a folder that only its owner may enter, and those above it that are missing. One that is there stays as it
    /// is.
    ///
    /// - Throws: ``SimulatorError`` `folder-unusable`.
    static func makeFolder(_ path: String) throws(SimulatorError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file("folder-unusable", "cannot make the folder \(path)")
        }
    }

    /// Runs something while no other process, or thread, does the same for this folder.
    ///
    /// - Throws: ``SimulatorError`` `folder-unusable`, and what the body throws.
    static func withLock<Result>(
        onFolder path: String, _ body: () throws(SimulatorError) -> Result
    ) throws(SimulatorError) -> Result {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("folder-unusable", "cannot open the folder \(path)") }
        // Closing gives the lock back, and so does the end of the process.
        defer { close(descriptor) }
        var status = flock(descriptor, LOCK_EX)
        while status != 0, errno == EINTR { status = flock(descriptor, LOCK_EX) }
        guard status == 0 else { throw .file("folder-unusable", "cannot lock the folder \(path)") }
        return try body()
    }
}
