/// Reads DER (X.690) element by element out of bytes that a peer sent. Every range is checked against its parent, so
/// nothing outside is ever read; nothing is copied.
struct DERReader {
    /// Why bytes are not the DER expected.
    struct Failure: Error, Hashable {
        let detail: String
    }

    /// One element: where its content is, and where the whole of it is.
    struct Element {
        let tag: UInt8
        let content: Range<Int>
        let whole: Range<Int>
    }

    enum Tag {
        static let boolean: UInt8 = 0x01
        static let integer: UInt8 = 0x02
        static let bitString: UInt8 = 0x03
        static let octetString: UInt8 = 0x04
        static let objectIdentifier: UInt8 = 0x06
        static let utf8String: UInt8 = 0x0C
        static let numericString: UInt8 = 0x12
        static let printableString: UInt8 = 0x13
        static let teletexString: UInt8 = 0x14
        static let ia5String: UInt8 = 0x16
        static let utcTime: UInt8 = 0x17
        static let generalizedTime: UInt8 = 0x18
        static let visibleString: UInt8 = 0x1A
        static let universalString: UInt8 = 0x1C
        static let bmpString: UInt8 = 0x1E
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31
    }

    let bytes: [UInt8]
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8]) {
        self.init(bytes, within: bytes.indices)
    }

    private init(_ bytes: [UInt8], within range: Range<Int>) {
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    var isAtEnd: Bool { self.position == self.end }

    /// The tag of the next element, or nil at the end.
    var nextTag: UInt8? { self.isAtEnd ? nil : self.bytes[self.position] }

    /// A reader of what is inside an element of this reader.
    func inside(_ element: Element) -> DERReader {
        DERReader(self.bytes, within: element.content)
    }

    func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
        self.bytes[range]
    }

    mutating func next() throws(Failure) -> Element {
        let start = self.position
        let tag = try self.readByte()
        guard tag & 0x1F != 0x1F else {
            throw Failure(detail: "tag of more than one byte")
        }
        var length = Int(try self.readByte())
        if length >= 0x80 {
            let count = length & 0x7F
            // Two bytes hold every length up to the largest certificate there can be.
            guard count == 1 || count == 2 else {
                throw Failure(detail: "length that is indefinite or too long")
            }
            length = 0
            for _ in 0..<count {
                length = length << 8 | Int(try self.readByte())
            }
            guard length >= (count == 1 ? 0x80 : 0x100) else {
                throw Failure(detail: "length not in its shortest form")
            }
        }
        guard length <= self.end - self.position else {
            throw Failure(detail: "element reaches beyond its parent")
        }
        let content = self.position..<self.position + length
        self.position = content.upperBound
        return Element(tag: tag, content: content, whole: start..<content.upperBound)
    }

    mutating func next(_ tag: UInt8, _ what: String) throws(Failure) -> Element {
        let element = try self.next()
        guard element.tag == tag else {
            throw Failure(detail: "\(what) has tag \(element.tag) instead of \(tag)")
        }
        return element
    }

    /// The next element when it has that tag, otherwise nil, without moving.
    mutating func nextIfPresent(_ tag: UInt8) throws(Failure) -> Element? {
        guard self.nextTag == tag else { return nil }
        return try self.next()
    }

    func requireEnd(of what: String) throws(Failure) {
        guard self.isAtEnd else {
            throw Failure(detail: "bytes after the end of \(what)")
        }
    }

    private mutating func readByte() throws(Failure) -> UInt8 {
        guard self.position < self.end else {
            throw Failure(detail: "ends in the middle of an element")
        }
        defer { self.position += 1 }
        return self.bytes[self.position]
    }
}

extension DERReader {
    /// An OBJECT IDENTIFIER in dotted form (X.690, 8.19).
    mutating func objectIdentifier() throws(Failure) -> String {
        let element = try self.next(Tag.objectIdentifier, "object identifier")
        return try Self.dotted(self.slice(element.content))
    }

    static func dotted(_ content: ArraySlice<UInt8>) throws(Failure) -> String {
        // More than any registered identifier needs, and little enough to print.
        guard !content.isEmpty, content.count <= 64 else {
            throw Failure(detail: "object identifier of \(content.count) bytes")
        }
        var text = ""
        var arc: UInt64 = 0
        var isInArc = false
        for byte in content {
            guard arc <= UInt64.max >> 8, isInArc || byte != 0x80 else {
                throw Failure(detail: "malformed object identifier")
            }
            arc = arc << 7 | UInt64(byte & 0x7F)
            isInArc = byte & 0x80 != 0
            guard !isInArc else { continue }
            if text.isEmpty {
                let root = min(arc / 40, 2)
                text = "\(root).\(arc - root * 40)"
            } else {
                text += ".\(arc)"
            }
            arc = 0
        }
        guard !isInArc else {
            throw Failure(detail: "object identifier ends in the middle")
        }
        return text
    }

    /// A BOOLEAN.
    mutating func boolean() throws(Failure) -> Bool {
        let element = try self.next(Tag.boolean, "boolean")
        guard element.content.count == 1, let value = self.slice(element.content).first else {
            throw Failure(detail: "boolean of \(element.content.count) bytes")
        }
        return value != 0
    }
}
