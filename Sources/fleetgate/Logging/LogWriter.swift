import Glibc

/// Where log lines go: one write for each line, so that lines of several threads do not mix.
protocol LogDestination: Sendable {
    func write(_ line: String)
}

/// Standard error. A line that cannot be written (a full disk, a closed pipe) is lost: logging never ends the gateway.
struct StandardErrorDestination: LogDestination {
    func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let rest = unsafe UnsafeBufferPointer(rebasing: bytes[written...])
                let count = unsafe Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                written += count
            }
        }
    }
}

/// Text from devices and certificates may be in any message: nothing in a line may end it or steer a terminal.
enum LogText {
    /// Longer values are cut; no honest one comes near.
    static let valueBytesMax = 4096

    /// Control characters, and those that turn the direction of text, as `\u{…}`.
    static func visible(_ text: String) -> String {
        // Nearly every value is plain ASCII: no need to take it apart.
        if text.utf8.count <= valueBytesMax, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        var result = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= valueBytesMax else {
                result += "…"
                break
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A JSON string with its quotation marks (RFC 8259, section 7).
    static func json(_ text: String) -> String {
        var result = ""
        appendJSON(text, to: &result)
        return result
    }

    /// Appends a JSON string with its quotation marks.
    static func appendJSON(_ text: String, to line: inout String) {
        line += "\""
        if text.utf8.count <= valueBytesMax, text.utf8.allSatisfy(isPlainInJSON) {
            line += text
        } else {
            for scalar in visible(text).unicodeScalars {
                switch scalar {
                case "\"": line += "\\\""
                case "\\": line += "\\\\"
                default: line.unicodeScalars.append(scalar)
                }
            }
        }
        line += "\""
    }

    /// Whether it is plain ASCII that stands for itself in a JSON string.
    private static func isPlainInJSON(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
}
