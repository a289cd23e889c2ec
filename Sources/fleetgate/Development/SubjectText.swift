/// A certificate subject as it is typed: attributes separated by commas, with the escapes of RFC 4514.
///
/// The order is that of the certificate, the most general attribute first (`O=…,OU=…,CN=…`), as `openssl req -subj` has
/// it. RFC 4514 itself writes names the other way round, which nobody does on a command line.
struct SubjectText: Sendable, Equatable {
    /// Why a text is not a subject. The message is for the operator and says where.
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// Bytes of the text; a subject is far shorter.
    static let bytesMax = 4096

    let attributes: [Attribute]

    struct Attribute: Sendable, Equatable {
        /// A short name such as `CN`, or a dotted object identifier.
        let name: String
        let value: String
    }

    init(parsing text: String) throws(Mistake) {
        guard text.utf8.count <= Self.bytesMax else { throw Mistake(description: "the subject is too long") }
        guard text.utf8.contains(where: { $0 != UInt8(ascii: " ") }) else {
            throw Mistake(description: "the subject is empty")
        }
        var reader = Reader(text)
        var attributes: [Attribute] = []
        repeat { attributes.append(try reader.attribute()) } while try reader.separator()
        self.attributes = attributes
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var position = 0

        init(_ text: String) { bytes = Array(text.utf8) }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private func mistake(_ problem: String) -> Mistake {
            Mistake(description: "\(problem), at character \(position + 1) of the subject")
        }

        private mutating func skipSpaces() {
            while current == UInt8(ascii: " ") { position += 1 }
        }

        /// Whether another attribute follows.
        mutating func separator() throws(Mistake) -> Bool {
            switch current {
            case nil: return false
            case UInt8(ascii: ","):
                position += 1
                return true
            case UInt8(ascii: "+"):
                throw mistake("a name of several attributes (+) is not supported; a plus sign is written \\+")
            default:
                throw mistake("expected a comma")
            }
        }

        mutating func attribute() throws(Mistake) -> Attribute {
            skipSpaces()
            let start = position
            while let byte = current, byte != UInt8(ascii: "="), byte != UInt8(ascii: ",") { position += 1 }
            let name = String(decoding: bytes[start..<position], as: UTF8.self).trimmingSpaces()
            guard current == UInt8(ascii: "=") else {
                throw mistake(name.isEmpty ? "expected an attribute such as CN=meter-1" : "`\(name)` has no `=`")
            }
            guard isName(name) else { throw mistake("`\(name)` is not the name of an attribute") }
            position += 1
            skipSpaces()
            let value = try value()
            guard !value.isEmpty else { throw mistake("`\(name)` has no value") }
            return Attribute(name: name, value: value)
        }

        /// RFC 4514, section 3: `descr` (a letter, then letters, digits, hyphens) or `numericoid`.
        private func isName(_ name: String) -> Bool {
            guard let first = name.utf8.first else { return false }
            let isDigit: (UInt8) -> Bool = { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            if isDigit(first) { return name.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") } }
            return name.utf8.allSatisfy { byte in
                isDigit(byte) || byte == UInt8(ascii: "-")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
        }

        private mutating func value() throws(Mistake) -> String {
            guard current != UInt8(ascii: "#") else {
                throw mistake(
                    "values in hexadecimal (#…) are not supported; a number sign at the beginning is written \\#")
            }
            var value: [UInt8] = []
            // Spaces at the end that are not escaped do not belong to the value.
            var significantCount = 0
            while let byte = current, byte != UInt8(ascii: ","), byte != UInt8(ascii: "+") {
                switch byte {
                case UInt8(ascii: "\\"):
                    position += 1
                    value.append(try escaped())
                    significantCount = value.count
                case UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"), 0:
                    let character = String(decoding: [byte], as: UTF8.self)
                    throw mistake(byte == 0 ? "a zero byte" : "`\(character)` needs a backslash before it")
                default:
                    position += 1
                    value.append(byte)
                    if byte != UInt8(ascii: " ") { significantCount = value.count }
                }
            }
            guard let text = String(validating: value.prefix(significantCount), as: UTF8.self) else {
                throw mistake("the escaped bytes are not UTF-8")
            }
            return text
        }

        private mutating func escaped() throws(Mistake) -> UInt8 {
            guard let byte = current else { throw mistake("nothing follows the backslash") }
            if "\"+,;<>\\ #=".utf8.contains(byte) {
                position += 1
                return byte
            }
            guard position + 1 < bytes.count, let high = hexadecimal(byte), let low = hexadecimal(bytes[position + 1])
            else { throw mistake("a backslash stands before a special character or two hexadecimal digits") }
            position += 2
            return high << 4 | low
        }

        private func hexadecimal(_ byte: UInt8) -> UInt8? {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
            default: nil
            }
        }
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
