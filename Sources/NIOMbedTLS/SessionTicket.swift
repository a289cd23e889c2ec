/// What a server's ticket holds: mbedTLS's session, and who it was given to, because mbedTLS's own tickets of TLS 1.3 do
/// not say that.
///
/// Numbers are big-endian. After the version of TLS, the two times and the fingerprint come three texts, each with its
/// length in two bytes: SNI (empty for none), leaf, session.
struct SessionTicket {
    /// The version it was given in, and can be resumed in.
    let version: TLSVersion
    /// Seconds since 1970, of the full handshake that the session began with.
    let verifiedAt: Int64
    /// Seconds since 1970: the earliest notAfter of the client's chain.
    let notAfter: Int64
    /// Of the trust anchor that the chain ended in.
    let anchorFingerprint: [UInt8]
    /// SNI as the client sent it: another name is another service, maybe (RFC 6066, section 3).
    let serverName: String?
    let leafDER: [UInt8]
    /// Where mbedTLS's session is in the content read.
    let session: Range<Int>

    static func content(
        _ peer: VerifiedPeer, version: TLSVersion, serverName: String?, session: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        let name = Array((serverName ?? "").utf8)
        let leaf = peer.certificate.der
        guard let nameLength = UInt16(exactly: name.count), let leafLength = UInt16(exactly: leaf.count),
            let sessionLength = UInt16(exactly: session.count),
            peer.trustAnchor.sha256Fingerprint.count == Self.fingerprintLength
        else { return nil }
        var content: [UInt8] = []
        content.reserveCapacity(Self.fixedLength + name.count + leaf.count + session.count)
        func append(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.bigEndian) { content += $0 }
        }
        append(UInt16(truncatingIfNeeded: version.wireValue))
        append(peer.verifiedAt)
        append(peer.notAfter)
        content += peer.trustAnchor.sha256Fingerprint
        append(nameLength)
        content += name
        append(leafLength)
        content += leaf
        append(sessionLength)
        content += session
        return content
    }

    /// - Returns: nil when the content is not of that form to the last byte.
    init?(_ content: UnsafeRawBufferPointer) {
        var reader = Reader(content)
        guard let version = reader.number(UInt16.self).flatMap({ TLSVersion(wireValue: Int32($0)) }),
            let verifiedAt = reader.number(Int64.self), let notAfter = reader.number(Int64.self),
            let fingerprint = reader.bytes(Self.fingerprintLength), let name = reader.text(),
            let leaf = reader.text(), let session = reader.text(), reader.isAtEnd
        else { return nil }
        self.version = version
        self.verifiedAt = verifiedAt
        self.notAfter = notAfter
        self.anchorFingerprint = Array(content[fingerprint])
        self.serverName = name.isEmpty ? nil : String(decoding: content[name], as: UTF8.self)
        self.leafDER = Array(content[leaf])
        self.session = session
    }

    private static let fingerprintLength = 32
    private static let fixedLength = 2 + 8 + 8 + Self.fingerprintLength + 3 * 2

    private struct Reader {
        private let content: UnsafeRawBufferPointer
        private var next = 0

        init(_ content: UnsafeRawBufferPointer) { self.content = content }

        var isAtEnd: Bool { self.next == self.content.count }

        mutating func bytes(_ count: Int) -> Range<Int>? {
            guard count <= self.content.count - self.next else { return nil }
            defer { self.next += count }
            return self.next..<self.next + count
        }

        mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
            guard let range = self.bytes(MemoryLayout<Number>.size) else { return nil }
            return self.content[range].reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }

        mutating func text() -> Range<Int>? {
            self.number(UInt16.self).flatMap { self.bytes(Int($0)) }
        }
    }
}
