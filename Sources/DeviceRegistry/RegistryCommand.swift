public import FleetPolicy

/// What can be asked of the registry. The same values go over the admin socket and straight to the registry's file.
///
/// Every command that changes something is one transaction, and writes one audit entry for each device it changes.
/// A command that finds everything as it should be changes nothing and answers with the device all the same, so that
/// a script may be run twice.
public enum RegistryCommand: Sendable, Hashable, Codable {
    /// Registers a device. Of the record the key, state, reason, profile, pins, attributes, overrides and note count.
    /// The password's hash is in the form that ``PasswordHash`` writes.
    case add(device: DeviceRecord, passwordHash: String?)
    case list(query: DeviceQuery)
    case show(device: DeviceKey)
    /// How many devices fit a query, whatever its limit.
    case count(query: DeviceQuery)
    /// What has been done to a device, newest first. Also of devices that are no longer registered.
    case history(device: DeviceKey, limit: Int)
    /// A page of the certificates that devices were last seen with, in the order of the devices.
    case certificates(query: DeviceQuery)

    /// Puts a device into a state. See ``DeviceState/permits(_:force:)`` for which changes are allowed: `force` is for
    /// taking back a retirement. `pending` cannot be gone back to.
    case setState(device: DeviceKey, state: DeviceState, reason: String, force: Bool)
    /// From `pending` to `active`.
    case approve(device: DeviceKey, reason: String)
    /// To `retired`, from any state.
    case retire(device: DeviceKey, reason: String)
    /// Changes what the parts of the change say, and leaves the rest.
    case change(device: DeviceKey, change: DeviceChange)
    case pin(device: DeviceKey, pin: CertificatePin)
    case unpin(device: DeviceKey, pin: CertificatePin)
    /// Nil removes the password. The hash is in the form that ``PasswordHash`` writes.
    case setPassword(device: DeviceKey, hash: String?)
    /// Forgets a device; its name is free again. Its history stays.
    case remove(device: DeviceKey)
    /// Takes in many devices, all or none.
    case importDevices(devices: DeviceImport)
}

extension RegistryCommand: CustomStringConvertible {
    /// The name of the command and its device: for logs, so without anything that could be a secret.
    public var description: String {
        switch self {
        case .add(let device, _): "add \(device.key)"
        case .list: "list"
        case .show(let device): "show \(device)"
        case .count: "count"
        case .history(let device, _): "history \(device)"
        case .certificates: "certificates"
        case .setState(let device, let state, _, _): "set-state \(device) \(state.rawValue)"
        case .approve(let device, _): "approve \(device)"
        case .retire(let device, _): "retire \(device)"
        case .change(let device, _): "change \(device)"
        case .pin(let device, _): "pin \(device)"
        case .unpin(let device, _): "unpin \(device)"
        case .setPassword(let device, _): "set-password \(device)"
        case .remove(let device): "remove \(device)"
        case .importDevices(let devices): "import \(devices.format.rawValue)"
        }
    }
}

/// What is to be different about a device. Nil and empty parts leave things as they are.
public struct DeviceChange: Sendable, Hashable, Codable {
    public var profile: String?
    public var note: String?
    /// Attributes to set.
    public var attributes: [String: String]
    /// Names of attributes to remove; removing one that is not there is no mistake.
    public var removedAttributes: [String]
    /// Overrides to set.
    public var overrides: DeviceOverrides
    /// Overrides to remove, so that the profile's value holds again.
    public var removedOverrides: [String]

    public init(
        profile: String? = nil, note: String? = nil, attributes: [String: String] = [:],
        removedAttributes: [String] = [], overrides: DeviceOverrides = DeviceOverrides(),
        removedOverrides: [String] = []
    ) {
        self.profile = profile
        self.note = note
        self.attributes = attributes
        self.removedAttributes = removedAttributes
        self.overrides = overrides
        self.removedOverrides = removedOverrides
    }
}

/// Which devices, in pages, in the byte order of `<tenant>/<device>`.
public struct DeviceQuery: Sendable, Hashable, Codable {
    /// Devices in one page.
    public static let limitMax = 1_000

    /// Only of this tenant; nil: of all.
    public var tenant: String?
    public var state: DeviceState?
    public var profile: String?
    /// Only devices whose id contains this text, whatever the case of ASCII letters.
    public var containing: String?
    /// Only devices last seen before this time, or never; seconds since 1970-01-01T00:00:00Z. Finds the forgotten ones.
    public var notSeenSince: Int64?
    /// Only devices after this one: the `next` of the page before.
    public var after: DeviceKey?
    /// 1 to ``limitMax``.
    public var limit: Int

    public init(
        tenant: String? = nil, state: DeviceState? = nil, profile: String? = nil, containing: String? = nil,
        notSeenSince: Int64? = nil, after: DeviceKey? = nil, limit: Int = 100
    ) {
        self.tenant = tenant
        self.state = state
        self.profile = profile
        self.containing = containing
        self.notSeenSince = notSeenSince
        self.after = after
        self.limit = limit
    }
}

/// What a ``RegistryCommand`` is answered with.
public enum RegistryAnswer: Sendable, Hashable, Codable {
    /// The device as it is now: `add`, `show`, and every command that changes one device.
    case device(DeviceRecord)
    /// `list`. With a `next`, there are more: ask again with it as `after`.
    case devices([DeviceRecord], next: DeviceKey?)
    /// `count`.
    case count(Int)
    /// `history`.
    case history([DeviceHistoryEntry])
    /// `certificates`. With a `next`, there are more.
    case certificates([CertificateOnFile], next: DeviceKey?)
    /// `remove`.
    case removed(DeviceKey)
    /// `import`.
    case imported(ImportSummary)
}

/// A certificate that a device was last seen with, in full.
public struct CertificateOnFile: Sendable, Hashable, Codable {
    public let device: DeviceKey
    /// The DER encoding, as hexadecimal digits.
    public let der: String

    public init(device: DeviceKey, der: String) {
        self.device = device
        self.der = der
    }
}

/// One thing that was done to a device.
public struct DeviceHistoryEntry: Sendable, Hashable, Codable {
    /// Bytes of an actor's name.
    public static let actorBytesMax = 128

    /// Seconds since 1970-01-01T00:00:00Z.
    public let at: Int64
    /// Who did it: an operator's name as the admin socket knows it, or `gateway` for what devices do by connecting.
    public let actor: String
    public let device: DeviceKey
    /// The command's name in kebab-case: `add`, `approve`, `set-state`, `register`, `import` and so on.
    public let action: String
    /// What is different now, for people. No secrets.
    public let detail: String

    public init(at: Int64, actor: String, device: DeviceKey, action: String, detail: String) {
        self.at = at
        self.actor = actor
        self.device = device
        self.action = action
        self.detail = detail
    }
}
