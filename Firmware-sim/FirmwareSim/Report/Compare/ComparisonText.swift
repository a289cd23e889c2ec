/// A ``RunComparison`` as a table for people.
enum ComparisonText {
    static let header = ["", "A", "B", "difference", "B / A"]

    static func render(_ comparison: RunComparison) -> String {
        var lines = ["", side("A", comparison.a), side("B", comparison.b)]
        lines += comparison.warnings.map { "WARNING  \($0)" }
        lines.append("")
        lines += TextTable.render(
            header: ["Figure"] + header.dropFirst(), rows: comparison.rows.map(cells), leftColumns: 1)
        return lines.joined(separator: "\n") + "\n"
    }

    /// Figure, A, B, difference with its sign, ratio.
    static func cells(_ row: RunComparison.Row) -> [String] {
        [
            row.figure, row.a.map(row.unit.text) ?? "-", row.b.map(row.unit.text) ?? "-",
            row.difference.map { difference in
                let text = row.unit.text(difference.magnitude)
                return difference > 0 ? "+\(text)" : difference < 0 ? "-\(text)" : "0"
            } ?? "",
            row.ratio.map { "\(PlotUnit.short($0)) x" } ?? "",
        ]
    }

    private static func side(_ letter: String, _ side: RunComparison.Side) -> String {
        let result = (side.isValid ? "" : "INVALID, ") + (side.passed ? "passed" : "FAILED")
        return "\(letter)        \(side.name), \(side.startedAt), \(result)"
    }
}
