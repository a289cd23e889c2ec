internal import Foundation

/// A directory of one test's own, removed with everything in it when the value goes.
public final class ScratchDirectory: Sendable {
    public let path: String

    public init() throws {
        // Short, because a unix socket's path in it may have no more than 107 bytes.
        let path = NSTemporaryDirectory() + "fg-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        self.path = path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.path)
    }

    /// Writes a file, readable by its owner alone, with the folders it is in, and returns its path.
    @discardableResult
    public func write(_ name: String, _ contents: String) throws -> String {
        let path = self.path + "/" + name
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try contents.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return path
    }
}
