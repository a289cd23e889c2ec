import Foundation

/// The texts of the audit log's lines, byte for byte.
enum AuditText {
    private static let digits = Array("0123456789abcdef".utf8)

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        appendHexadecimal(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    static func appendHexadecimal(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + 2 * bytes.underestimatedCount)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
    }

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

    /// As ``UTCTime`` writes it.
    ///
    /// - Parameter milliseconds: Since 1970-01-01T00:00:00Z.
    static func time(_ milliseconds: Int64) -> String { UTCTime.text(milliseconds) }

    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    static var now: Int64 { milliseconds(Date()) }

    static func milliseconds(_ date: Date) -> Int64 {
        Int64(exactly: (date.timeIntervalSince1970 * 1_000).rounded(.down)) ?? 0
    }
}
