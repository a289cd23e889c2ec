/// One attribute of a distinguished name, such as CN=meter-17.
public struct NameAttribute: Sendable, Hashable {
    /// The type in dotted form: 2.5.4.3 is commonName.
    public let oid: String
    /// The value. What is not valid in its own encoding is never repaired: such a certificate is refused.
    public let value: String

    public init(oid: String, value: String) {
        self.oid = oid
        self.value = value
    }
}

/// Reading and writing of distinguished names. A name is a sequence of relative names, each a set of attributes,
/// mostly of one.
enum DistinguishedName {
    /// More than any directory has; the certificate's own size bounds it too.
    static let attributesMax = 64

    /// Reads a whole Name.
    static func read(whole der: [UInt8]) throws(DERReader.Failure) -> [[NameAttribute]] {
        var reader = DERReader(der)
        let name = try reader.next(DERReader.Tag.sequence, "name")
        try reader.requireEnd(of: "name")
        return try self.read(reader.inside(name))
    }

    /// Reads the content of a Name (RFC 5280, 4.1.2.4), the outer SEQUENCE already opened.
    static func read(_ reader: DERReader) throws(DERReader.Failure) -> [[NameAttribute]] {
        var reader = reader
        var name: [[NameAttribute]] = []
        var count = 0
        while !reader.isAtEnd {
            var relative = reader.inside(try reader.next(DERReader.Tag.set, "relative name"))
            var attributes: [NameAttribute] = []
            while !relative.isAtEnd {
                var attribute = relative.inside(try relative.next(DERReader.Tag.sequence, "attribute"))
                let oid = try attribute.objectIdentifier()
                let element = try attribute.next()
                try attribute.requireEnd(of: "attribute")
                guard let value = DirectoryText.decode(tag: element.tag, attribute.slice(element.content)) else {
                    throw DERReader.Failure(detail: "attribute \(oid) is not valid text of its type")
                }
                attributes.append(NameAttribute(oid: oid, value: value))
                count += 1
                guard count <= Self.attributesMax else {
                    throw DERReader.Failure(detail: "more than \(Self.attributesMax) attributes in a name")
                }
            }
            guard !attributes.isEmpty else {
                throw DERReader.Failure(detail: "relative name without attributes")
            }
            name.append(attributes)
        }
        return name
    }

    /// The name as text, in the manner of RFC 4514: last relative name first, `+` between attributes of one, special
    /// characters escaped. For reading; never for comparing.
    static func description(of name: [[NameAttribute]]) -> String {
        var text = ""
        for attributes in name.reversed() {
            if !text.isEmpty { text += "," }
            for (index, attribute) in attributes.enumerated() {
                if index > 0 { text += "+" }
                text += Self.shortNames[attribute.oid] ?? attribute.oid
                text += "="
                Self.append(attribute.value, to: &text)
            }
        }
        return text
    }

    private static func append(_ value: String, to text: inout String) {
        // Nearly every value is plain ASCII without any of these: no need to take it apart.
        if value.utf8.allSatisfy(Self.isPlain), value.utf8.first != UInt8(ascii: " "),
            value.utf8.first != UInt8(ascii: "#"),
            value.utf8.last != UInt8(ascii: " ")
        {
            text += value
            return
        }
        let scalars = value.unicodeScalars
        let last = scalars.count - 1
        for (offset, scalar) in scalars.enumerated() {
            let isEdge = offset == 0 || offset == last
            switch scalar {
            case "\"", "+", ",", ";", "<", ">", "\\":
                text += "\\\(scalar)"
            case " " where isEdge, "#" where offset == 0:
                text += "\\\(scalar)"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    text += "\\" + (digits.count == 1 ? "0" : "") + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
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

    private static let shortNames: [String: String] = [
        "2.5.4.3": "CN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
        "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.46": "dnQualifier",
        "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
        "1.2.840.113549.1.9.1": "emailAddress",
    ]
}

/// The string types of X.520 that occur in names.
enum DirectoryText {
    /// - Returns: nil when the bytes are not valid in the encoding, contain U+0000, or the type is not a text type.
    static func decode(tag: UInt8, _ bytes: ArraySlice<UInt8>) -> String? {
        let text: String?
        switch tag {
        case DERReader.Tag.utf8String:
            text = String(validating: bytes, as: UTF8.self)
        case DERReader.Tag.printableString, DERReader.Tag.visibleString:
            // Wider than the type's own alphabet, because `_`, `@` and `*` are common in it and cannot mislead.
            text = bytes.allSatisfy { (0x20...0x7E).contains($0) } ? String(validating: bytes, as: UTF8.self) : nil
        case DERReader.Tag.numericString:
            let isNumeric = bytes.allSatisfy { $0 == 0x20 || (0x30...0x39).contains($0) }
            text = isNumeric ? String(validating: bytes, as: UTF8.self) : nil
        case DERReader.Tag.ia5String:
            text = Self.ascii(bytes)
        case DERReader.Tag.teletexString:
            // What is written in practice is Latin-1, whose bytes are the first 256 code points.
            text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        case DERReader.Tag.bmpString:
            text = Self.bmp(bytes)
        case DERReader.Tag.universalString:
            text = Self.universal(bytes)
        default:
            text = nil
        }
        guard let text, !text.unicodeScalars.contains("\0") else { return nil }
        return text
    }

    /// ASCII without U+0000, which would end the name in C and not here.
    static func ascii(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.allSatisfy({ (0x01...0x7F).contains($0) }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func bmp(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        var scalars = String.UnicodeScalarView()
        var high: UInt32?
        for byte in bytes {
            guard let first = high else {
                high = UInt32(byte)
                continue
            }
            // Surrogates do not belong in UCS-2, and have no scalar.
            guard let scalar = Unicode.Scalar(first << 8 | UInt32(byte)) else { return nil }
            scalars.append(scalar)
            high = nil
        }
        return String(scalars)
    }

    private static func universal(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count.isMultiple(of: 4) else { return nil }
        var scalars = String.UnicodeScalarView()
        var value: UInt32 = 0
        for (offset, byte) in bytes.enumerated() {
            value = value << 8 | UInt32(byte)
            guard offset % 4 == 3 else { continue }
            guard let scalar = Unicode.Scalar(value) else { return nil }
            scalars.append(scalar)
            value = 0
        }
        return String(scalars)
    }
}
