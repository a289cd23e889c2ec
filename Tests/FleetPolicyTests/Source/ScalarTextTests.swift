import Testing

@testable import FleetPolicy

@Suite struct ScalarTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("24h", .seconds(86_400)),
        ("7d", .seconds(604_800)), ("0s", .zero), ("1 h", .seconds(3_600)),
    ])
    func durations(text: String, duration: Duration) {
        #expect(ScalarText.duration(text) == duration)
    }

    @Test(arguments: [
        "", "30", "s", "-1s", "1.5h", "1h30m", "30 sec", "1S", "10us", "999999999999999999999s", "9999999999999h", "١s",
    ])
    func notDurations(text: String) {
        #expect(ScalarText.duration(text) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65_536), ("256 KiB", 262_144), ("1MiB", 1_048_576),
        ("2GiB", 2_147_483_648),
    ])
    func sizes(text: String, bytes: Int) {
        #expect(ScalarText.byteSize(text) == bytes)
    }

    @Test(arguments: ["", "KiB", "-1", "1kB", "1MB", "1kib", "1.5MiB", "1TiB", "1KiB2", "9999999999999999999", "0x10"])
    func notSizes(text: String) {
        #expect(ScalarText.byteSize(text) == nil)
    }

    @Test(arguments: ["1500ms", "59s", "90m", "1h", "2d", "0s"])
    func durationsAreWrittenAsTheyAreRead(text: String) throws {
        #expect(ScalarText.text(of: try #require(ScalarText.duration(text))) == text)
    }

    @Test(arguments: ["100", "64KiB", "3MiB", "0"])
    func sizesAreWrittenAsTheyAreRead(text: String) throws {
        #expect(ScalarText.text(ofBytes: try #require(ScalarText.byteSize(text))) == text)
    }

    @Test(arguments: ["", "-", "--1", "1a", " 1", "1 ", "9223372036854775808"])
    func notIntegers(text: String) {
        #expect(ScalarText.integer(text) == nil)
    }

    @Test(arguments: [("0", 0), ("-12", -12), ("9223372036854775807", Int.max), ("007", 7)])
    func integers(text: String, value: Int) {
        #expect(ScalarText.integer(text) == value)
    }
}
