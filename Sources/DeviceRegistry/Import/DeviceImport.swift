/// How devices are written in files. The raw values are stable.
public enum DeviceFileFormat: String, Sendable, Hashable, CaseIterable, Codable {
    /// RFC 4180 with a header line.
    case csv
    /// One JSON object on each line.
    case jsonLines = "json-lines"
}

/// Many devices to be taken in at once: a file as it was read.
///
/// CSV has a header that names the columns, in any order: `device` (required; `<tenant>/<device>`, or with a column
/// `tenant` the id alone), `tenant`, `state`, `profile`, `note`, `attribute.NAME`, `override.LIMIT`, `pin.1` to
/// `pin.5` and `password-hash`. JSON lines have the keys `device`, `tenant`, `state`, `profile`, `note`, `attributes`,
/// `overrides`, `pins` and `password-hash`.
///
/// What a file has no column or key for stays as it is; what it has one for and leaves empty is removed. Only an empty
/// `state` says nothing: a new device is `active` then. Pins, and the `attributes` and `overrides` of JSON lines, are
/// replaced as a whole.
public struct DeviceImport: Sendable, Hashable, Codable {
    /// What a row does about a device that is registered already.
    public enum Mode: String, Sendable, Hashable, CaseIterable, Codable {
        /// It is a mistake.
        case add
        /// The device is changed.
        case update
    }

    /// Bytes of a file: a million rows with a pin and some attributes.
    public static let bytesMax = 268_435_456
    /// Rows of a file: the registry is made for as many devices.
    public static let rowsMax = 1_000_000

    public var format: DeviceFileFormat
    public var mode: Mode
    /// The whole file. A byte order mark at the beginning does not matter.
    public var text: String

    public init(format: DeviceFileFormat, mode: Mode, text: String) {
        self.format = format
        self.mode = mode
        self.text = text
    }
}

/// What an import did.
public struct ImportSummary: Sendable, Hashable, Codable {
    public var rows: Int
    public var added: Int
    /// Changed, of those that were registered before.
    public var updated: Int
    /// Rows that said what was so already.
    public var unchanged: Int

    public init(rows: Int = 0, added: Int = 0, updated: Int = 0, unchanged: Int = 0) {
        self.rows = rows
        self.added = added
        self.updated = updated
        self.unchanged = unchanged
    }
}

/// How far an import or an export is.
public struct RegistryProgress: Sendable, Hashable, Codable {
    public enum Phase: String, Sendable, Hashable, CaseIterable, Codable {
        /// Rows are read and checked.
        case reading
        /// Rows are written into the transaction.
        case writing
    }

    public var phase: Phase
    public var rows: Int
    /// Nil while it is not known.
    public var total: Int?

    public init(phase: Phase, rows: Int, total: Int?) {
        self.phase = phase
        self.rows = rows
        self.total = total
    }
}

/// What to write out.
public struct DeviceExport: Sendable, Hashable, Codable {
    public var format: DeviceFileFormat
    /// Which devices; its `after` and `limit` do not count.
    public var query: DeviceQuery
    /// Whether the hashes of passwords are written too. They are secrets: a weak password can be guessed from its hash.
    public var includesPasswordHashes: Bool

    public init(
        format: DeviceFileFormat, query: DeviceQuery = DeviceQuery(), includesPasswordHashes: Bool = false
    ) {
        self.format = format
        self.query = query
        self.includesPasswordHashes = includesPasswordHashes
    }
}
