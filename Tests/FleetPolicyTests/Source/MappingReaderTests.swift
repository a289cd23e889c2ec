import FleetPolicy
import Testing

@Suite struct MappingReaderTests {
    private enum Colour: String, CaseIterable {
        case red, green
        case darkBlue = "dark-blue"
    }

    private func read<Value>(
        _ yaml: String, _ body: (inout MappingReader) -> Value
    ) throws -> (value: Value?, mistakes: [OperatorMistake]) {
        let collector = MistakeCollector()
        let value = MappingReader.read(try sourceNode(yaml), reporting: collector, body)
        return (value, OperatorMistakes(collector.mistakes)?.mistakes ?? [])
    }

    @Test func readsEveryKind() throws {
        let (_, mistakes) = try read(
            """
            name: gate
            port: 8883
            on: true
            wait: 500ms
            size: 256 KiB
            colour: dark-blue
            list: [a, "b"]
            inner: { key: 1 }
            """
        ) { reader in
            #expect(reader.requiredString("name") == "gate")
            #expect(reader.int("port", in: 1...65_535) == 8_883)
            #expect(reader.bool("on") == true)
            #expect(reader.duration("wait", in: .zero ... .seconds(1)) == .milliseconds(500))
            #expect(reader.byteSize("size", in: 1...1_000_000) == 262_144)
            #expect(reader.choice("colour", of: Colour.self) == .darkBlue)
            #expect(reader.strings("list", countMax: 2).map(\.value) == ["a", "b"])
            #expect(reader.nested("inner") { $0.int("key", in: 0...1) } == .some(.some(1)))
            #expect(reader.string("absent") == nil)
        }
        #expect(mistakes.isEmpty)
    }

    @Test func everyMistakeIsReportedAtOnceAndInOrder() throws {
        let (value, mistakes) = try read(
            """
            port: 99999
            on: yes
            wait: 30
            size: 4MB
            colour: dark-bleu
            lst: [a]
            inner: { key: x, other: 1 }
            """
        ) { reader -> String? in
            let name = reader.requiredString("name")
            _ = reader.int("port", in: 1...65_535)
            _ = reader.bool("on")
            _ = reader.duration("wait", in: .zero ... .seconds(1))
            _ = reader.byteSize("size", in: 1...1_000_000)
            _ = reader.choice("colour", of: Colour.self)
            _ = reader.strings("list", countMax: 2)
            _ = reader.nested("inner") { $0.int("key", in: 0...1) }
            return name
        }
        #expect(value == .some(nil))
        #expect(mistakes.map(\.location.line) == [1, 1, 2, 3, 4, 5, 6, 7, 7])
        #expect(
            mistakes.map(\.key) == ["name", "port", "on", "wait", "size", "colour", "lst", "inner.key", "inner.other"])
        #expect(
            mistakes.map(\.code) == [
                .missingKey, .outOfRange, .badValue, .badValue, .badValue, .badValue, .unknownKey, .badValue,
                .unknownKey,
            ])
        #expect(mistakes[5].hint == "did you mean `dark-blue`?")
        #expect(mistakes[6].hint == "did you mean `list`?")
    }

    @Test func describesAMistakeForAnEditor() throws {
        let (_, mistakes) = try read("a: 1\nlistne: x\n") { reader in
            _ = reader.int("a", in: 0...1)
            _ = reader.string("listen")
        }
        #expect(mistakes.map(\.description) == ["test.yaml:2:1: listne: unknown key (hint: did you mean `listen`?)"])
    }

    @Test(arguments: [
        ("key: [1]", OperatorMistake.Code.wrongKind), ("key: {a: 1}", .wrongKind), ("key: \"5\"", .wrongKind),
        ("key: 0x10", .badValue), ("key: 1.5", .badValue), ("key: 99999999999999999999", .badValue),
        ("key: -1", .outOfRange), ("key: 11", .outOfRange), ("key:", .missingKey), ("key: ~", .missingKey),
        ("key: five", .badValue), ("key: 1_0", .badValue), ("key: +5", .badValue),
    ])
    func refusesWhatIsNoNumber(yaml: String, code: OperatorMistake.Code) throws {
        let (_, mistakes) = try read(yaml) { _ = $0.int("key", in: 0...10) }
        #expect(mistakes.map(\.code) == [code])
    }

    @Test(arguments: ["True", "yes", "on", "1", "\"true\"", "[true]"])
    func refusesWhatIsNoBoolean(text: String) throws {
        let (value, mistakes) = try read("key: \(text)") { $0.bool("key") }
        #expect(value == .some(nil))
        #expect(mistakes.count == 1)
    }

    @Test func unquotedBracesGetAHint() throws {
        let (_, mistakes) = try read("device: {serial}") { _ = $0.string("device") }
        #expect(mistakes.first?.hint == "text that begins with a brace needs quotes: \"{serial}\"")
    }

    @Test func duplicateKeysAreMistakesAndTheFirstCounts() {
        let place = { SourceLocation(file: "f", line: $0, column: 1) }
        let node = SourceNode.mapping(
            [
                (key: "a", keyLocation: place(1), value: .scalar("1", quoted: false, place(1))),
                (key: "a", keyLocation: place(2), value: .scalar("2", quoted: false, place(2))),
            ], place(1))
        let collector = MistakeCollector()
        let value = MappingReader.read(node, reporting: collector) { $0.int("a", in: 0...9) }
        #expect(value == .some(1))
        #expect(collector.mistakes.map(\.code) == [.duplicateKey])
        #expect(collector.mistakes.first?.location.line == 2)
    }

    @Test(arguments: ["- a", "text", "~"])
    func whatIsNoMappingIsAMistake(yaml: String) throws {
        let (value, mistakes) = try read(yaml) { $0.string("a") }
        #expect(value == nil)
        #expect(mistakes.map(\.code) == [.wrongKind])
    }

    @Test func listsAreBounded() throws {
        let (_, mistakes) = try read("list: [a, b, c]") { _ = $0.strings("list", countMax: 2) }
        #expect(mistakes.map(\.code) == [.outOfRange])
    }

    @Test func nestedRequiredMappingsAreMissedByPath() throws {
        let (_, mistakes) = try read("a: { b: 1 }") { reader in
            _ = reader.nested("a") { inner in
                _ = inner.int("b", in: 0...1)
                _ = inner.requiredNested("c") { $0.string("d") }
            }
        }
        #expect(mistakes.map(\.key) == ["a.c"])
    }

    @Test(arguments: [("1500ms", false), ("90s", true), ("2h", true), ("1m", true)])
    func wholeSeconds(text: String, isWhole: Bool) throws {
        let (value, mistakes) = try read("key: \(text)") { $0.wholeSeconds("key", in: 1...86_400) }
        #expect((value != .some(nil)) == isWhole)
        #expect(mistakes.isEmpty == isWhole)
    }

    @Test func noMistakesAreNoError() throws {
        #expect(OperatorMistakes([]) == nil)
        try MistakeCollector().throwIfAny()
    }
}
