import Foundation

/// The texts of the audit log's lines, byte for byte.
enum AuditText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends a JSON string (RFC 8259, section 7) with its quotation marks. Nothing in it can end a line or steer a
    /// terminal: control characters, and those that turn the direction of text, are written as `\uXXXX`, so that the
    /// text can be had back from the file as it was. Longer texts than ``AuditLimits/textBytes`` are cut and end in `…`.
    static func appendJSON(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        let isPlain = text.utf8.allSatisfy {
            (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain, text.utf8.count <= AuditLimits.textBytes {
            line.append(contentsOf: text.utf8)
        } else {
            appendEscaped(text, to: &line)
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ text: String, to line: inout [UInt8]) {
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= AuditLimits.textBytes else {
                line.append(contentsOf: "…".utf8)
                return
            }
            switch scalar {
            case "\"": line.append(contentsOf: "\\\"".utf8)
            case "\\": line.append(contentsOf: "\\\\".utf8)
            case _ where isInvisible(scalar):
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    line.append(contentsOf: "\\u".utf8)
                    for shift in [12, 8, 4, 0] { line.append(digits[Int(unit >> UInt16(shift) & 15)]) }
                }
            case _: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
