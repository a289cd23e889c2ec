import Foundation

/// A directory that appears whole or not at all: written beside its place, then renamed.
struct NewDirectory {
    /// Why a directory or file could not be written. The message is for the operator.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let destination: URL
    private let temporary: URL

    /// - Parameter path: Must not exist, or be an empty directory.
    init(at path: String) throws(Failure) {
        let destination = URL(fileURLWithPath: path).standardizedFileURL
        self.destination = destination
        let parent = destination.deletingLastPathComponent()
        self.temporary = parent.appendingPathComponent(".\(destination.lastPathComponent).\(UUID().uuidString)")
        let files = FileManager.default
        if let contents = try? files.contentsOfDirectory(atPath: destination.path) {
            guard contents.isEmpty else { throw Failure(description: "\(path) is not empty; nothing was changed") }
        } else if files.fileExists(atPath: destination.path) {
            throw Failure(description: "\(path) exists and is not a directory; nothing was changed")
        }
        do {
            try files.createDirectory(at: parent, withIntermediateDirectories: true)
            try files.createDirectory(
                at: temporary, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(description: "\(parent.path) cannot be written to")
        }
    }

    func createDirectory(_ name: String) throws(Failure) {
        do {
            try FileManager.default.createDirectory(
                at: temporary.appendingPathComponent(name), withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(description: "\(destination.path)/\(name) cannot be made")
        }
    }

    func write(_ contents: String, to name: String) throws(Failure) {
        try PrivateFile.write(Array(contents.utf8), to: temporary.appendingPathComponent(name).path)
    }

    /// Puts the directory into its place.
    func commit() throws(Failure) {
        do {
            // An empty directory may be in the way; rename(2) replaces it in one step, FileManager does not.
            if FileManager.default.fileExists(atPath: destination.path) {
                try FileManager.default.removeItem(at: destination)
            }
            try FileManager.default.moveItem(at: temporary, to: destination)
        } catch {
            discard()
            throw Failure(description: "\(destination.path) cannot be put into its place")
        }
    }

    /// Removes what was written so far.
    func discard() {
        try? FileManager.default.removeItem(at: temporary)
    }
}
