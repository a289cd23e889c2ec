internal import FleetPolicy

/// One row of an import: what it says about a device, and nothing about the rest.
struct ImportedDevice: Sendable, Hashable {
    /// What a row says about values with names.
    struct Values<Value: Sendable & Hashable>: Sendable, Hashable {
        /// Whether names that the row does not have are removed.
        var replacesAll = false
        /// Nil removes the value.
        var values: [String: Value?] = [:]

        func applied(to old: [String: Value]) -> [String: Value] {
            var new = replacesAll ? [:] : old
            for (name, value) in values { new[name] = value }
            return new
        }
    }

    /// A part that a row may have, or not.
    enum Part<Value: Sendable & Hashable>: Sendable, Hashable {
        case absent
        case given(Value)
    }

    /// Where the row begins, counted from 1.
    let line: Int
    let key: DeviceKey
    var state: DeviceState?
    var profile: String?
    var note: String?
    var attributes = Values<String>()
    var overrides = Values<Int>()
    var pins: [CertificatePin]?
    /// Given as nil: there is none any more.
    var passwordHash: Part<String?> = .absent

    init(line: Int, key: DeviceKey) {
        self.line = line
        self.key = key
    }

    /// The device as it is after the row; `old` is nil for a new one.
    func applied(to old: StoredDevice?, now: Int64) -> StoredDevice {
        var record = old?.record ?? DeviceRecord(key: key, createdAt: now, changedAt: now)
        if let state, state != record.state {
            record.state = state
            record.stateReason = ""
        }
        if let profile { record.profile = profile }
        if let note { record.note = note }
        record.attributes = attributes.applied(to: record.attributes)
        var named: [String: Int] = [:]
        for limit in DeviceOverrides.Limit.allCases { named[limit.rawValue] = record.overrides[limit] }
        record.overrides = DeviceOverrides()
        for (name, value) in overrides.applied(to: named) {
            if let limit = DeviceOverrides.Limit(rawValue: name) { record.overrides[limit] = value }
        }
        if let pins {
            record.pins = pins.map { pin in record.pins.first { $0.pin == pin } ?? PinRecord(pin, addedAt: now) }
        }
        let hash: String? =
            switch passwordHash {
            case .absent: old?.passwordHash
            case .given(let hash): hash
            }
        return StoredDevice(record, passwordHash: hash)
    }
}

/// Collects what is wrong with an import: the first of the mistakes, and how many there are.
struct ImportMistakes: Sendable {
    private(set) var kept: [RegistryMistake] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func report(_ line: Int, _ field: String, _ message: String) {
        report(RegistryMistake(line: line, field: field, message: message))
    }

    mutating func report(_ mistake: RegistryMistake) {
        count += 1
        if kept.count < RegistryError.mistakesMax { kept.append(mistake) }
    }

    /// Nothing when there are none.
    func throwIfAny() throws(RegistryError) {
        guard !isEmpty else { return }
        throw RegistryError(
            .importRefused, "\(count) \(count == 1 ? "mistake" : "mistakes"); nothing was changed", mistakes: kept,
            mistakeCount: count)
    }
}
