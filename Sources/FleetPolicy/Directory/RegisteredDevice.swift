/// Where a device stands in its life. The raw values are stable: they are in the registry, in listings and in imports.
public enum DeviceState: String, Sendable, Hashable, CaseIterable {
    /// Seen or announced, not approved yet.
    case pending
    case active
    /// Not let in for now; an individual deny beats every class rule.
    case suspended
    /// Never let in again; its name stays taken.
    case retired
}

/// What the registry knows of one device, as far as a decision depends on it.
public struct RegisteredDevice: Sendable, Hashable {
    /// Pins of one device: two are valid at once in every rotation, and a fleet that rotates through several
    /// certificate authorities needs a few more.
    public static let pinsMax = 5
    /// Attributes of one device: every one of them is in every snapshot of the registry.
    public static let attributesMax = 32
    /// Bytes of an attribute's name, as of any placeholder. A value has at most ``PolicyBounds/identityBytesMax``.
    public static let attributeNameBytesMax = 32
    /// Bytes of a password hash's text form.
    public static let passwordHashBytesMax = 256

    public var key: DeviceKey
    public var state: DeviceState
    /// The profile it was registered under: what a pinned certificate gets that no trust anchor issued or no profile
    /// matches, and what the quota of registrations is counted by. Empty when nobody said.
    public var profile: String
    /// Whether it came into the registry by connecting. Only such devices use up the quota of their profile, in
    /// whatever state they are.
    public var isSelfRegistered: Bool
    /// At most ``pinsMax``. When there is one, the device's certificate has to fit one of them.
    public var pins: [CertificatePin]
    /// Values for `{registry.NAME}` in profiles; names are lower-case letters, digits, `-` and `_`.
    public var attributes: [String: String]
    public var overrides: DeviceOverrides
    /// The salted hash of the device's password, in the text form of whoever made it; nil: it has none. Never logged.
    public var passwordHash: String?

    public init(
        key: DeviceKey, state: DeviceState = .active, profile: String = "",
        isSelfRegistered: Bool = false, pins: [CertificatePin] = [], attributes: [String: String] = [:],
        overrides: DeviceOverrides = DeviceOverrides(), passwordHash: String? = nil
    ) {
        self.key = key
        self.state = state
        self.profile = profile
        self.isSelfRegistered = isSelfRegistered
        self.pins = pins
        self.attributes = attributes
        self.overrides = overrides
        self.passwordHash = passwordHash
    }
}
