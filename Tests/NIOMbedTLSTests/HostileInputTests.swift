import Foundation
import Testing

/// The corpus of the fuzz targets, through their entry points.
@Suite("hostile input")
struct HostileInputTests {
    /// Tests/Fuzz/Corpus, wherever the sources are.
    private static let corpus = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz/Corpus")

    private func inputs(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Self.corpus.appendingPathComponent(target)
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test(
        arguments: [
            ("ticket", HostileInput.ticket), ("identity", HostileInput.identity),
            ("client-hello", HostileInput.clientHello),
        ] as [(String, @Sendable ([UInt8]) -> Bool)])
    func theCorpusIsSurvived(_ target: String, _ entry: @Sendable ([UInt8]) -> Bool) throws {
        let inputs = try self.inputs(target)
        let readable = inputs.filter { entry($0.bytes) }
        #expect(!readable.isEmpty, "nothing of the corpus gets to the end")
        for input in inputs {
            for count in stride(from: 0, to: input.bytes.count, by: 7) {
                _ = entry(Array(input.bytes.prefix(count)))
            }
        }
    }
}
