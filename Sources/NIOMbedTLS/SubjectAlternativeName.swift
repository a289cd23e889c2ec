/// One entry of a certificate's subject alternative names (RFC 5280, 4.2.1.6).
public enum SubjectAlternativeName: Sendable, Hashable {
    /// dNSName.
    case dns(String)
    /// uniformResourceIdentifier.
    case uri(String)
    /// rfc822Name.
    case email(String)
    /// iPAddress: 4 or 16 bytes, in network order.
    case ip([UInt8])
    /// directoryName.
    case directoryName([[NameAttribute]])
    /// otherName: its type in dotted form, and the DER of its value.
    case otherName(oid: String, value: [UInt8])
    /// registeredID, in dotted form.
    case registeredID(String)
    /// An entry that exists but is of another type (its DER tag), or is not valid text of its type. Matches nothing.
    case other(tag: UInt8)

    /// More than a device's certificate has reason for; the certificate's size bounds it too.
    static let countMax = 128

    /// Reads the content of the extension's OCTET STRING.
    static func readAll(_ reader: DERReader) throws(DERReader.Failure) -> [SubjectAlternativeName] {
        var reader = reader
        var names = reader.inside(try reader.next(DERReader.Tag.sequence, "subject alternative names"))
        try reader.requireEnd(of: "subject alternative names")
        var result: [SubjectAlternativeName] = []
        while !names.isAtEnd {
            guard result.count < Self.countMax else {
                throw DERReader.Failure(detail: "more than \(Self.countMax) subject alternative names")
            }
            let element = try names.next()
            result.append(try Self.read(element, in: names))
        }
        return result
    }

    private static func read(
        _ element: DERReader.Element, in reader: DERReader
    ) throws(DERReader.Failure) -> SubjectAlternativeName {
        let content = reader.slice(element.content)
        switch element.tag {
        case 0x81:
            return DirectoryText.ascii(content).map { .email($0) } ?? .other(tag: element.tag)
        case 0x82:
            return DirectoryText.ascii(content).map { .dns($0) } ?? .other(tag: element.tag)
        case 0x86:
            return DirectoryText.ascii(content).map { .uri($0) } ?? .other(tag: element.tag)
        case 0x87:
            return content.count == 4 || content.count == 16 ? .ip(Array(content)) : .other(tag: element.tag)
        case 0x88:
            guard let oid = try? DERReader.dotted(content) else { return .other(tag: element.tag) }
            return .registeredID(oid)
        case 0xA0:
            var other = reader.inside(element)
            let oid = try other.objectIdentifier()
            let value = try other.next(0xA0, "value of an otherName")
            try other.requireEnd(of: "otherName")
            return .otherName(oid: oid, value: Array(reader.slice(value.content)))
        case 0xA4:
            var directory = reader.inside(element)
            let name = try directory.next(DERReader.Tag.sequence, "directoryName")
            try directory.requireEnd(of: "directoryName")
            return .directoryName(try DistinguishedName.read(directory.inside(name)))
        default:
            return .other(tag: element.tag)
        }
    }
}
