import Foundation
import Testing

@testable import FirmwareSim

@Suite struct YAMLSourceTests {
    private func codes(_ text: String) -> [SourceMistake.Code] {
        let mistakes = MistakeCollector()
        _ = YAMLSource.parse(text, file: "x.yaml", reporting: mistakes)
        return mistakes.mistakes.map(\.code)
    }

    @Test(arguments: [
        ("", SourceMistake.Code.missingKey), ("# nothing\n", .missingKey), ("a: [", .badYAML), ("a: b: c", .badYAML),
        ("\ta: 1", .badYAML), ("a: 1\n---\nb: 1", .badYAML), ("a: \u{1}", .badYAML), ("a: 1\na: 2", .duplicateKey),
        ("a: &x 1\nb: *x", .unsupportedYAML), ("a: *x", .badYAML), ("a: !!int 1", .unsupportedYAML),
        ("a: !mine {}", .unsupportedYAML), ("a: !mine [1]", .unsupportedYAML), ("[a]: 1", .unsupportedYAML),
        ("{a: 1}: 1", .unsupportedYAML), ("&k a: 1", .unsupportedYAML),
    ])
    func whatIsNotTakenIsTold(text: String, code: SourceMistake.Code) {
        #expect(codes(text).contains(code))
    }

    @Test(arguments: [25, 999, 1_001, 50_000])
    func deepNestingEndsInAMistake(depth: Int) {
        for text in [
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth),
            String(repeating: "[", count: depth), String(repeating: "{a: ", count: depth),
            String(repeating: "- ", count: depth) + "x", String(repeating: "? ", count: depth) + "x",
        ] {
            #expect(!codes(text).isEmpty)
        }
    }

    @Test func aliasesDoNotKeepItBusy() {
        // Without a bound this doubles with each line, as the parser compares keys through aliases.
        var text = "x0: &x0 {a: 1}\n"
        for number in 1...60 { text += "x\(number): &x\(number) {*x\(number - 1) : 1, b: *x\(number - 1)}\n" }
        #expect(codes(text) == [.unsupportedYAML])
    }

    @Test func starsInTextsAreNoAliases() {
        let items = (0..<40).map { "- failures of f\($0) */eof == 0\n- \"*/eof\"\n" }.joined()
        #expect(codes(items) == [])
    }

    @Test func tooLargeIsRefusedUnread() {
        #expect(codes(String(repeating: "#", count: YAMLSource.fileBytesMax + 1)) == [.unreadable])
    }

    @Test func filesThatCannotBeRead() throws {
        func codes(_ path: String) -> [SourceMistake.Code] {
            let mistakes = MistakeCollector()
            #expect(YAMLSource.read(path: path, reporting: mistakes) == nil)
            return mistakes.mistakes.map(\.code)
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let binary = folder.appendingPathComponent("binary.yaml")
        try Data([0xFF, 0xFE, 0x00, 0x80]).write(to: binary)
        #expect(codes(folder.appendingPathComponent("none.yaml").path) == [.unreadable])
        #expect(codes(folder.path) == [.unreadable])
        #expect(codes(binary.path) == [.unreadable])
        #expect(codes("") == [.unreadable])
    }

    @Test func mistakesAreBounded() {
        let text = (0..<1_000).map { "k\($0): !tag x\n" }.joined()
        #expect(codes(text).count == MistakeCollector.mistakesMax)
    }

    @Test func nearestNames() {
        #expect(NearestName.find("conut", among: ["count", "class"]) == "count")
        #expect(NearestName.find("zzz", among: ["count"]) == nil)
        #expect(NearestName.find("", among: ["a"]) == nil)
        #expect(NearestName.find(String(repeating: "a", count: 100_000), among: ["a"]) == nil)
        #expect(NearestName.hint(for: "zzz", among: ["a", "b"]) == "known are a, b")
        #expect(NearestName.hint(for: "zzz", among: []) == "there is none")
    }
}
