extension DistinguishedName: CustomStringConvertible {
    /// The string form of RFC 4514: the most specific relative name first, special characters escaped. Equal names have
    /// the same text.
    ///
    /// More is escaped than the RFC requires: control characters become hexadecimal pairs, so that a name from a
    /// certificate cannot break a line of a log or steer a terminal. An attribute type without a short name is written
    /// in dotted form with its value in hexadecimal (section 2.4), taken as a UTF8String.
    public var description: String {
        // One text that grows: a decision makes two of these for each new connection.
        var text = ""
        for (place, relativeName) in relativeNames.reversed().enumerated() {
            if place > 0 { text += "," }
            for (position, attribute) in relativeName.attributes.enumerated() {
                if position > 0 { text += "+" }
                Self.append(attribute, to: &text)
            }
        }
        return text
    }

    private static func append(_ attribute: Attribute, to text: inout String) {
        if let name = AttributeType.shortName(ofOID: attribute.attributeType) {
            text += name
            text += "="
            text += escaped(attribute.value)
        } else {
            text += "\(attribute.attributeType)=#\(hexadecimal(UTF8StringEncoding.encode(attribute.value)))"
        }
    }

    /// Escapes one value after RFC 4514, section 2.4.
    static func escaped(_ value: String) -> String {
        let utf8 = value.utf8
        // Nearly every value is plain: no need to take it apart.
        if utf8.allSatisfy(isPlain), utf8.first != UInt8(ascii: "#"), utf8.first != UInt8(ascii: " "),
            utf8.last != UInt8(ascii: " ")
        {
            return value
        }
        var text = ""
        let last = value.unicodeScalars.count - 1
        for (position, scalar) in value.unicodeScalars.enumerated() {
            switch scalar {
            case "\"", "+", ",", ";", "<", ">", "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            case " " where position == 0 || position == last, "#" where position == 0:
                text += "\\"
                text.unicodeScalars.append(scalar)
            case _ where ControlCharacters.contains(scalar):
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    text += "\\\(hexadecimal([byte]))"
                }
            case _:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Whether it stands for itself wherever it is not the first or last character.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "\\"):
            false
        case _: (0x20..<0x7F).contains(byte)
        }
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16, uppercase: true)
        }
        return text
    }
}

extension DistinguishedName {
    /// Reads the string form of RFC 4514; nil when it is malformed, or has an attribute type that is neither dotted nor
    /// known by a short name. The empty text is the empty name.
    public init?(rfc4514 text: String) {
        guard let names = RFC4514Parser.parse(text) else { return nil }
        self.init(names)
    }
}

/// Control characters and others that must never reach a topic, a log line or a terminal as they are.
enum ControlCharacters {
    /// C0, DEL and C1 (MQTT 5, 1.5.4), line and paragraph separators, and the marks that turn the direction of text.
    static func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0x061C: true
        case _: isNoncharacter(scalar) || scalar.value == 0xFEFF
        }
    }

    private static func isNoncharacter(_ scalar: Unicode.Scalar) -> Bool {
        (0xFDD0...0xFDEF).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
    }
}

/// The BER encoding of a UTF8String (X.690), for values of attribute types without a short name.
enum UTF8StringEncoding {
    static func encode(_ value: String) -> [UInt8] {
        let bytes = Array(value.utf8)
        guard bytes.count >= 0x80 else { return [0x0C, UInt8(bytes.count)] + bytes }
        var length: [UInt8] = []
        var rest = bytes.count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x0C, 0x80 | UInt8(length.count)] + length + bytes
    }

    /// The text of a UTF8String, PrintableString, IA5String or VisibleString; nil for anything else or malformed.
    static func decode(_ bytes: [UInt8]) -> String? {
        guard let tag = bytes.first, [0x0C, 0x13, 0x16, 0x1A].contains(tag), bytes.count >= 2 else { return nil }
        var length = Int(bytes[1])
        var start = 2
        if length >= 0x80 {
            let lengthBytes = length & 0x7F
            // Three bytes of length are 16 MiB: more than any name.
            guard (1...3).contains(lengthBytes), bytes.count >= 2 + lengthBytes else { return nil }
            length = bytes[2..<2 + lengthBytes].reduce(0) { $0 << 8 | Int($1) }
            start += lengthBytes
        }
        guard bytes.count == start + length else { return nil }
        return String(validating: bytes[start...], as: UTF8.self)
    }
}
