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
    private let secret: Secret
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

    /// A key that others have too, or that is to outlive the process.
    ///
    /// - Parameters:
    ///   - identifier: 16 bytes, not secret; no two keys may have the same.
    ///   - secret: 32 bytes from a cryptographic random number generator.
    ///   - lifetime: as of ``init(lifetime:)``.
    /// - Returns: nil when one of the first two has another length.
    public init?(identifier: [UInt8], secret: [UInt8], lifetime: TimeAmount) {
        guard identifier.count == Self.identifierLength, secret.count == Int(FLEETGATE_SEAL_KEY_LENGTH) else {
            return nil
        }
        self.init(
            identifier: identifier, secret: secret,
            lifetime: min(lifetime.nanoseconds / 1_000_000_000, Self.lifetimeMax))
    }

    init(identifier: [UInt8], secret: [UInt8], lifetime: Int64) {
        self.identifier = identifier
        self.secret = Secret(secret)
        self.lifetime = lifetime
    }

    public var description: String { "TLSTicketKey" }
    /// Without children, so that no dump shows the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }

    static let identifierLength = 16
    private static let lifetimeMax: Int64 = 604_800

    /// The one copy that all values of a key share, overwritten with the last of them: a key that was rotated out must
    /// not be found in memory, because it opens every ticket it ever sealed.
    private final class Secret: @unchecked Sendable {
        // Written in `init` and `deinit` only.
        private let bytes: UnsafeMutableBufferPointer<UInt8>

        init(_ secret: [UInt8]) {
            self.bytes = .allocate(capacity: secret.count)
            _ = self.bytes.initialize(fromContentsOf: secret)
        }

        /// Valid for as long as this object.
        var address: UnsafePointer<UInt8>? { UnsafePointer(self.bytes.baseAddress) }

        deinit {
            fleetgate_wipe(self.bytes.baseAddress, self.bytes.count)
            self.bytes.deallocate()
        }
    }

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
    static let format: UInt8 = 2

    /// The identifier that a ticket names, if it can be one of ours.
    static func identifier(of ticket: UnsafeMutableRawBufferPointer) -> Slice<UnsafeMutableRawBufferPointer>? {
        guard ticket.count > Self.headerLength + Self.tagLength, ticket[0] == Self.format else { return nil }
        return ticket[1...Self.identifierLength]
    }

    /// A ticket with this content, or nil when it cannot be made.
    ///
    /// - Parameter scope: without which it cannot be opened.
    func seal(_ content: [UInt8], scope: [UInt8], random: RandomSource) -> [UInt8]? {
        var ticket: [UInt8] = []
        // All of it at once: growing would leave a copy of the content in memory that was given back.
        ticket.reserveCapacity(Self.headerLength + content.count + Self.tagLength)
        ticket.append(Self.format)
        ticket += self.identifier
        var nonce = [UInt8](repeating: 0, count: Int(FLEETGATE_SEAL_NONCE_LENGTH))
        guard fleetgate_random_bytes(random.pointer, &nonce, nonce.count) == 0 else { return nil }
        ticket += nonce
        let headerLength = ticket.count
        let header = ticket + scope
        ticket += content
        ticket += [UInt8](repeating: 0, count: Self.tagLength)
        let status = ticket.withUnsafeMutableBufferPointer { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            return withExtendedLifetime(self.secret) { secret in
                fleetgate_seal(
                    secret.address, nonce, header, header.count, start + headerLength, content.count,
                    start + headerLength + content.count)
            }
        }
        return status == 0 && headerLength == Self.headerLength ? ticket : nil
    }

    /// Opens a ticket in place.
    ///
    /// - Returns: where the content is in it, or nil when it is not authentic.
    func open(_ ticket: UnsafeMutableRawBufferPointer, scope: [UInt8]) -> Range<Int>? {
        guard let start = ticket.bindMemory(to: UInt8.self).baseAddress,
            Self.identifier(of: ticket)?.elementsEqual(self.identifier) == true
        else { return nil }
        let header = Array(ticket[..<Self.headerLength]) + scope
        let content = Self.headerLength..<ticket.count - Self.tagLength
        let status = withExtendedLifetime(self.secret) { secret in
            fleetgate_open(
                secret.address, start + 1 + Self.identifierLength, header, header.count, start + content.lowerBound,
                content.count, start + content.upperBound)
        }
        return status == 0 ? content : nil
    }
}
