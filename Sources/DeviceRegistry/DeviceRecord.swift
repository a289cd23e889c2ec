public import FleetPolicy

/// A certificate that a device was seen with.
public struct SeenCertificate: Sendable, Hashable {
    /// Bytes of a certificate that is kept; of a larger one only the other facts are. Device certificates have about
    /// a thousand.
    public static let derBytesMax = 16_384
    /// Bytes of a subject that are kept; X.520 names are far shorter.
    public static let subjectBytesMax = 1_024

    /// Of its DER encoding: 32 bytes.
    public var sha256: [UInt8]
    /// In the form of RFC 4514, escaped.
    public var subject: String
    /// Seconds since 1970-01-01T00:00:00Z.
    public var notAfter: Int64
    /// Empty when it is not known or was too large. Not part of the JSON form.
    public var der: [UInt8]

    public init(sha256: [UInt8], subject: String, notAfter: Int64, der: [UInt8] = []) {
        self.sha256 = sha256
        self.subject = subject
        self.notAfter = notAfter
        self.der = der
    }
}

extension SeenCertificate: Codable {
    private enum CodingKeys: String, CodingKey {
        case sha256, subject, notAfter
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(HexadecimalText.text(sha256), forKey: .sha256)
        try container.encode(subject, forKey: .subject)
        try container.encode(notAfter, forKey: .notAfter)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let sha256 = HexadecimalText.bytes(try container.decode(String.self, forKey: .sha256)), sha256.count == 32
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .sha256, in: container, debugDescription: "not 64 hexadecimal digits")
        }
        self.init(
            sha256: sha256, subject: try container.decode(String.self, forKey: .subject),
            notAfter: try container.decode(Int64.self, forKey: .notAfter))
    }
}

/// A pin of a device, and since when it has it.
public struct PinRecord: Sendable, Hashable, Codable {
    public var pin: CertificatePin
    /// Seconds since 1970-01-01T00:00:00Z. Set by the registry.
    public var addedAt: Int64

    public init(_ pin: CertificatePin, addedAt: Int64 = 0) {
        self.pin = pin
        self.addedAt = addedAt
    }
}

/// One device as listings and exports show it: everything the registry knows, but not the password's hash.
public struct DeviceRecord: Sendable, Hashable, Codable {
    /// Bytes of a note.
    public static let noteBytesMax = 1_024
    /// Bytes of the reason given for a change of state.
    public static let reasonBytesMax = 256

    public var key: DeviceKey
    public var state: DeviceState
    /// Why it is in its state, as the operator said; may be empty.
    public var stateReason: String
    /// Empty when nobody said. See ``RegisteredDevice/profile``.
    public var profile: String
    /// At most ``RegisteredDevice/pinsMax``, oldest first.
    public var pins: [PinRecord]
    public var attributes: [String: String]
    public var overrides: DeviceOverrides
    /// Free text of the operator; may have several lines.
    public var note: String
    public var hasPassword: Bool

    // What follows is set by the registry; commands cannot. Times are seconds since 1970-01-01T00:00:00Z.

    /// Whether it came into the registry by connecting. Stays so for good, whatever commands change.
    /// See ``RegisteredDevice/isSelfRegistered``.
    public var isSelfRegistered: Bool
    public var createdAt: Int64
    /// Of the last change by a command; sightings do not count.
    public var changedAt: Int64
    /// Nil: never seen.
    public var firstSeen: Int64?
    public var lastSeen: Int64?
    /// The network address it was last seen at.
    public var lastAddress: String?
    public var lastCertificate: SeenCertificate?

    public init(
        key: DeviceKey, state: DeviceState = .active, stateReason: String = "", profile: String = "",
        pins: [PinRecord] = [], attributes: [String: String] = [:], overrides: DeviceOverrides = DeviceOverrides(),
        note: String = "", hasPassword: Bool = false, isSelfRegistered: Bool = false, createdAt: Int64 = 0,
        changedAt: Int64 = 0, firstSeen: Int64? = nil, lastSeen: Int64? = nil, lastAddress: String? = nil,
        lastCertificate: SeenCertificate? = nil
    ) {
        self.key = key
        self.state = state
        self.stateReason = stateReason
        self.profile = profile
        self.pins = pins
        self.attributes = attributes
        self.overrides = overrides
        self.note = note
        self.hasPassword = hasPassword
        self.isSelfRegistered = isSelfRegistered
        self.createdAt = createdAt
        self.changedAt = changedAt
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.lastAddress = lastAddress
        self.lastCertificate = lastCertificate
    }
}
