import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that appears whole or not at all: filled beside its place, then renamed. Only its owner may enter it.
struct NewFolder {
    /// Where it is while it is being filled.
    let path: String
    private let destination: String

    /// - Parameter destination: Must not exist, or be an empty folder.
    /// - Throws: ``SimulatorError`` `folder-not-empty`, `folder-unusable`.
    init(at destination: String) throws(SimulatorError) {
        let url = URL(fileURLWithPath: destination).standardizedFileURL
        let files = FileManager.default
        if let contents = try? files.contentsOfDirectory(atPath: url.path) {
            guard contents.isEmpty else {
                throw .file("folder-not-empty", "\(destination) is not empty; nothing was changed")
            }
        } else if files.fileExists(atPath: url.path) {
            throw .file("folder-not-empty", "\(destination) exists and is not a folder; nothing was changed")
        }
        let parent = url.deletingLastPathComponent()
        self.destination = url.path
        self.path = parent.path + "/.\(url.lastPathComponent).\(String(UInt64.random(in: .min ... .max), radix: 36))"
        do {
            try files.createDirectory(at: parent, withIntermediateDirectories: true)
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file("folder-unusable", "cannot make a folder in \(parent.path)")
        }
    }

    /// Puts the folder into its place.
    ///
    /// - Throws: ``SimulatorError`` `folder-unusable`; the folder is gone then.
    func commit() throws(SimulatorError) {
        // rename(2) replaces an empty folder in one step and refuses one that was filled in the meantime.
        guard unsafe rename(path, destination) == 0 else {
            discard()
            throw .file("folder-unusable", "cannot put the folder into its place, \(destination)")
        }
    }

    /// Removes what was written so far.
    func discard() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
