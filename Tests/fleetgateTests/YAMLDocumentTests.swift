import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct YAMLDocumentTests {
    func parse(_ text: String) -> (node: SourceNode?, mistakes: [OperatorMistake]) {
        let collector = MistakeCollector()
        let node = YAMLDocument.parse(text, file: "f.yaml", reporting: collector)
        return (node, collector.mistakes)
    }

    @Test func placesAreCountedFromOne() throws {
        let (node, mistakes) = parse("a: 1\nb:\n  - x\n  - {c: 'q'}\n")
        #expect(mistakes.isEmpty)
        guard case .mapping(let entries, _)? = node else {
            Issue.record("not a mapping")
            return
        }
        #expect(entries.map(\.key) == ["a", "b"])
        try #require(entries.count == 2)
        #expect(entries[0].value.location.description == "f.yaml:1:4")
        #expect(entries[1].keyLocation.description == "f.yaml:2:1")
        guard case .sequence(let items, _) = entries[1].value, case .mapping(let inner, let place)? = items.last else {
            Issue.record("not a list")
            return
        }
        #expect(place.description == "f.yaml:4:5")
        guard case .scalar("q", quoted: true, let scalarPlace)? = inner.first?.value else {
            Issue.record("not a quoted text")
            return
        }
        #expect(scalarPlace.description == "f.yaml:4:9")
    }

    @Test(arguments: ["no", "yes", "on", "1.20", "0x10", "1e3", "2026-11-21", "null", "~", "0777", ".inf"])
    func scalarsStayTheTextTheyAre(text: String) {
        guard case .mapping(let entries, _)? = parse("a: \(text)").node,
            case .scalar(text, quoted: false, _)? = entries.first?.value
        else {
            Issue.record("\(text) became something else")
            return
        }
    }

    @Test(arguments: [
        ("a: \"x", "bad-yaml"), ("a: [1", "bad-yaml"), ("\ta: 1", "bad-yaml"), ("a: b: c", "bad-yaml"),
        ("a: 1\n b: 2", "bad-yaml"), ("a: \u{0}", "bad-yaml"), ("a: \u{7}", "bad-yaml"), ("", "missing-key"),
        ("# only a comment\n", "missing-key"), ("a: 1\n---\nb: 2", "bad-yaml"), ("%YAML 9.9\n---\na: 1", "bad-yaml"),
        ("a: *nowhere", "bad-yaml"), ("a: &x 1", "unsupported-yaml"), ("a: &x 1\nb: *x", "unsupported-yaml"),
        ("base: &b {x: 1}\nc:\n  <<: *b", "unsupported-yaml"), ("a: !!int 1", "unsupported-yaml"),
        ("a: !secret x", "unsupported-yaml"), ("a: !!str 5", "unsupported-yaml"), ("a: ! 5", "unsupported-yaml"),
        ("a: !!binary aGk=", "unsupported-yaml"), ("[a, b]: 1", "unsupported-yaml"),
        ("{a: 1}: 1", "unsupported-yaml"), ("? {a: 1}\n: 2", "unsupported-yaml"), ("a: 1\na: 2", "duplicate-key"),
        ("x:\n  k: 1\n  l: 2\n  k: 3", "duplicate-key"), ("a: 1\n\"a\": 2", "duplicate-key"),
    ])
    func whatIsNotTakenIsAMistakeWithAPlace(text: String, code: String) throws {
        let (_, mistakes) = parse(text)
        let mistake = try #require(mistakes.first)
        #expect(mistake.code.description == code)
        #expect(mistake.location.file == "f.yaml")
        #expect(mistake.location.line >= 1 && mistake.location.column >= 1)
    }

    @Test(arguments: [
        ("a: 1\nb: \"x\n", 2), ("a: 1\nb: 2\n\tc: 3", 3), ("a: 1\nb: 2\nc: \u{7}\n", 3),
        ("k: 1\nx:\n  j: 1\n  j: 2", 3),
    ])
    func theLineIsTheOneToLookAt(text: String, line: Int) throws {
        let place = try #require(parse(text).mistakes.first?.location)
        #expect(abs(place.line - line) <= 1)
    }

    @Test(arguments: [10_000, 300_000])
    func deepNestingEndsInAMistakeAndNotInAStackOverflow(depth: Int) {
        for text in [
            String(repeating: "[", count: depth), String(repeating: "{a: ", count: depth),
            String(repeating: "- ", count: depth) + "x",
        ] {
            #expect(!parse(text).mistakes.isEmpty)
        }
    }

    @Test func nestingBeyondTheLimitIsAMistake() {
        let fits = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(parse(fits).mistakes.isEmpty)
        #expect(parse("[" + fits + "]").mistakes.first?.code.description == "unsupported-yaml")
    }

    @Test func aliasesThatMultiplyEndAtOnce() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<40 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        text += "? *a39\n: x\n"
        #expect(parse(text).mistakes.map(\.code.description) == ["unsupported-yaml"])
    }

    @Test func starsInTextsAndCommentsAreNoAliases() {
        let text = "# *a *b *c\n" + String(repeating: "# *x *y\n", count: 100) + "a: \"*\"\nb: x*y*z\nc: 2 * 3\n"
        #expect(parse(text).mistakes.isEmpty)
    }

    @Test func filesAreBounded() throws {
        let folder = try TemporaryFolder()
        let collector = MistakeCollector()
        let large = try folder.write(String(repeating: "a", count: YAMLDocument.fileBytesMax + 1), to: "large.yaml")
        let binary = try folder.write([0x61, 0x3A, 0x20, 0xFF, 0xFE], to: "binary.yaml")
        for path in [large, binary, folder.path, folder.path + "/none.yaml", "/dev/zero"] {
            let node = YAMLDocument.read(path, reporting: collector)
            if node != nil { Issue.record("\(path) was read") }
        }
        #expect(
            collector.mistakes.map(\.code.description)
                == ["too-large", "not-utf8", "not-a-file", "file-not-found", "not-a-file"])
    }
}
