import Foundation

/// Where one form of a report goes.
struct ReportFile: Sendable, Equatable {
    /// A file's path, or `-` for standard output.
    let path: String
    /// As on the command line, for errors: `--json`.
    let option: String

    var isStandardOutput: Bool { path == "-" }

    /// What would keep the report from being written, found out before a long run; nil if nothing does.
    func obstacle() -> String? {
        guard !isStandardOutput else { return nil }
        guard !path.isEmpty else { return "\(option) needs the name of a file" }
        switch kind {
        case .folder: return "\(option) \(path) is a folder; name a file in it"
        case .special:
            return FileManager.default.isWritableFile(atPath: path) ? nil : "\(option) \(path) may not be written"
        case .file, .nothing: break
        }
        switch Self.kind(of: folder) {
        case .folder: break
        case .nothing: return "\(option) \(path): there is no folder \(folder); make it first"
        case .file, .special: return "\(option) \(path): \(folder) is not a folder"
        }
        guard FileManager.default.isWritableFile(atPath: folder) else {
            return "\(option) \(path): no file can be made in \(folder)"
        }
        return nil
    }

    /// Writes whole or not at all. Blocks: not for an event loop.
    func write(_ text: String) throws(SimulatorError) {
        guard !isStandardOutput else {
            Output.standard(text)
            return
        }
        let data = Data(text.utf8)
        do {
            if kind == .special {
                // A device or a pipe must not be replaced by a file.
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
                defer { try? handle.close() }
                try handle.write(contentsOf: data)
            } else {
                try data.write(to: URL(fileURLWithPath: path), options: .atomic)
            }
        } catch {
            throw .file("file-unwritable", "cannot write the report to \(path)")
        }
    }

    private enum Kind {
        case nothing
        case file
        case folder
        case special
    }

    private var kind: Kind { Self.kind(of: path) }

    private static func kind(of path: String) -> Kind {
        // As the path resolves: a link to a folder is a folder.
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else { return .nothing }
        return switch attributes[.type] as? FileAttributeType {
        case FileAttributeType.typeRegular: .file
        case FileAttributeType.typeDirectory: .folder
        case _: .special
        }
    }

    private var folder: String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }
}
