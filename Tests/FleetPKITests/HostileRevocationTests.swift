import Foundation
import Testing

/// The corpus of the fuzz targets, through their entry points.
@Suite("hostile revocation")
struct HostileRevocationTests {
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
            ("crl", ["distribution-point.crl", "empty.crl", "entries.crl", "two.txt"], HostileRevocation.list),
            ("ocsp", ["delegated.response", "good.response", "revoked.response"], HostileRevocation.response),
        ] as [(String, [String], @Sendable ([UInt8]) -> Bool)])
    func theCorpusIsSurvived(
        _ target: String, _ whole: [String], _ entry: @Sendable ([UInt8]) -> Bool
    ) throws {
        let inputs = try self.inputs(target)
        #expect(Set(inputs.filter { entry($0.bytes) }.map(\.name)).isSuperset(of: whole), "signatures that are good")
        for input in inputs {
            for count in stride(from: 0, to: input.bytes.count, by: 7) {
                let isRead = entry(Array(input.bytes.prefix(count)))
                // A text cut between two lists is one of them.
                #expect(!isRead || input.name.hasSuffix(".txt"), "\(input.name), cut at \(count)")
            }
            for place in stride(from: 0, to: input.bytes.count, by: 5) {
                var bytes = input.bytes
                bytes[place] ^= 0x41
                _ = entry(bytes)
            }
        }
    }
}
