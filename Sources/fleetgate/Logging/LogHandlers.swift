import Foundation
import Logging

/// Log lines for people: time, level, message, then metadata as `key=value`.
struct TextLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let isColoured: Bool
    private let destination: any LogDestination
    private let now: @Sendable () -> Date

    init(
        label: String, level: Logger.Level, isColoured: Bool, destination: any LogDestination,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.label = label
        self.logLevel = level
        self.isColoured = isColoured
        self.destination = destination
        self.now = now
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        var line = "\(now().logTime) \(coloured(event.level)) \(LogText.visible(event.message.description))"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            let text = LogText.visible(value.description)
            line += " \(LogText.visible(key))=\(Self.needsQuotes(text) ? LogText.json(text) : text)"
        }
        destination.write(line + "\n")
    }

    private static func needsQuotes(_ text: String) -> Bool {
        text.isEmpty || text.contains { $0 == " " || $0 == "=" || $0 == "\"" }
    }

    /// The level in five columns, in its colour.
    private func coloured(_ level: Logger.Level) -> String {
        let (word, colour) =
            switch level {
            case .trace: ("TRACE", "2")
            case .debug: ("DEBUG", "2")
            case .info: ("INFO ", "32")
            case .notice: ("NOTE ", "36")
            case .warning: ("WARN ", "33")
            case .error: ("ERROR", "31")
            case .critical: ("CRIT ", "1;31")
            }
        return isColoured ? "\u{1B}[\(colour)m\(word)\u{1B}[0m" : word
    }
}

/// Log lines for machines: one JSON object in each line, with the keys `time`, `level`, `logger`, `message` and the
/// metadata beside them. A metadata key of those names gets a `_` in front.
struct JSONLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let destination: any LogDestination
    private let now: @Sendable () -> Date

    private static let ownKeys: Set<String> = ["time", "level", "logger", "message"]

    init(
        label: String, level: Logger.Level, destination: any LogDestination,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.label = label
        self.logLevel = level
        self.destination = destination
        self.now = now
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        var line =
            "{\"time\":\"\(now().logTime)\",\"level\":\"\(event.level.rawValue)\",\"logger\":\(LogText.json(label))"
        line += ",\"message\":\(LogText.json(event.message.description))"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            let name = Self.ownKeys.contains(key) ? "_" + key : key
            line += ",\(LogText.json(name)):\(Self.json(value))"
        }
        destination.write(line + "}\n")
    }

    private static func json(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return LogText.json(text)
        case .stringConvertible(let value): return LogText.json(value.description)
        case .array(let values): return "[\(values.map(json).joined(separator: ","))]"
        case .dictionary(let values):
            let pairs = values.sorted { $0.key < $1.key }.map { "\(LogText.json($0.key)):\(json($0.value))" }
            return "{\(pairs.joined(separator: ","))}"
        }
    }
}

extension Date {
    /// UTC with milliseconds: `2026-11-21T01:33:00.123Z`.
    fileprivate var logTime: String {
        formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
