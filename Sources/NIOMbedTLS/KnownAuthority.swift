internal import Glibc
internal import Synchronization

/// A CA certificate as chains are judged by it, read once: an anchor, a configured intermediate, or one that a client
/// sent.
final class KnownAuthority: Sendable {
    let der: [UInt8]
    /// Nil when the reader here refuses what mbedTLS has parsed, which only an anchor may be.
    let certificate: PeerCertificate?
    /// ``TLSChainLink/issuerID`` of what it issues.
    let id: [UInt8]

    init(_ certificate: PeerCertificate) throws(DERReader.Failure) {
        self.der = certificate.der
        self.certificate = certificate
        self.id = try PeerCertificate.sha256((certificate.subjectDER + certificate.publicKeyInfoDER)[...])
    }

    /// An anchor, whose names need not be text.
    init(anchor der: [UInt8]) throws(DERReader.Failure) {
        self.der = der
        self.certificate = try? PeerCertificate(der: der)
        self.id = try PeerCertificate.sha256(Self.subjectAndKey(der)[...])
    }

    func has(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.der.count == bytes.count
            && self.der.withUnsafeBytes { own in
                guard let left = own.baseAddress, let right = bytes.baseAddress else { return false }
                return memcmp(left, right, own.count) == 0
            }
    }

    /// What issued it, as those that it issued know it.
    func link(toIssuedSerial serialNumber: [UInt8]) -> TLSChainLink {
        TLSChainLink(issuerID: self.id, serialNumber: serialNumber, issuer: self.certificate)
    }

    /// The DER of the subject followed by that of the SubjectPublicKeyInfo, whatever they say (RFC 5280, 4.1).
    private static func subjectAndKey(_ der: [UInt8]) throws(DERReader.Failure) -> [UInt8] {
        var outer = DERReader(der)
        var certificate = outer.inside(try outer.next(DERReader.Tag.sequence, "certificate"))
        var fields = certificate.inside(try certificate.next(DERReader.Tag.sequence, "certificate to be signed"))
        _ = try fields.nextIfPresent(0xA0)
        _ = try fields.next(DERReader.Tag.integer, "serial number")
        for what in ["signature algorithm", "issuer", "validity"] {
            _ = try fields.next(DERReader.Tag.sequence, what)
        }
        let subject = try fields.next(DERReader.Tag.sequence, "subject")
        let key = try fields.next(DERReader.Tag.sequence, "public key")
        return Array(fields.slice(subject.whole) + fields.slice(key.whole))
    }
}

/// The intermediates that clients sent and that an anchor was found to have issued: many devices send the same, which
/// need not be read anew for each. Only what is trusted gets in, so it holds no more than the operator's own CAs issued;
/// when it is full, the rest is read each time. It says nothing about whether a chain is accepted.
///
/// Each place is set once, so that reading takes no lock.
final class AuthorityCache: Sendable {
    /// More issuing CAs than a fleet has.
    private static let placesMax = 64
    /// Places tried for one certificate.
    private static let triesMax = 4

    private let places: [Place] = (0..<AuthorityCache.placesMax).map { _ in Place() }

    private final class Place: Sendable {
        let authority = AtomicLazyReference<KnownAuthority>()
    }

    /// - Parameter isTrusted: whether it may be kept.
    func reading(_ der: UnsafeRawBufferPointer, isTrusted: Bool) throws(DERReader.Failure) -> KnownAuthority {
        // A certificate ends with its signature, which is as good as random.
        var first = 0
        for byte in der.suffix(2) {
            first = first << 8 | Int(byte)
        }
        var free: Place?
        for offset in 0..<Self.triesMax {
            let place = self.places[(first + offset) % Self.placesMax]
            guard let known = place.authority.load() else {
                free = place
                break
            }
            if known.has(der) {
                return known
            }
        }
        let read = try KnownAuthority(PeerCertificate(der: Array(der)))
        if isTrusted, let free {
            _ = free.authority.storeIfNil(read)
        }
        return read
    }
}
