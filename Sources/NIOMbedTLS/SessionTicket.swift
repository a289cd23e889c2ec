/// What a server's ticket holds: mbedTLS's session without its certificate, and who it was given to: the certificate's
/// ``PeerCertificate/identity``, and of those above it what revocation needs.
///
/// In the form of ``FieldWriter``: the version of TLS, the three times, the fingerprint of the anchor, how strong the
/// chain is, SNI, the binding, the links (of each the issuer, and of those above the leaf the serial number), the
/// identity, the session.
struct SessionTicket {
    /// The version it was given in, and can be resumed in.
    let version: TLSVersion
    /// Seconds since 1970, of the full handshake that the session began with.
    let verifiedAt: Int64
    /// Seconds since 1970: when resuming ends, whatever is renewed.
    let endsAt: Int64
    /// Seconds since 1970: the earliest notAfter of the client's chain.
    let notAfter: Int64
    /// Of the trust anchor that the chain ended in.
    let anchorFingerprint: [UInt8]
    let strength: ChainStrength
    /// SNI as the client sent it: another name is another service, maybe (RFC 6066, section 3).
    let serverName: String?
    /// What the authorization bound it to.
    let binding: [UInt8]
    let leaf: PeerCertificate
    /// The leaf's first.
    let links: [TLSChainLink]
    /// Where mbedTLS's session is in the content read.
    let session: Range<Int>

    private static let fingerprintLength = 32
    /// Intermediates that mbedTLS goes through at most, with those above a configured one.
    private static let linksMax = 20
    private static let fixedLength = 128

    /// - Returns: nil when something does not fit.
    static func content(
        _ peer: VerifiedPeer, version: TLSVersion, endsAt: Int64, serverName: String?, binding: [UInt8],
        session: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        guard peer.trustAnchor.sha256Fingerprint.count == Self.fingerprintLength,
            binding.count <= TLSVerdict.bindingBytesMax, !peer.certificate.identity.isEmpty,
            (1...Self.linksMax).contains(peer.links.count),
            peer.links.allSatisfy({ $0.issuerID.count == Self.fingerprintLength }),
            peer.links.first?.serialNumber == peer.certificate.serialNumber
        else { return nil }
        var writer = FieldWriter(
            capacity: Self.fixedLength + peer.links.count * 64 + peer.certificate.identity.count + session.count)
        writer.append(UInt16(truncatingIfNeeded: version.wireValue))
        writer.append(peer.verifiedAt)
        writer.append(endsAt)
        writer.append(peer.notAfter)
        writer.append(peer.trustAnchor.sha256Fingerprint)
        writer.append(peer.strength.rsaBits)
        writer.append(peer.strength.curveBits)
        writer.append(peer.strength.digests)
        writer.appendText((serverName ?? "").utf8, UInt8.self)
        writer.appendText(binding, UInt8.self)
        writer.append(UInt8(truncatingIfNeeded: peer.links.count))
        for (index, link) in peer.links.enumerated() {
            writer.append(link.issuerID)
            if index > 0 {
                writer.appendText(link.serialNumber, UInt8.self)
            }
        }
        writer.appendText(peer.certificate.identity, UInt16.self)
        writer.appendText(session, UInt16.self)
        return writer.isGood ? writer.bytes : nil
    }

    /// - Returns: nil when the content is not of that form to the last byte.
    init?(_ content: UnsafeRawBufferPointer) {
        var reader = FieldReader(content)
        guard let version = reader.number(UInt16.self).flatMap({ TLSVersion(wireValue: Int32($0)) }),
            let verifiedAt = reader.number(Int64.self), let endsAt = reader.number(Int64.self),
            let notAfter = reader.number(Int64.self), let fingerprint = reader.array(Self.fingerprintLength),
            let rsaBits = reader.number(UInt16.self), let curveBits = reader.number(UInt16.self),
            let digests = reader.number(UInt8.self), let name = reader.text(UInt8.self),
            let binding = reader.arrayText(UInt8.self), binding.count <= TLSVerdict.bindingBytesMax,
            let count = reader.number(UInt8.self), let links = Self.links(&reader, count: Int(count)),
            let identity = reader.arrayText(UInt16.self), let session = reader.text(UInt16.self), reader.isAtEnd,
            let leaf = try? PeerCertificate(kept: identity)
        else { return nil }
        self.version = version
        self.verifiedAt = verifiedAt
        self.endsAt = endsAt
        self.notAfter = notAfter
        self.anchorFingerprint = fingerprint
        self.strength = ChainStrength(rsaBits: rsaBits, curveBits: curveBits, digests: digests)
        self.serverName = name.isEmpty ? nil : String(decoding: content[name], as: UTF8.self)
        self.binding = binding
        self.leaf = leaf
        self.links = links.enumerated().map { index, link in
            TLSChainLink(
                issuerID: link.issuerID, serialNumber: index == 0 ? leaf.serialNumber : link.serialNumber, issuer: nil)
        }
        self.session = session
    }

    /// The first without its serial number, which the identity has.
    private static func links(
        _ reader: inout FieldReader<UnsafeRawBufferPointer>, count: Int
    ) -> [(issuerID: [UInt8], serialNumber: [UInt8])]? {
        guard (1...Self.linksMax).contains(count) else { return nil }
        var links: [(issuerID: [UInt8], serialNumber: [UInt8])] = []
        for index in 0..<count {
            guard let issuerID = reader.array(Self.fingerprintLength),
                let serialNumber = index == 0 ? [] : reader.arrayText(UInt8.self)
            else { return nil }
            links.append((issuerID, serialNumber))
        }
        return links
    }
}
