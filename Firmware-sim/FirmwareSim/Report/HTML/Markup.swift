/// A piece of HTML that is well-formed XML as well. Made from literals, into which text is put escaped and other
/// pieces as they are: forgetting to escape is not possible.
///
/// ```swift
/// let cell: Markup = "<td>\(fleet.name)</td>"
/// ```
struct Markup: ExpressibleByStringInterpolation, Sendable, Equatable {
    private(set) var text: String

    static let none: Markup = ""

    init(stringLiteral value: String) {
        text = value
    }

    init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    init(_ pieces: [Markup]) {
        text = pieces.map(\.text).joined()
    }

    static func + (left: Markup, right: Markup) -> Markup {
        var sum = left
        sum.text += right.text
        return sum
    }

    static func += (left: inout Markup, right: Markup) {
        left.text += right.text
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 8)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        /// Text of whatever origin, for an element's content or an attribute in double quotes.
        mutating func appendInterpolation(_ value: String) {
            text += Markup.escape(value)
        }

        mutating func appendInterpolation(_ value: Int) {
            text += String(value)
        }

        /// A coordinate, with one decimal.
        mutating func appendInterpolation(_ value: Double) {
            text += Markup.coordinate(value)
        }

        mutating func appendInterpolation(_ piece: Markup) {
            text += piece.text
        }

        mutating func appendInterpolation(_ pieces: [Markup]) {
            for piece in pieces { text += piece.text }
        }

        /// Text of any length, for a machine to read from an attribute.
        mutating func appendInterpolation(data value: String) {
            text += Markup.escapeAll(value)
        }

        /// What this program itself wrote and holds to be safe: a style sheet, a script.
        mutating func appendInterpolation(trusted value: String) {
            text += value
        }
    }

    private static func escape(_ value: String) -> String {
        escapeAll(PrintableText.clean(value))
    }

    private static func escapeAll(_ value: String) -> String {
        var output = ""
        for character in value.unicodeScalars {
            switch character {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }

    /// Plots are some thousand units wide; anything beyond is cut, and what is no number is 0.
    private static func coordinate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = LatencyText.whole(min(max(value, -100_000), 100_000) * 10)
        let digits = "\(tenths.magnitude / 10)" + (tenths % 10 == 0 ? "" : ".\(tenths.magnitude % 10)")
        return tenths < 0 ? "-" + digits : digits
    }
}
