import Testing

@testable import FirmwareSim

@Suite struct LatencyTextTests {
    @Test(
        arguments: [
            (0, "0 us"), (999, "999 us"), (1_000, "1.00 ms"), (1_234, "1.23 ms"), (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (999_999, "1000 ms"), (1_000_000, "1.00 s"), (61_000_000, "61.0 s"),
        ])
    func rendersTimes(microseconds: UInt64, expected: String) {
        #expect(LatencyText.render(microseconds: microseconds) == expected)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "-1,234")])
    func groupsDigits(number: Int, expected: String) {
        #expect(LatencyText.grouped(number) == expected)
    }

    @Test(
        arguments: [
            (0, "0.00 s"), (1.5, "1.50 s"), (59.9, "59.9 s"), (125, "2 min 5 s"), (3_600, "1 h"),
            (12_000, "3 h 20 min"),
            (187_200, "2 d 4 h"),
        ])
    func rendersLongTimes(seconds: Double, expected: String) {
        #expect(LatencyText.render(seconds: seconds) == expected)
    }

    @Test(arguments: [(0, "0 %"), (0.5, "50 %"), (0.004, "0.40 %"), (0.9999, "99.9 %"), (1, "100 %")])
    func rendersShares(share: Double, expected: String) {
        #expect(LatencyText.render(share: share) == expected)
    }

    @Test(arguments: [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.50 KiB"), (41_943_040, "40.0 MiB"), (1e12, "931 GiB")])
    func rendersBytes(bytes: Double, expected: String) {
        #expect(LatencyText.render(bytes: bytes) == expected)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300, .leastNonzeroMagnitude, -5])
    func takesWhateverAFileHolds(value: Double) {
        #expect(!LatencyText.render(number: value).isEmpty)
        #expect(!LatencyText.render(share: value).isEmpty)
        #expect(!LatencyText.render(bytes: value).isEmpty)
        #expect(!LatencyText.render(seconds: value).isEmpty)
        for unit in [PlotUnit.count, .perSecond, .microseconds, .bytes, .share, .processors] {
            #expect(!unit.text(value).isEmpty)
            #expect(!unit.tick(value).isEmpty)
        }
    }

    @Test func disturbingCharactersAreReplaced() {
        #expect(PrintableText.clean("plain \u{E4}\u{6F22}") == "plain \u{E4}\u{6F22}")
        #expect(PrintableText.clean("a\u{1B}[2Jb\nc\u{202E}d\u{0}") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}")
        #expect(PrintableText.clean(String(repeating: "x", count: 5_000)).count == PrintableText.charactersMax + 1)
    }
}
