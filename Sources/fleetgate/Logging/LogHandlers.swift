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
        let all = merged(metadata, event.metadata)
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
        var line = ""
        line.reserveCapacity(512)
        line += "{\"time\":\""
        line += now().logTime
        line += "\",\"level\":\""
        line += event.level.rawValue
        line += "\",\"logger\":"
        LogText.appendJSON(label, to: &line)
        line += ",\"message\":"
        LogText.appendJSON(event.message.description, to: &line)
        for (key, value) in merged(metadata, event.metadata).sorted(by: { $0.key < $1.key }) {
            line += ","
            LogText.appendJSON(Self.ownKeys.contains(key) ? "_" + key : key, to: &line)
            line += ":"
            Self.append(value, to: &line)
        }
        line += "}\n"
        destination.write(line)
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): LogText.appendJSON(text, to: &line)
        case .stringConvertible(let value): LogText.appendJSON(value.description, to: &line)
        case .array(let values): line += "[\(values.map(json).joined(separator: ","))]"
        case .dictionary(let values):
            let pairs = values.sorted { $0.key < $1.key }.map { "\(LogText.json($0.key)):\(json($0.value))" }
            line += "{\(pairs.joined(separator: ","))}"
        }
    }

    private static func json(_ value: Logger.MetadataValue) -> String {
        var text = ""
        append(value, to: &text)
        return text
    }
}

/// A logger's own metadata is mostly empty, and a copy of it costs.
private func merged(_ metadata: Logger.Metadata, _ event: Logger.Metadata?) -> Logger.Metadata {
    guard let event else { return metadata }
    return metadata.isEmpty ? event : metadata.merging(event) { $1 }
}

extension Date {
    /// UTC with milliseconds: `2026-11-21T01:33:00.123Z`.
    fileprivate var logTime: String { UTCTime.text(UTCTime.milliseconds(self)) }
}
