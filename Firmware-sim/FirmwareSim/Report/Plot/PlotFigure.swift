import Foundation

/// What surrounds a drawing on the page: caption, legend, the line of values under the pointer, the table for those
/// who cannot see or do not want the drawing.
struct PlotFigure: Sendable {
    /// Unique on the page; letters and `-`.
    var id: String
    var title: String
    var note: String
    var isWide: Bool
    /// Shown as a legend if there are at least two.
    var legend: [(name: String, colour: Int)]
    var drawing: Drawing
    var table: Table

    struct Drawing: Sendable {
        var width: Double
        var height: Double
        var content: Markup
        /// For people who do not see it: what it shows, in a sentence.
        var summary: String
        var reading: Reading?
    }

    /// What the script shows for the place under the pointer.
    struct Reading: Sendable, Encodable {
        /// Horizontal places in SVG units, ascending.
        var at: [Double]
        /// One line of text for each place.
        var text: [String]
    }

    struct Table: Sendable {
        var header: [String]
        var rows: [[String]]
        /// What was left out; empty if nothing.
        var note = ""
    }

    /// Rows of a fallback table: more are not read by anyone, and the CSV has them all.
    static let tableRowsMax = 60

    var markup: Markup {
        """
        <figure class="plot\(isWide ? " wide" : "" as String)" id="\(id)">
        <figcaption><h3>\(title)</h3><p class="note">\(note)</p></figcaption>
        \(legendMarkup)<svg class="chart" role="img" aria-labelledby="\(id)-t \(id)-d" viewBox="0 0 \(drawing.width) \
        \(drawing.height)" xmlns="http://www.w3.org/2000/svg"\(readingAttribute)>
        <title id="\(id)-t">\(title)</title>
        <desc id="\(id)-d">\(drawing.summary)</desc>
        \(drawing.content)</svg>
        <p class="readout" aria-hidden="true">\u{A0}</p>
        <details><summary>Values as a table</summary>
        \(PageTable.render(header: table.header, rows: table.rows))
        \(table.note.isEmpty ? Markup.none : "<p class=\"note\">\(table.note)</p>")</details>
        </figure>

        """
    }

    private var legendMarkup: Markup {
        guard legend.count > 1 else { return .none }
        let items = legend.map { entry -> Markup in
            "<li><svg class=\"key\" viewBox=\"0 0 22 10\" aria-hidden=\"true\"><line class=\"line c\(entry.colour)\" x1=\"1\" "
                + "x2=\"21\" y1=\"5\" y2=\"5\"/></svg>\(entry.name)</li>"
        }
        return "<ul class=\"legend\">\(items)</ul>\n"
    }

    private var readingAttribute: Markup {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let reading = drawing.reading, let json = try? encoder.encode(reading) else { return .none }
        return " tabindex=\"0\" data-reading=\"\(data: String(decoding: json, as: UTF8.self))\""
    }
}

/// Tables of the page.
enum PageTable {
    /// - Parameter leftColumns: The first so many begin at the left and head their rows; the others are numbers.
    static func render(header: [String], rows: [[String]], leftColumns: Int = 1) -> Markup {
        let head = header.enumerated().map { column, cell -> Markup in
            "<th scope=\"col\"\(column < leftColumns ? " class=\"left\"" : Markup.none)>\(cell)</th>"
        }
        let body = rows.map { row -> Markup in
            let cells = row.enumerated().map { column, cell -> Markup in
                column == 0
                    ? "<th scope=\"row\">\(cell)</th>"
                    : column < leftColumns ? "<td class=\"left\">\(cell)</td>" : "<td>\(cell)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="scroll"><table><thead><tr>\(head)</tr></thead>
            <tbody>
            \(body)</tbody></table></div>

            """
    }
}
