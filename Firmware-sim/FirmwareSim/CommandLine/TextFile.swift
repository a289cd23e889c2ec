import Foundation

/// Reading files that options name.
enum TextFile {
    /// - Throws: ``SimulatorError`` if it is not there, not text, or longer than any PEM file.
    static func read(_ path: String) throws(SimulatorError) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw .file("file-unreadable", "cannot open \(path)")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: SimulatorLimits.pemFileBytesMax + 1) ?? Data() else {
            throw .file("file-unreadable", "cannot read \(path)")
        }
        guard data.count <= SimulatorLimits.pemFileBytesMax else {
            throw .file("file-too-large", "\(path) has more than \(SimulatorLimits.pemFileBytesMax) bytes")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .file("file-not-text", "\(path) is not text; PEM is needed")
        }
        return text
    }
}
