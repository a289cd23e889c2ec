import FleetPolicy
import Foundation

/// Something to be written into the audit log: what happened, when, and its fields in the order in which they are
/// written. Sequence number and chain are added by whoever writes it.
struct AuditEntry: Sendable, Hashable {
    /// How a flood of such entries is kept from filling the disk.
    enum Volume: Sendable, Hashable {
        /// Every one is written.
        case each
        /// A connection's session began: written, and its end will be too.
        case begins(connection: UInt64)
        /// A connection's session ended. Written when its beginning was, otherwise treated as ``limited``.
        case ends(connection: UInt64, AuditSum)
        /// Written one by one up to ``AuditLimits/refusalsPerMinute``, then summed up.
        case limited(AuditSum)
        /// Only summed up: the first of so many.
        case summed(AuditSum, count: Int)
    }

    let kind: AuditKind
    /// Milliseconds since 1970-01-01T00:00:00Z.
    let milliseconds: Int64
    let volume: Volume
    let fields: [AuditField]

    init(_ kind: AuditKind, at milliseconds: Int64, volume: Volume = .each, _ fields: [AuditField?]) {
        self.kind = kind
        self.milliseconds = milliseconds
        self.volume = volume
        self.fields = fields.compactMap(\.self)
    }
}

/// What a line of the audit log is about. The raw values are in the files and never change their meaning.
enum AuditKind: String, Sendable, Hashable, CaseIterable {
    /// The first line of every file.
    case fileBegun = "file-begun"
    /// A gateway began to write.
    case started
    /// The gateway ended in good order.
    case stopped
    /// A certificate was let in or refused.
    case decision
    /// A session that had begun is over.
    case sessionEnded = "session-ended"
    /// Refusals of one reason, summed up.
    case refusals
    /// An operator changed something, or was refused it.
    case administration
    /// A signature over all lines before.
    case checkpoint
    /// The file ends here and the next one begins.
    case rotated
    /// A whole old file is deleted.
    case retention
    /// Entries could not be written and are gone.
    case lost
    /// What a crash left of a line was cut off.
    case recovered
    /// Lines that a checkpoint had signed were not there when a gateway started.
    case truncationFound = "truncation-found"
    /// Checkpoints are signed with another key from here on.
    case keyChanged = "key-changed"
}

/// The names of fields. Wherever a line has several they stand in this order.
enum AuditKey: String, Sendable, Hashable, CaseIterable {
    case version, format, file, follows, next
    case from, to, key
    case publicKey = "public-key"
    case actor, action, target, before, after
    case outcome, stage, reason, fault
    case device, tenant, profile, quarantine
    case clientID = "client-id"
    case certificate, subject, issuer, serial
    case notAfter = "not-after"
    case trustAnchor = "trust-anchor"
    case trustAnchorSHA256 = "trust-anchor-sha256"
    case connection, address, listener, sni, tls, resumed
    case milliseconds, count, since, until
    case through, hash, bytes, sha256, lines
    case detail
    case signature
}

/// One field of a line. A line holds no lists and no objects: every program that reads JSON can read it.
struct AuditField: Sendable, Hashable {
    enum Value: Sendable, Hashable {
        case text(String)
        case number(Int64)
        case flag(Bool)
    }

    let key: AuditKey
    let value: Value

    init(_ key: AuditKey, _ value: Value) {
        self.key = key
        self.value = value
    }

    /// Nil when there is nothing to say.
    static func text(_ key: AuditKey, _ text: String?) -> AuditField? {
        guard let text, !text.isEmpty else { return nil }
        return AuditField(key, .text(text))
    }

    /// Bytes in hexadecimal; nil when there are none.
    static func hexadecimal(_ key: AuditKey, _ bytes: [UInt8]?) -> AuditField? {
        text(key, bytes.map(HexadecimalText.text))
    }

    static func number(_ key: AuditKey, _ number: some BinaryInteger) -> AuditField {
        AuditField(key, .number(Int64(clamping: number)))
    }

    static func flag(_ key: AuditKey, _ flag: Bool) -> AuditField { AuditField(key, .flag(flag)) }

    /// A moment in milliseconds since 1970-01-01T00:00:00Z.
    static func time(_ key: AuditKey, _ milliseconds: Int64) -> AuditField {
        AuditField(key, .text(UTCTime.text(milliseconds)))
    }
}

/// What is counted together.
struct AuditSum: Sendable, Hashable {
    /// How far those that are counted had come.
    enum Stage: String, Sendable, Hashable {
        /// Refused before any cryptography.
        case accept
        /// The TLS handshake failed, or was refused without a verified certificate.
        case handshake
        /// The certificate's chain was good; profile, registry or revocation refused it.
        case certificate
        /// The handshake was finished; CONNECT was refused, or never came.
        case connect
        /// One packet was refused; the session went on.
        case packet
    }

    let stage: Stage
    let reason: String
    let fault: String?
    let tenant: String?
    let device: String?
    let listener: String?

    init(
        _ stage: Stage, reason: String, fault: String? = nil, tenant: String? = nil, device: String? = nil,
        listener: String? = nil
    ) {
        self.stage = stage
        self.reason = reason
        self.fault = fault
        self.tenant = tenant
        self.device = device
        self.listener = listener
    }

    /// What is counted where there are too many different ones.
    var other: AuditSum { AuditSum(stage, reason: "other") }
}
