import DeviceRegistry
import FleetPolicy

/// The table of `device list`, written page by page: a page is aligned in itself, and no column of a later page is
/// narrower than in the one before.
struct DeviceTable {
    private static let headings = ["DEVICE", "STATE", "PROFILE", "PINS", "LAST SEEN", "ADDRESS", "NOTE"]
    /// Characters of a note; `show` has all of it.
    private static let noteMax = 40

    private var widths = Self.headings.map(\.count)
    private var hasHeadings = false
    private let now: Int64

    init(now: Int64) {
        self.now = now
    }

    /// The lines of a page, below the headings when it is the first.
    mutating func lines(_ records: [DeviceRecord]) -> [String] {
        guard !records.isEmpty else { return [] }
        let rows = records.map(cells)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        defer { hasHeadings = true }
        return ((hasHeadings ? [] : [Self.headings]) + rows).map(line)
    }

    private func cells(_ record: DeviceRecord) -> [String] {
        let note = (record.note.isEmpty ? record.stateReason : record.note).split(whereSeparator: \.isNewline).first
        return [
            "\(record.key)", record.state.rawValue, record.profile.isEmpty ? "-" : record.profile,
            "\(record.pins.count)", DeviceTimes.relative(record.lastSeen, now: now), record.lastAddress ?? "-",
            note.map { $0.count > Self.noteMax ? $0.prefix(Self.noteMax - 1) + "…" : $0 }.map(String.init) ?? "",
        ].map(LogText.visible)
    }

    private func line(_ cells: [String]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line +=
                column == cells.count - 1
                ? cell : cell + String(repeating: " ", count: max(0, widths[column] - cell.count) + 2)
        }
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

/// How many devices there are in each state.
struct StateCounts: Encodable, Equatable {
    private(set) var total = 0
    private var states: [DeviceState: Int] = [:]

    mutating func add(_ state: DeviceState, count: Int = 1) {
        total += count
        states[state, default: 0] += count
    }

    subscript(_ state: DeviceState) -> Int { states[state, default: 0] }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(total, forKey: Key(stringValue: "total"))
        for state in DeviceState.allCases {
            try container.encode(self[state], forKey: Key(stringValue: state.rawValue))
        }
    }

    /// `3 devices: 2 active, 1 suspended`
    var text: String {
        guard total > 0 else { return "no devices" }
        let parts = DeviceState.allCases.filter { self[$0] > 0 }.map { "\(self[$0]) \($0.rawValue)" }
        return "\(total) \(total == 1 ? "device" : "devices"): \(parts.joined(separator: ", "))"
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
