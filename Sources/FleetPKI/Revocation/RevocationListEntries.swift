/// One entry of a list, as places in its octets.
struct RevocationListEntry {
    /// The content of the INTEGER.
    let serialNumber: Range<Int>
    /// The number of RFC 5280 section 5.3.1; 0 when the list does not say.
    let reason: Int
    /// Seconds since 1970-01-01T00:00:00Z.
    let revokedAt: Int64
}

extension RevocationListEnvelope {
    /// Octets of a serial number: RFC 5280 section 4.1.2.2 has 20, and one more for the sign that some issuers forget to
    /// count.
    private static let serialOctetsMax = 21
    /// Extensions of one entry; the standard knows three.
    private static let entryExtensionsMax = 16

    /// Walks the entries in order, without making anything for them.
    ///
    /// - Returns: How many there are.
    /// - Throws: ``PKIError``: `malformed-crl`, `indirect-crl`, `unknown-critical-extension`, and what `body` throws.
    @discardableResult
    func forEachEntry(_ body: (RevocationListEntry) throws(PKIError) -> Void) throws(PKIError) -> Int {
        let bytes = self.der.span
        var count = 0
        var cursor = DERCursor(self.entries)
        while !cursor.isAtEnd {
            guard let element = cursor.next(bytes, DERTag.sequence) else { throw Self.malformedEntry(count) }
            try body(self.entry(element, bytes, number: count))
            count += 1
        }
        return count
    }

    private func entry(
        _ element: DERElement, _ bytes: Span<UInt8>, number: Int
    ) throws(PKIError) -> RevocationListEntry {
        var fields = DERCursor(element.content)
        guard let serial = fields.next(bytes, DERTag.integer),
            (1...Self.serialOctetsMax).contains(serial.content.count), let time = fields.next(bytes),
            let revokedAt = ListTime.seconds(time, bytes)
        else { throw Self.malformedEntry(number) }
        var reason = 0
        if let extensions = fields.next(bytes, DERTag.sequence) {
            guard self.mayHaveExtensions else { throw Self.malformedEntry(number) }
            reason = try Self.reason(extensions, bytes, number: number)
        }
        guard fields.isAtEnd else { throw Self.malformedEntry(number) }
        return RevocationListEntry(serialNumber: serial.content, reason: reason, revokedAt: revokedAt)
    }

    /// The reason code among an entry's extensions (RFC 5280 section 5.3).
    private static func reason(
        _ element: DERElement, _ bytes: Span<UInt8>, number: Int
    ) throws(PKIError) -> Int {
        var reason: Int?
        var count = 0
        var cursor = DERCursor(element.content)
        while !cursor.isAtEnd {
            guard count < self.entryExtensionsMax, let item = cursor.next(bytes, DERTag.sequence) else {
                throw self.malformedEntry(number)
            }
            count += 1
            var fields = DERCursor(item.content)
            guard let oid = fields.next(bytes, DERTag.objectIdentifier) else { throw self.malformedEntry(number) }
            var isCritical = false
            if let flag = fields.next(bytes, DERTag.boolean) {
                guard flag.content.count == 1 else { throw self.malformedEntry(number) }
                isCritical = bytes[flag.content.lowerBound] != 0
            }
            guard let value = fields.next(bytes, DERTag.octetString), fields.isAtEnd else {
                throw self.malformedEntry(number)
            }
            switch EntryExtension(oid.content, bytes) {
            case .reasonCode:
                guard reason == nil,
                    let code = DERElement.read(bytes, at: value.content.lowerBound, before: value.end),
                    code.tag == DERTag.enumerated, code.end == value.end, code.content.count == 1
                else { throw self.malformedEntry(number) }
                reason = Int(bytes[code.content.lowerBound])
            case .certificateIssuer:
                throw PKIError(
                    code: .indirectRevocationList,
                    message: "entry \(number + 1) of the revocation list is about another CA's certificate")
            case .invalidityDate:
                continue
            case nil:
                guard isCritical else { continue }
                throw PKIError(
                    code: .unknownCriticalExtension,
                    message:
                        "entry \(number + 1) of the revocation list has a critical extension that is not understood")
            }
        }
        return reason ?? 0
    }

    private static func malformedEntry(_ number: Int) -> PKIError {
        self.malformed("its entry \(number + 1) is none")
    }
}

/// The extensions of an entry that are understood: the last arc under id-ce.
private enum EntryExtension: UInt8 {
    case reasonCode = 21
    case invalidityDate = 24
    case certificateIssuer = 29

    init?(_ content: Range<Int>, _ bytes: Span<UInt8>) {
        // id-ce is 2.5.29.
        guard content.count == 3, bytes[content.lowerBound] == 0x55, bytes[content.lowerBound + 1] == 0x1D else {
            return nil
        }
        self.init(rawValue: bytes[content.lowerBound + 2])
    }
}
