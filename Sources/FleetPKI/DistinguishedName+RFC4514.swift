import SwiftASN1
import X509

extension DistinguishedName {
    /// The name as RFC 4514 writes it: last component first, `CN=meter-7,O=Example`.
    ///
    /// Attribute types without a short name are dotted, with the value as `#` and the hexadecimal of its DER. Control
    /// and format characters are escaped, so that a name cannot forge a line of a log or turn a terminal's text around.
    var rfc4514: String {
        self.reversed().map { component in
            component.map { $0.rfc4514 }.joined(separator: "+")
        }.joined(separator: ",")
    }
}

extension RelativeDistinguishedName.Attribute {
    fileprivate var rfc4514: String {
        if let known = DirectoryAttribute.typed(self.type), let text = String(self.value) {
            return "\(known.shortName)=\(Self.escape(text))"
        }
        let name = DirectoryAttribute.typed(self.type)?.shortName ?? self.type.dotted
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(ASN1Any(self.value))
            return "\(name)=#\(Hexadecimal.encode(serializer.serializedBytes))"
        } catch {
            return "\(name)=#"
        }
    }

    /// RFC 4514 section 2.4.
    private static func escape(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var escaped = ""
        for (offset, scalar) in scalars.enumerated() {
            switch scalar {
            case "\"", "+", ",", ";", "<", ">", "\\":
                escaped += "\\"
                escaped.unicodeScalars.append(scalar)
            case "#" where offset == 0:
                escaped += "\\#"
            case " " where offset == 0 || offset == scalars.count - 1:
                escaped += "\\ "
            case _ where TerminalText.isUnprintable(scalar):
                for byte in String(scalar).utf8 {
                    escaped += "\\" + Hexadecimal.encode([byte])
                }
            default:
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// Text from certificates on its way to a terminal or log.
enum TerminalText {
    /// Control (Cc), format (Cf: direction marks, joiners) and separator (Zl, Zp) characters.
    static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }

    /// The text with such characters as `\u{…}`.
    static func visible(_ text: String) -> String {
        var visible = ""
        for scalar in text.unicodeScalars {
            if self.isUnprintable(scalar) {
                visible += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                visible.unicodeScalars.append(scalar)
            }
        }
        return visible
    }
}

/// Octets as lower-case hexadecimal digits, without separators.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(self.digits[Int(byte >> 4)])
            text.append(self.digits[Int(byte & 0x0F)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two digits of either case for each octet; nil when the text is anything else.
    static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(digits.count / 2)
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = self.value(of: digits[position]), let low = self.value(of: digits[position + 1]) else {
                return nil
            }
            octets.append(high << 4 | low)
        }
        return octets
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
