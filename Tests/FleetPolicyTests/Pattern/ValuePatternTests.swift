import Testing

@testable import FleetPolicy

@Suite struct ValuePatternTests {
    private func match(_ pattern: String, _ value: String) throws -> [String]? {
        let bytes = Array(value.utf8)
        switch try ValuePattern(parsing: pattern).match(bytes) {
        case .noMatch: return nil
        case .ambiguous: return ["(ambiguous)"]
        case .matched(let ranges): return ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    @Test(
        arguments: [
            ("meter-1", "meter-1", []), ("meter-{serial:digits}", "meter-4711", ["4711"]), ("{x}", "a/b+#", ["a/b+#"]),
            ("{site:slug}", "hamburg-nord_2", ["hamburg-nord_2"]), ("{id:hex}", "09afAF", ["09afAF"]),
            ("{a:digits}-{b:digits}", "12-34", ["12", "34"]), ("{a:slug}-{b:digits}", "x-1-2", ["x-1", "2"]),
            ("{a:digits}{{{b}}}", "1{x}", ["1", "x"]), ("urn:{a:slug}:{b:slug}!", "urn:x:y!", ["x", "y"]),
            ("{a}é{b:digits}", "Café7", ["Caf", "7"]),
            ("{a:digits}.{b:digits}.{c:digits}", "1.22.333", ["1", "22", "333"]),
        ] as [(String, String, [String])])
    func matches(pattern: String, value: String, captures: [String]) throws {
        #expect(try match(pattern, value) == captures)
    }

    @Test(arguments: [
        ("meter-1", "meter-12"), ("meter-1", "xmeter-1"), ("meter-1", "Meter-1"), ("meter-1", ""),
        ("meter-{serial:digits}", "meter-"), ("meter-{serial:digits}", "meter-12a"), ("meter-{s:digits}", "meter-1\n"),
        ("meter-{serial:digits}", "xmeter-1"), ("meter-{serial:digits}", "meter-١"), ("{x}", ""), ("a{x}a", "aa"),
        ("a{x}a", "a"), ("{s:slug}", "Hamburg"), ("{s:slug}", "a b"), ("{h:hex}", "0g"),
        ("{a:digits}-{b:digits}", "1-"),
        ("{a:digits}-{b:digits}", "-1"), ("{a:digits}-{b:digits}", "1-2-3"), ("{a}-{b}", "xy"), ("a{x}bc{y}", "abc"),
    ])
    func doesNotMatch(pattern: String, value: String) throws {
        #expect(try match(pattern, value) == nil)
    }

    @Test(arguments: [
        ("{a}-{b}", "x-y-z"), ("{a}aa{b}", "xaaaay"), ("{a:slug}-{b:slug}", "a-b-c"), ("{a}.{b}.{c}", "1.2.3.4"),
    ])
    func severalReadingsAreAmbiguous(pattern: String, value: String) throws {
        #expect(try match(pattern, value) == ["(ambiguous)"])
    }

    @Test func valuesAreBounded() throws {
        #expect(try match("{x}", String(repeating: "a", count: 256))?.count == 1)
        #expect(try match("{x}", String(repeating: "a", count: 257)) == nil)
    }

    /// A pattern that takes exponential time in an engine with backtracking.
    @Test func hostileValuesCostLinearTime() throws {
        let pattern = "{a}a{b}a{c}a{d}a{e}a{f}a{g}a{h:digits}"
        #expect(try match(pattern, String(repeating: "a", count: 256)) == nil)
        #expect(try match(pattern, String(repeating: "a", count: 255) + "1") == ["(ambiguous)"])
    }

    @Test func agreesWithTryingEverySplit() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<5_000 {
            let letters = Array("aab1-")
            func text(_ range: ClosedRange<Int>) -> String {
                String(
                    (0..<Int.random(in: range, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a"
                    })
            }
            let types = ["", ":digits", ":slug", ":hex"]
            let count = Int.random(in: 1...3, using: &random)
            var patternText = text(0...2)
            for index in 0..<count {
                patternText += "{c\(index)\(types.randomElement(using: &random) ?? "")}"
                patternText += text((index == count - 1 ? 0 : 1)...2)
            }
            let pattern = try ValuePattern(parsing: patternText)
            let value = Array(text(0...9).utf8)
            let readings = allReadings(of: value[...], pattern.prefix, pattern.captures[...], at: 0)
            let expected: ValuePattern.Outcome =
                readings.isEmpty ? .noMatch : readings.count > 1 ? .ambiguous : .matched(readings[0])
            #expect(pattern.match(value) == expected, "\(patternText) \(String(decoding: value, as: UTF8.self))")
        }
    }

    private func allReadings(
        of value: ArraySlice<UInt8>, _ literal: [UInt8], _ captures: ArraySlice<ValuePattern.Capture>, at start: Int
    ) -> [[Range<Int>]] {
        guard value.starts(with: literal) else { return [] }
        let rest = value.dropFirst(literal.count)
        guard let capture = captures.first else { return rest.isEmpty ? [[]] : [] }
        var readings: [[Range<Int>]] = []
        for end in rest.indices {
            let taken = rest.startIndex...end
            guard value[taken].allSatisfy(capture.bytes.contains) else { break }
            readings += allReadings(of: value[(end + 1)...], capture.following, captures.dropFirst(), at: end + 1).map {
                [Range(taken)] + $0
            }
        }
        return readings
    }

    @Test(arguments: [
        "", "{", "}", "{a", "a}", "{}", "{a}{b}", "{A}", "{1a}", "{a b}", "{a:}", "{a:digit}", "{a:DIGITS}", "{a}-{a}",
        "{-a}", "{é}", "a\u{0}b", "a\nb", "{a:digits:x}", String(repeating: "a", count: 1_025),
        "{" + String(repeating: "a", count: 33) + "}", "{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}-{i}", "{{a}", "{a}}",
    ])
    func refusesMalformedPatterns(text: String) {
        #expect(throws: BracedText.Malformed.self) { try ValuePattern(parsing: text) }
    }

    @Test func doubledBracesAreBraces() throws {
        let pieces = try BracedText(parsing: "a{{b}}{c}").pieces
        #expect(pieces == [.literal("a{b}"), .placeholder(name: "c", type: nil)])
    }

    /// To `Character`, `{` with a combining mark is another letter; the braces count all the same.
    @Test func combiningMarksDoNotHideBraces() throws {
        #expect(throws: BracedText.Malformed.self) { try BracedText(parsing: "a{\u{301}b") }
    }
}
