internal import CMbedTLS
public import NIOCore

/// What a server seals its tickets with (AES-256-GCM). Secret: whoever has it can impersonate every client that was
/// given a ticket, and read what TLS 1.2 sent in sessions that tickets resumed. Never printed, never logged.
///
/// A value that can be given to several contexts, so that each resumes what another began. The nonces are random, so one
/// key is good for 2^32 tickets (NIST SP 800-38D, section 8.3); a server that lives longer changes it before.
public struct TLSTicketKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// In the clear at the head of each ticket, to tell keys apart.
    let identifier: [UInt8]
    let secret: [UInt8]
    /// Seconds after the full handshake for which a client may resume, unless a certificate expires before.
    let lifetime: Int64

    /// A random key, which is gone with the process.
    ///
    /// - Parameter lifetime: how long after its full handshake a client may resume. Bounded to 7 days, the longest that
    ///   TLS 1.3 knows (RFC 8446, section 4.6.1).
    public init(lifetime: TimeAmount = .hours(2)) {
        self.init(
            identifier: Self.random(Self.identifierLength), secret: Self.random(Int(FLEETGATE_SEAL_KEY_LENGTH)),
            lifetime: min(lifetime.nanoseconds / 1_000_000_000, Self.lifetimeMax))
    }

    init(identifier: [UInt8], secret: [UInt8], lifetime: Int64) {
        self.identifier = identifier
        self.secret = secret
        self.lifetime = lifetime
    }

    public var description: String { "TLSTicketKey" }
    /// Without children, so that no dump shows the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }

    static let identifierLength = 16
    private static let lifetimeMax: Int64 = 604_800

    /// From the kernel.
    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in generator.next() }
    }
}

extension TLSTicketKey {
    /// Before the sealed part: format, identifier, nonce.
    private static let headerLength = 1 + Self.identifierLength + Int(FLEETGATE_SEAL_NONCE_LENGTH)
    private static let tagLength = Int(FLEETGATE_SEAL_TAG_LENGTH)
    /// Changes with what ``SessionTicket`` writes, so that no other program's tickets are misread.
    private static let format: UInt8 = 1

    /// A ticket with this content, or nil when it cannot be made.
    func seal(_ content: [UInt8], random: RandomSource) -> [UInt8]? {
        var ticket = [Self.format] + self.identifier
        var nonce = [UInt8](repeating: 0, count: Int(FLEETGATE_SEAL_NONCE_LENGTH))
        guard fleetgate_random_bytes(random.pointer, &nonce, nonce.count) == 0 else { return nil }
        ticket += nonce
        let header = ticket
        ticket += content
        ticket += [UInt8](repeating: 0, count: Self.tagLength)
        let status = ticket.withUnsafeMutableBufferPointer { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            return fleetgate_seal(
                self.secret, nonce, header, header.count, start + header.count, content.count,
                start + header.count + content.count)
        }
        return status == 0 && header.count == Self.headerLength ? ticket : nil
    }

    /// Opens a ticket in place.
    ///
    /// - Returns: where the content is in it, or nil when it is not authentic.
    func open(_ ticket: UnsafeMutableRawBufferPointer) -> Range<Int>? {
        guard let start = ticket.bindMemory(to: UInt8.self).baseAddress,
            ticket.count > Self.headerLength + Self.tagLength, ticket[0] == Self.format,
            ticket[1...Self.identifierLength].elementsEqual(self.identifier)
        else { return nil }
        let content = Self.headerLength..<ticket.count - Self.tagLength
        let status = fleetgate_open(
            self.secret, start + 1 + Self.identifierLength, start, Self.headerLength, start + content.lowerBound,
            content.count, start + content.upperBound)
        return status == 0 ? content : nil
    }
}
