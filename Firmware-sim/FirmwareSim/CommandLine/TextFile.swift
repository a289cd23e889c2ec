import Foundation

/// Reading files that options name.
enum TextFile {
    /// - Parameter bytesMax: By default that of any PEM file.
    /// - Throws: ``SimulatorError`` if it is not there, not text, or longer than that.
    static func read(
        _ path: String, bytesMax: Int = SimulatorLimits.pemFileBytesMax
    ) throws(SimulatorError) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw .file("file-unreadable", "cannot open \(path)")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: bytesMax + 1) ?? Data() else {
            throw .file("file-unreadable", "cannot read \(path)")
        }
        guard data.count <= bytesMax else {
            throw .file("file-too-large", "\(path) has more than \(bytesMax) bytes")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .file("file-not-text", "\(path) is not text; PEM is needed")
        }
        return text
    }
}
