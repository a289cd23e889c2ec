/// Columns of text.
enum TextTable {
    /// - Parameter leftColumns: The first so many columns, and the last one if its header is empty, begin at the left;
    ///   the others end at the right.
    static func render(header: [String], rows: [[String]], leftColumns: Int) -> [String] {
        let rows = rows.map { $0.map(PrintableText.clean) }
        let widths = header.indices.map { column in
            ([header] + rows).map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return ([header] + rows).map { row in
            var line = ""
            for ((column, cell), width) in zip(row.enumerated(), widths) {
                let padding = String(repeating: " ", count: width - cell.count)
                let isLeft = column < leftColumns || header[column].isEmpty
                line += (column > 0 ? "   " : "") + (isLeft ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
