/// Reads the string form of distinguished names (RFC 4514, section 3). Spaces around separators, which RFC 2253 allowed
/// and people write, are skipped.
struct RFC4514Parser {
    private let bytes: [UInt8]
    private var position = 0

    /// The relative names in the order of a certificate (the reverse of the text's); nil when malformed.
    static func parse(_ text: String) -> [DistinguishedName.RelativeName]? {
        var parser = RFC4514Parser(text)
        guard !parser.bytes.isEmpty else { return [] }
        var names: [DistinguishedName.RelativeName] = []
        var attributes: [DistinguishedName.Attribute] = []
        while true {
            guard let attribute = parser.attribute() else { return nil }
            attributes.append(attribute)
            let separator = parser.next()
            if separator == UInt8(ascii: "+") { continue }
            names.append(DistinguishedName.RelativeName(attributes))
            attributes = []
            if separator == nil { return names.reversed() }
            guard separator == UInt8(ascii: ",") else { return nil }
        }
    }

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func next() -> UInt8? {
        guard let byte = current else { return nil }
        position += 1
        return byte
    }

    private mutating func skipSpaces() {
        while current == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func attribute() -> DistinguishedName.Attribute? {
        skipSpaces()
        let start = position
        while let byte = current, byte != UInt8(ascii: "="), byte != UInt8(ascii: " ") { position += 1 }
        let name = String(decoding: bytes[start..<position], as: UTF8.self)
        skipSpaces()
        guard next() == UInt8(ascii: "=") else { return nil }
        guard let oid = AttributeType.isDottedOID(name) ? name : AttributeType.oid(ofShortName: name) else {
            return nil
        }
        skipSpaces()
        guard let value = current == UInt8(ascii: "#") ? encodedValue() : escapedValue() else { return nil }
        return DistinguishedName.Attribute(attributeType: oid, value: value)
    }

    /// `#` and the BER encoding in hexadecimal.
    private mutating func encodedValue() -> String? {
        position += 1
        var encoding: [UInt8] = []
        while let byte = current, byte != UInt8(ascii: ","), byte != UInt8(ascii: "+"), byte != UInt8(ascii: " ") {
            guard let pair = hexadecimalPair() else { return nil }
            encoding.append(pair)
        }
        skipSpaces()
        return UTF8StringEncoding.decode(encoding)
    }

    private mutating func escapedValue() -> String? {
        var value: [UInt8] = []
        // Spaces at the end that were not escaped do not belong to the value.
        var significantCount = 0
        while let byte = current, byte != UInt8(ascii: ","), byte != UInt8(ascii: "+") {
            switch byte {
            case UInt8(ascii: "\\"):
                position += 1
                guard let escaped = escapedByte() else { return nil }
                value.append(escaped)
                significantCount = value.count
            case UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"), 0:
                return nil
            case _:
                position += 1
                value.append(byte)
                if byte != UInt8(ascii: " ") { significantCount = value.count }
            }
        }
        return String(validating: value[..<significantCount], as: UTF8.self)
    }

    private mutating func escapedByte() -> UInt8? {
        guard let byte = current else { return nil }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: " "), UInt8(ascii: "#"), UInt8(ascii: "="):
            position += 1
            return byte
        case _:
            return hexadecimalPair()
        }
    }

    private mutating func hexadecimalPair() -> UInt8? {
        guard let high = hexadecimalDigit(), let low = hexadecimalDigit() else { return nil }
        return high << 4 | low
    }

    private mutating func hexadecimalDigit() -> UInt8? {
        guard let byte = next() else { return nil }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): return byte - UInt8(ascii: "A") + 10
        case _: return nil
        }
    }
}
