import Foundation
import Logging
import Synchronization
import Testing

@testable import fleetgate

private final class Lines: LogDestination {
    private let lines = Mutex<[String]>([])

    func write(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

@Suite struct LogHandlersTests {
    private let lines = Lines()
    private let time: @Sendable () -> Date = { Date(timeIntervalSince1970: 1_800_000_000.5) }

    private func text(coloured: Bool = false) -> Logger {
        let lines = lines
        let time = time
        return Logger(label: "gateway") { label in
            TextLogHandler(label: label, level: .info, isColoured: coloured, destination: lines, now: time)
        }
    }

    private func json() -> Logger {
        let lines = lines
        let time = time
        return Logger(label: "gateway") { label in
            JSONLogHandler(label: label, level: .info, destination: lines, now: time)
        }
    }

    private func object() throws -> [String: Any] {
        let line = try #require(lines.all.first)
        #expect(line.last == "\n" && line.count { $0 == "\n" } == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func textIsForPeople() {
        var logger = text()
        logger[metadataKey: "device"] = "meter-1"
        logger.warning("refused", metadata: ["reason": "expired", "subject": "CN=a b"])
        logger.debug("not shown")
        #expect(
            lines.all == ["2027-01-15T08:00:00.500Z WARN  refused device=meter-1 reason=expired subject=\"CN=a b\"\n"])
    }

    @Test func coloursOnlyWhenAskedFor() {
        text(coloured: true).error("x")
        text().error("x")
        #expect(lines.all[0].contains("\u{1B}[31mERROR\u{1B}[0m"))
        #expect(!lines.all[1].contains("\u{1B}"))
    }

    @Test func jsonIsOneObjectForEachLine() throws {
        json().error(
            "broker \"lost\"\n",
            metadata: ["count": "3", "list": ["a", "b\""], "map": ["k": ["l": "v"]], "time": "mine"])
        let object = try object()
        #expect(object["time"] as? String == "2027-01-15T08:00:00.500Z")
        #expect(object["level"] as? String == "error")
        #expect(object["logger"] as? String == "gateway")
        #expect(object["message"] as? String == "broker \"lost\"\\u{a}")
        #expect(object["count"] as? String == "3")
        #expect(object["list"] as? [String] == ["a", "b\""])
        #expect((object["map"] as? [String: [String: String]])?["k"]?["l"] == "v")
        #expect(object["_time"] as? String == "mine")
    }

    @Test(arguments: ["a\nb", "a\rb", "\u{1B}[2J", "\u{0}", "\u{202E}x", "\u{2028}", "\u{85}", "\u{FEFF}"])
    func nothingFromADeviceEndsALineOrSteersATerminal(value: String) throws {
        text().info("seen", metadata: ["subject": "\(value)"])
        json().info("seen \(value)", metadata: ["\(value)": "\(value)"])
        for line in lines.all {
            #expect(
                line.unicodeScalars.dropLast().allSatisfy { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                })
        }
        _ = try JSONSerialization.jsonObject(with: Data(lines.all[1].utf8))
    }

    @Test func veryLongValuesAreCut() throws {
        json().info("x", metadata: ["subject": "\(String(repeating: "ü", count: 100_000))"])
        let subject = try #require(try object()["subject"] as? String)
        #expect(subject.utf8.count <= 4096 + 3 && subject.hasSuffix("…"))
    }

    @Test func metadataKeysAreWordsInLowerCase() {
        for key in LogMetadataKey.allCases {
            #expect(
                key.rawValue.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        }
    }
}
