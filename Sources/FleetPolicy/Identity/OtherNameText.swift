/// The text of an otherName's value (RFC 5280, section 4.2.1.6), for patterns to match.
enum OtherNameText {
    /// id-on-hardwareModuleName (RFC 4108, section 5).
    static let hardwareModuleName = "1.3.6.1.5.5.7.8.4"

    /// The names that stand for object identifiers in profiles.
    static let table: [(name: String, oid: String)] = [("hardwareModuleName", hardwareModuleName)]

    static func shortName(ofOID oid: String) -> String? { table.first { $0.oid == oid }?.name }

    /// A hardwareModuleName as `<type>/<serial number in lower-case hexadecimal>`; a UTF8String, PrintableString or
    /// IA5String as it is; anything else as its DER in lower-case hexadecimal. Nil when that is longer than patterns
    /// read.
    static func text(oid: String, value: [UInt8]) -> [UInt8]? {
        guard value.count <= PolicyBounds.matchedValueBytesMax else { return nil }
        if oid == hardwareModuleName, let module = hardwareModule(value) { return Array(module.utf8) }
        if let text = UTF8StringEncoding.decode(value) { return Array(text.utf8) }
        return Array(HexadecimalText.text(value).utf8)
    }

    /// `SEQUENCE { hwType OBJECT IDENTIFIER, hwSerialNum OCTET STRING }`; nil for anything else.
    private static func hardwareModule(_ value: [UInt8]) -> String? {
        var outer = value[...]
        guard let sequence = element(0x30, &outer), outer.isEmpty else { return nil }
        var rest = sequence
        guard let type = element(0x06, &rest).flatMap(objectIdentifier), let serial = element(0x04, &rest),
            rest.isEmpty
        else { return nil }
        return "\(type)/\(HexadecimalText.text(serial))"
    }

    /// Takes a DER element with this tag from the front. Lengths of up to two bytes: the value has at most 256.
    private static func element(_ tag: UInt8, _ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.popFirst() == tag, let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            guard first == 0x81 || first == 0x82 else { return nil }
            length = 0
            for _ in 0..<(first & 0x7F) {
                guard let byte = bytes.popFirst() else { return nil }
                length = length << 8 | Int(byte)
            }
        }
        guard length <= bytes.count else { return nil }
        defer { bytes.removeFirst(length) }
        return bytes.prefix(length)
    }

    /// X.690, 8.19. Nil when it is malformed or an arc does not fit.
    private static func objectIdentifier(_ bytes: ArraySlice<UInt8>) -> String? {
        var arcs: [UInt64] = []
        var arc: UInt64 = 0
        var isWithin = false
        for byte in bytes {
            guard arc < 1 << 56, isWithin || byte != 0x80 else { return nil }
            arc = arc << 7 | UInt64(byte & 0x7F)
            isWithin = byte >= 0x80
            guard !isWithin else { continue }
            if arcs.isEmpty {
                let root = min(arc / 40, 2)
                arcs = [root, arc - root * 40]
            } else {
                arcs.append(arc)
            }
            arc = 0
        }
        guard !isWithin, !arcs.isEmpty else { return nil }
        return arcs.map { String($0) }.joined(separator: ".")
    }
}
