import Testing

@testable import FleetPolicy

/// Compares patterns with each other by the values they match, over all short texts of a small alphabet.
@Suite struct ValuePatternComparingTests {
    /// `a` is of every type but digits, `1` of every type, `.` only of `any`.
    static let alphabet = Array("a1.".utf8)

    static let values: [[UInt8]] = {
        var all: [[UInt8]] = []
        var current: [[UInt8]] = [[]]
        for _ in 1...7 {
            current = current.flatMap { head in alphabet.map { head + [$0] } }
            all += current
        }
        return all
    }()

    static func pattern(_ random: inout SeededRandom) throws -> ValuePattern {
        let types = ["", ":digits", ":slug", ":hex", ":digits(1-2)", ":hex(2)", ":(1-3)", ":slug(1)", ":any(2-3)"]
        let literals = ["a", "1", ".", "b"]
        var text = Bool.random(using: &random) ? literals.randomElement(using: &random) ?? "" : ""
        for place in 0..<Int.random(in: 1...2, using: &random) {
            if place > 0 { text += literals.randomElement(using: &random) ?? "a" }
            text += "{c\(place)\(types.randomElement(using: &random) ?? "")}"
        }
        if Bool.random(using: &random) { text += literals.randomElement(using: &random) ?? "" }
        return try ValuePattern(parsing: text)
    }

    @Test func comparingIsWhatTheValuesSay() throws {
        var random = SeededRandom(seed: 301)
        let patterns = try (0..<50).map { _ in try Self.pattern(&random) }
        let words = (Self.values.count + 63) / 64
        let matched = patterns.map { pattern -> [UInt64] in
            var row = [UInt64](repeating: 0, count: words)
            for (index, value) in Self.values.enumerated() where pattern.match(value) != .noMatch {
                row[index >> 6] |= 1 << UInt64(index & 63)
            }
            return row
        }
        for (left, mine) in zip(patterns, matched) {
            for (right, theirs) in zip(patterns, matched) {
                let meet = zip(mine, theirs).contains { $0 & $1 != 0 }
                let isWithin = !zip(mine, theirs).contains { $1 & ~$0 != 0 }
                let isFound = left.intersects(right)
                if meet != isFound, meet || Self.isShort(left) && Self.isShort(right) {
                    Issue.record("\(left) and \(right): should be \(meet)")
                }
                if left.includes(right), !isWithin { Issue.record("\(left) does not include all of \(right)") }
            }
        }
    }

    /// Whether the values above are enough to tell that a pattern meets no other such: they have no `b`, and seven
    /// characters.
    private static func isShort(_ pattern: ValuePattern) -> Bool {
        let literals = pattern.prefix + pattern.captures.flatMap(\.following)
        let shortest = literals.count + pattern.captures.reduce(0) { $0 + $1.lengths.lowerBound }
        return shortest <= 4 && !literals.contains(UInt8(ascii: "b"))
    }

    @Test(arguments: [
        ("meter-{s:digits}", "meter-{x}"), ("{a}.x", "y.{b}"), ("{a:hex(8)}", "{b:digits}"), ("a{x}a", "{y}"),
        ("{a:slug}-{b:digits}", "{c}-1"), ("x{a:(1-4)}", "{b:(5)}"), ("abc", "a{x}c"), ("{a}-{b}-{c}", "x-{d}-y"),
        ("m-{n:digits(4-8)}", "m-{k:hex(8)}"),
    ])
    func intersect(left: String, right: String) throws {
        let (left, right) = (try ValuePattern(parsing: left), try ValuePattern(parsing: right))
        #expect(left.intersects(right))
        #expect(right.intersects(left))
    }

    @Test(arguments: [
        ("meter-{s}", "tracker-{s}"), ("{s}.a", "{s}.b"), ("{a:digits}", "{b:slug}-x"), ("{a:hex(8)}", "{b:hex(4)}"),
        ("abc", "abd"), ("abc", "a{x}d"), ("x{a:(1-3)}", "{b:(5)}"), ("{a:digits}-{b:digits}", "{c:digits}"),
        ("m{a:digits}m", "mm"), ("{a:digits}x{b:digits}", "{c:digits}y{d:digits}"),
    ])
    func doNotIntersect(left: String, right: String) throws {
        let (left, right) = (try ValuePattern(parsing: left), try ValuePattern(parsing: right))
        #expect(!left.intersects(right))
        #expect(!right.intersects(left))
    }

    @Test(arguments: [
        ("{x}", "abc"), ("{x}", "{y:digits}"), ("{x}", "a{y}-{z}b"), ("m-{x}", "m-1{y}"), ("{x}.e", "{y:slug}.e"),
        ("{x:slug}", "a-{y:digits}_{z:slug}"), ("{a}-{b}", "{c:digits}-{d:hex}"), ("{a:hex(2-8)}", "{b:digits(4)}"),
        ("abc", "abc"),
    ])
    func includes(mine: String, theirs: String) throws {
        #expect(try ValuePattern(parsing: mine).includes(ValuePattern(parsing: theirs)))
    }

    @Test(arguments: [
        ("abc", "{x}"), ("m-{x}", "{x}"), ("m-{x}", "m-"), ("{x:digits}", "{x:hex}"),
        ("{x:digits}", "{x:digits}.{y:digits}"),
        ("{x:hex(4)}", "{x:hex}"), ("{x}.e", "{x}.f"), ("{x:(2-9)}", "{x:(1-9)}"), ("{a:digits}-{b}", "{c:hex}-{d}"),
        ("{x:(1-20)}", "{y}"),
    ])
    func doesNotInclude(mine: String, theirs: String) throws {
        #expect(try !ValuePattern(parsing: mine).includes(ValuePattern(parsing: theirs)))
    }

    /// Lengths that multiply end the walk with a no, not with a long wait.
    @Test func hardPatternsEnd() throws {
        let left = try ValuePattern(parsing: "{a:(1-250)}a{b:(1-250)}b{c:(1-250)}c{d:(1-250)}1")
        let right = try ValuePattern(parsing: "{a:(2-249)}c{b:(2-249)}a{c:(2-249)}b{d:(2-249)}2")
        #expect(!left.intersects(right))
    }
}
