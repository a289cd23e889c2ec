/// The figures, with their goals.
struct BenchmarkReport {
    struct Row {
        let name: String
        let value: Double
        let unit: String
        /// The highest value that is good enough; nil: the figure is for information.
        let goal: Double?

        var isMiss: Bool { goal.map { value > $0 } ?? false }

        var verdict: String { goal == nil ? "" : isMiss ? "miss" : "pass" }
    }

    private(set) var rows: [Row] = []

    var hasMiss: Bool { rows.contains(where: \.isMiss) }

    mutating func add(_ name: String, _ value: Double, _ unit: String, goal: Double? = nil) {
        rows.append(Row(name: name, value: value, unit: unit, goal: goal))
    }

    /// Columns with spaces between them.
    var table: String {
        let cells =
            [["what", "figure", "goal", ""]]
            + rows.map { row in
                [
                    row.name, "\(row.value.short) \(row.unit)",
                    row.goal.map { "at most \($0.short) \(row.unit)" } ?? "", row.verdict,
                ]
            }
        let widths = (0..<4).map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { line in
            var text = ""
            for (column, cell) in line.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                text += column == 1 ? padding + cell + "  " : cell + padding + "  "
            }
            while text.last == " " { text.removeLast() }
            return text
        }.joined(separator: "\n")
    }

    /// Names and units are plain ASCII text without quotes.
    var json: String {
        let lines = rows.map { row in
            let goal = row.goal.map { ", \"goal\": \($0), \"pass\": \(!row.isMiss)" } ?? ""
            return "  {\"name\": \"\(row.name)\", \"value\": \(row.value), \"unit\": \"\(row.unit)\"\(goal)}"
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]"
    }
}

extension Double {
    /// With as many digits as a reader can use.
    fileprivate var short: String {
        guard self < 100 else { return Int(rounded()).grouped }
        let tenths = Int((self * 100).rounded())
        let fraction = tenths % 100
        return fraction == 0 ? "\(tenths / 100)" : "\(tenths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}

extension Int {
    /// With commas between thousands.
    var grouped: String {
        var digits = Array(String(self))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }
}
