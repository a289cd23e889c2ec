/// Reads comma-separated values (RFC 4180), strictly: a quote stands only around a whole field or doubled inside of
/// one. Lines end with CR LF or LF; a quoted field may hold both.
struct CSVReader {
    struct Row {
        /// Where it begins, counted from 1.
        let line: Int
        var fields: [String]
        /// What is wrong with its form; its fields are not to be used then.
        var mistake: String?
    }

    /// Bytes of a field: the longest that means anything is a note of a kilobyte.
    static let fieldBytesMax = 4_096
    /// Fields in a row: all attributes of all devices together, in an export.
    static let fieldsMax = 512

    private let bytes: [UInt8]
    private(set) var position = 0
    private var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next row; empty lines are passed over. Nil at the end.
    mutating func next() -> Row? {
        while position < bytes.count, isLineEnd(position) { skipLineEnd() }
        guard position < bytes.count else { return nil }
        var row = Row(line: line, fields: [])
        while true {
            guard let field = readField() else {
                row.mistake = mistake
                skipLine()
                return row
            }
            guard row.fields.count < Self.fieldsMax else {
                row.mistake = "has more than \(Self.fieldsMax) fields"
                skipLine()
                return row
            }
            row.fields.append(field)
            if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                position += 1
                continue
            }
            if position < bytes.count { skipLineEnd() }
            return row
        }
    }

    private var mistake = ""

    /// Reads up to the comma, the line's end or the end; nil, with ``mistake``, when the field is malformed.
    private mutating func readField() -> String? {
        let quote = UInt8(ascii: "\"")
        guard position < bytes.count, bytes[position] == quote else {
            let start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: ","), !isLineEnd(position) {
                switch bytes[position] {
                case quote: return fail("has a quote inside of a field that has none around it")
                case 0x0D: return fail("has a carriage return that ends no line")
                case 0: return fail("has a NUL")
                case _: position += 1
                }
            }
            guard position - start <= Self.fieldBytesMax else { return fail(tooLong) }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        position += 1
        var field: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote {
                guard position < bytes.count, bytes[position] == quote else {
                    guard position == bytes.count || bytes[position] == UInt8(ascii: ",") || isLineEnd(position) else {
                        return fail("has something behind a closing quote")
                    }
                    return String(decoding: field, as: UTF8.self)
                }
                position += 1
            } else if byte == UInt8(ascii: "\n") {
                line += 1
            } else if byte == 0 {
                return fail("has a NUL")
            }
            guard field.count < Self.fieldBytesMax else { return fail(tooLong) }
            field.append(byte)
        }
        return fail("has a quoted field that does not end")
    }

    private var tooLong: String { "has a field longer than \(Self.fieldBytesMax) bytes" }

    private mutating func fail(_ message: String) -> String? {
        mistake = message
        return nil
    }

    private func isLineEnd(_ place: Int) -> Bool {
        bytes[place] == UInt8(ascii: "\n")
            || bytes[place] == 0x0D && place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "\n")
    }

    private mutating func skipLineEnd() {
        position += bytes[position] == 0x0D ? 2 : 1
        line += 1
    }

    /// Goes on behind the line's end, whatever stands before it.
    private mutating func skipLine() {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        guard position < bytes.count else { return }
        position += 1
        line += 1
    }
}
