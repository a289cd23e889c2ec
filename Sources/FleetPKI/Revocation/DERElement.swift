/// One element of DER (X.690 section 10): where it stands in octets that belong to someone else.
///
/// A list of revoked certificates has millions of elements. This walk makes nothing for any of them, where a tree of
/// swift-asn1 has a node for each; the small parts of a list are read with that library.
struct DERElement {
    /// The identifier octet.
    let tag: UInt8
    /// Where the identifier octet is.
    let start: Int
    let content: Range<Int>

    /// Behind its last octet.
    var end: Int { self.content.upperBound }
    /// With identifier and length.
    var whole: Range<Int> { self.start..<self.content.upperBound }

    /// Octets of a length above 127: four of them name 4 GiB, which is more than any input that is looked at here.
    private static let lengthOctetsMax = 4

    /// Reads the element at `start`, which ends at `end` at the latest. Nil: the octets there are not one in DER, or its
    /// tag number is above 30, which nothing in X.509 has.
    static func read(_ bytes: Span<UInt8>, at start: Int, before end: Int) -> DERElement? {
        guard start >= 0, end <= bytes.count, end >= start, end - start >= 2 else { return nil }
        let tag = bytes[start]
        guard tag & 0x1F != 0x1F else { return nil }
        let first = bytes[start + 1]
        guard first & 0x80 != 0 else {
            guard Int(first) <= end - start - 2 else { return nil }
            return DERElement(tag: tag, start: start, content: start + 2..<start + 2 + Int(first))
        }
        let octets = Int(first & 0x7F)
        guard (1...Self.lengthOctetsMax).contains(octets), end - start - 2 >= octets else { return nil }
        var length = 0
        for position in start + 2..<start + 2 + octets { length = length << 8 | Int(bytes[position]) }
        // The shortest form is the only one in DER.
        let isShortest = octets == 1 ? length >= 0x80 : length >> (8 * (octets - 1)) != 0
        guard isShortest, length <= end - start - 2 - octets else { return nil }
        let content = start + 2 + octets
        return DERElement(tag: tag, start: start, content: content..<content + length)
    }
}

/// The identifier octets that a revocation list is made of.
enum DERTag {
    static let boolean: UInt8 = 0x01
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let enumerated: UInt8 = 0x0A
    static let utcTime: UInt8 = 0x17
    static let generalizedTime: UInt8 = 0x18
    static let sequence: UInt8 = 0x30
    /// [0], constructed.
    static let explicit0: UInt8 = 0xA0
}

/// Walks the elements of a constructed one, in order.
struct DERCursor {
    private(set) var position: Int
    let end: Int

    init(_ range: Range<Int>) {
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    var isAtEnd: Bool { self.position == self.end }

    /// The next element, which is not passed. Nil: there is none, or it is malformed.
    func peek(_ bytes: Span<UInt8>) -> DERElement? {
        DERElement.read(bytes, at: self.position, before: self.end)
    }

    /// The next element. Nil: there is none, or it is malformed; the cursor stays then.
    mutating func next(_ bytes: Span<UInt8>) -> DERElement? {
        guard let element = self.peek(bytes) else { return nil }
        self.position = element.end
        return element
    }

    /// The next element if it has this tag. Nil: it has not, there is none, or it is malformed; the cursor stays then.
    mutating func next(_ bytes: Span<UInt8>, _ tag: UInt8) -> DERElement? {
        guard let element = self.peek(bytes), element.tag == tag else { return nil }
        self.position = element.end
        return element
    }
}
