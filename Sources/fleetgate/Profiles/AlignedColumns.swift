/// Rows of text with aligned columns, for people.
enum AlignedColumns {
    /// One line for each row. Columns are as wide as their widest cell and two spaces apart; the last one is as it is.
    /// Control characters are made visible.
    static func text(_ rows: [[String]], indent: String = "") -> String {
        let rows = rows.map { $0.map(LogText.visible) }
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += cell
                guard column + 1 < row.count else { continue }
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
