import DeviceRegistry
import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

@Suite struct DeviceTableTests {
    private static let now: Int64 = 1_800_000_000

    private static func record(
        _ name: String, _ state: DeviceState = .active, lastSeen: Int64? = nil, note: String = ""
    ) throws -> DeviceRecord {
        DeviceRecord(
            key: try #require(DeviceKey(parsing: name)), state: state, note: note, lastSeen: lastSeen)
    }

    private static func written(
        _ pages: [DevicePages.Page], counts: StateCounts? = nil, json: Bool
    ) throws -> [String] {
        var lines: [String] = []
        let writer = DeviceListWriter(json: json, now: now) { lines.append($0) }
        for page in pages { try writer.page(page) }
        try writer.end(counts: counts)
        return lines
    }

    @Test func columnsAreAlignedAndStatesCounted() throws {
        let records = [
            try Self.record("m1", lastSeen: Self.now - 120, note: "first\nsecond"),
            try Self.record("hamburg/meter-4711", .suspended),
        ]
        let lines = try Self.written([.init(records: records, isCutOff: false)], json: false)
        #expect(
            lines == [
                "DEVICE              STATE      PROFILE  PINS  LAST SEEN  ADDRESS  NOTE",
                "default/m1          active     -        0     2 min ago  -        first",
                "hamburg/meter-4711  suspended  -        0     never      -",
                "",
                "2 devices: 1 active, 1 suspended",
            ])
    }

    @Test func whatWouldSteerATerminalIsShown() throws {
        let record = try Self.record("m1", note: "\u{1B}[2J\u{202E}x")
        let lines = try Self.written([.init(records: [record], isCutOff: false)], json: false)
        #expect(lines[1].hasSuffix("\\u{1b}[2J\\u{202e}x"))
        #expect(lines.last == "1 device: 1 active")
    }

    @Test func theCountsAreOfAllThatFit() throws {
        let page = DevicePages.Page(records: [try Self.record("m1")], isCutOff: true)
        var counts = StateCounts()
        counts.add(.active, count: 7)
        counts.add(.pending, count: 2)
        let lines = try Self.written([page], counts: counts, json: false)
        #expect(lines.last == "9 devices: 2 pending, 7 active (1 shown: --limit)")
        let text = try Self.written([page], counts: counts, json: true).joined(separator: "\n")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect((object["devices"] as? [Any])?.count == 1)
        #expect((object["counts"] as? [String: Int])?["total"] == 9)
        #expect((object["counts"] as? [String: Int])?["active"] == 7)
        #expect(object["complete"] as? Bool == false)
    }

    @Test func allAreShownWhenNoMoreAreFound() throws {
        var counts = StateCounts()
        counts.add(.active)
        let page = DevicePages.Page(records: [try Self.record("m1")], isCutOff: true)
        #expect(try Self.written([page], counts: counts, json: false).last == "1 device: 1 active")
    }

    @Test func withoutDevicesThereIsNoTable() throws {
        let lines = try Self.written([.init(records: [], isCutOff: false)], json: false)
        #expect(lines == ["no devices"])
    }

    @Test(arguments: [0, 1, 3]) func jsonIsOneObjectHoweverManyPages(pages: Int) throws {
        let all = try (0..<pages).map {
            DevicePages.Page(records: [try Self.record("m\($0)", .pending)], isCutOff: false)
        }
        let text = try Self.written(all, json: true).joined(separator: "\n")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let devices = try #require(object["devices"] as? [[String: Any]])
        #expect(devices.compactMap { $0["device"] as? String } == (0..<pages).map { "default/m\($0)" })
        #expect((object["counts"] as? [String: Int])?["pending"] == pages)
        #expect((object["counts"] as? [String: Int])?["total"] == pages)
        #expect(object["complete"] as? Bool == true)
    }

    @Test(
        arguments: [
            (nil, "never"), (0, "just now"), (4, "just now"), (5, "5 s ago"), (119, "119 s ago"), (120, "2 min ago"),
            (7_199, "119 min ago"), (7_200, "2 h ago"), (172_799, "47 h ago"), (172_800, "2 days ago"),
            (5_183_999, "59 days ago"), (5_184_000, "2026-11-16"), (-60, "just now"),
        ] as [(Int64?, String)])
    func timesAreRelative(age: Int64?, text: String) {
        #expect(DeviceTimes.relative(age.map { Self.now - $0 }, now: Self.now) == text)
    }

    @Test(arguments: [Int64.min, Int64.max]) func anImpossibleTimeDoesNoHarm(seconds: Int64) {
        #expect(["?", "just now"].contains(DeviceTimes.relative(seconds, now: Self.now)))
    }

    @Test func everythingIsShown() throws {
        var record = try Self.record("hamburg/m1", .suspended, lastSeen: Self.now - 60, note: "a\nb")
        record.stateReason = "stolen"
        record.pins = [PinRecord(try #require(CertificatePin(.publicKey, sha256: Array(repeating: 7, count: 32))))]
        record.attributes = ["site": "x"]
        record.overrides.connectionsMax = 2
        record.lastAddress = "192.0.2.1"
        record.lastCertificate = SeenCertificate(
            sha256: Array(repeating: 9, count: 32), subject: "CN=m1", notAfter: Self.now - 1)
        let text = DeviceListing(record: record).text(now: Self.now)
        #expect(!text.contains("by itself"))
        record.isSelfRegistered = true
        #expect(DeviceListing(record: record).text(now: Self.now).contains("registered   by itself"))
        for part in [
            "suspended (stolen)", "public-key:0707", "site = x", "connections = 2", "from 192.0.2.1", "CN=m1",
            "expired",
            "60 s ago", "note         a\n             b",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }
}
