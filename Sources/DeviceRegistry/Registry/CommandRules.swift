internal import FleetPolicy

/// What commands mean: the rules about devices, asked inside the store's transaction.
struct CommandRules: Sendable {
    /// Who did what devices do by connecting.
    static let gatewayActor = "gateway"

    let actor: String
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: Int64

    typealias Effect = (RegistryAnswer, [DeviceDirectory.Change])

    /// Does what a changing command says; the command has passed ``check(_:)``.
    func apply(_ command: RegistryCommand, _ writer: any DeviceStoreWriter) throws(RegistryError) -> Effect {
        switch command {
        case .add(let record, let hash):
            try add(record, hash, writer)
        case .setState(let key, let state, let reason, let force):
            if state == .suspended || state == .retired, try !writer.contains(key) {
                try deny(key, state, reason: reason, writer)
            } else {
                try change(key, "set-state", writer) { device throws(RegistryError) in
                    try setState(&device.record, state, reason: reason, force: force)
                }
            }
        case .approve(let key, let reason):
            try change(key, "approve", writer) { device throws(RegistryError) in
                guard device.record.state == .pending || device.record.state == .active else {
                    throw RegistryError(
                        .wrongState, "\(key) is \(device.record.state.rawValue); only a pending device can be approved")
                }
                return try setState(&device.record, .active, reason: reason, force: false)
            }
        case .retire(let key, let reason):
            if try !writer.contains(key) {
                try deny(key, .retired, reason: reason, writer)
            } else {
                try change(key, "retire", writer) { device throws(RegistryError) in
                    try setState(&device.record, .retired, reason: reason, force: false)
                }
            }
        case .change(let key, let change):
            try self.change(key, "change", writer) { device throws(RegistryError) in
                try apply(change, to: &device.record)
            }
        case .pin(let key, let pin):
            try change(key, "pin", writer) { device throws(RegistryError) in
                try add(pin, to: &device.record, writer)
            }
        case .unpin(let key, let pin):
            try change(key, "unpin", writer) { device throws(RegistryError) in
                guard let position = device.record.pins.firstIndex(where: { $0.pin == pin }) else {
                    throw RegistryError(.pinNotFound, "\(key) has no pin \(pin)")
                }
                device.record.pins.remove(at: position)
                return "no more \(pin)"
            }
        case .setPassword(let key, let hash):
            try change(key, "set-password", writer) { device throws(RegistryError) in
                device = StoredDevice(device.record, passwordHash: hash)
                return hash == nil ? "password removed" : "password set"
            }
        case .remove(let key):
            try remove(key, writer)
        case .list, .show, .count, .history, .certificates, .importDevices:
            throw RegistryError(.invalidCommand, "\(command) is no change of one device")
        }
    }

    /// A device of a class that anybody with a fitting certificate is in has no record of its own; to keep it out, it is
    /// given one.
    private func deny(
        _ key: DeviceKey, _ state: DeviceState, reason: String, _ writer: any DeviceStoreWriter
    ) throws(RegistryError) -> Effect {
        try add(DeviceRecord(key: key, state: state, stateReason: reason), nil, writer)
    }

    private func add(
        _ record: DeviceRecord, _ hash: String?, _ writer: any DeviceStoreWriter
    ) throws(RegistryError) -> Effect {
        guard try !writer.contains(record.key) else {
            throw RegistryError(.alreadyExists, "\(record.key) is registered already")
        }
        let device = StoredDevice(newRecord(like: record), passwordHash: hash)
        for pin in device.record.pins { try refuse(taken: pin.pin, for: record.key, writer) }
        try writer.insert(device)
        try audit(record.key, "add", Self.summary(of: device), writer)
        return (.device(device.record), [.set(device.registered)])
    }

    /// What of a record a new device takes over.
    func newRecord(like record: DeviceRecord) -> DeviceRecord {
        DeviceRecord(
            key: record.key, state: record.state, stateReason: record.stateReason, profile: record.profile,
            pins: record.pins.map { PinRecord($0.pin, addedAt: now) }, attributes: record.attributes,
            overrides: record.overrides, note: record.note, createdAt: now, changedAt: now)
    }

    private func remove(_ key: DeviceKey, _ writer: any DeviceStoreWriter) throws(RegistryError) -> Effect {
        guard try writer.contains(key) else { throw Self.notFound(key) }
        try writer.delete(key)
        try audit(key, "remove", "", writer)
        return (.removed(key), [.remove(key)])
    }

    /// Changes one device. `body` says what is different now, for the audit.
    private func change(
        _ key: DeviceKey, _ action: String, _ writer: any DeviceStoreWriter,
        _ body: (inout StoredDevice) throws(RegistryError) -> String
    ) throws(RegistryError) -> Effect {
        guard let old = try writer.device(key) else { throw Self.notFound(key) }
        var new = old
        let detail = try body(&new)
        guard new != old else { return (.device(old.record), []) }
        new.record.changedAt = now
        try writer.update(old, to: new)
        try audit(key, action, detail, writer)
        return (.device(new.record), new.registered == old.registered ? [] : [.set(new.registered)])
    }

    func audit(
        _ key: DeviceKey, _ action: String, _ detail: String, _ writer: any DeviceStoreWriter
    ) throws(RegistryError) {
        try writer.append(DeviceHistoryEntry(at: now, actor: actor, device: key, action: action, detail: detail))
    }

    private func setState(
        _ record: inout DeviceRecord, _ state: DeviceState, reason: String, force: Bool
    ) throws(RegistryError) -> String {
        guard record.state.permits(state, force: force) else {
            let hint = record.state == .retired && state != .pending ? "; a retirement is only taken back by force" : ""
            throw RegistryError(
                .wrongState, "\(record.key) is \(record.state.rawValue) and cannot become \(state.rawValue)\(hint)")
        }
        let before = record.state
        record.state = state
        // Asked for again without a reason, the reason given first stays.
        if before != state || !reason.isEmpty { record.stateReason = reason }
        return "\(before.rawValue) to \(state.rawValue)" + (reason.isEmpty ? "" : ": \(reason)")
    }

    private func add(
        _ pin: CertificatePin, to record: inout DeviceRecord, _ writer: any DeviceStoreWriter
    ) throws(RegistryError) -> String {
        guard !record.pins.contains(where: { $0.pin == pin }) else { return "" }
        guard record.pins.count < RegisteredDevice.pinsMax else {
            throw RegistryError(
                .tooManyPins, "\(record.key) has \(RegisteredDevice.pinsMax) pins already; remove one first")
        }
        try refuse(taken: pin, for: record.key, writer)
        record.pins.append(PinRecord(pin, addedAt: now))
        return "\(pin)"
    }

    private func refuse(
        taken pin: CertificatePin, for key: DeviceKey, _ writer: any DeviceStoreWriter
    ) throws(RegistryError) {
        guard let owner = try writer.owner(of: pin), owner != key else { return }
        throw RegistryError(.pinTaken, "\(pin) is pinned for \(owner)")
    }

    private func apply(_ change: DeviceChange, to record: inout DeviceRecord) throws(RegistryError) -> String {
        var parts: [String] = []
        if let profile = change.profile {
            record.profile = profile
            parts.append("profile \(profile)")
        }
        if let note = change.note {
            record.note = note
            parts.append("note")
        }
        for name in change.removedAttributes {
            record.attributes[name] = nil
            parts.append("no attribute.\(name)")
        }
        for (name, value) in change.attributes.sorted(by: { $0.key < $1.key }) {
            record.attributes[name] = value
            parts.append("attribute.\(name) \(value)")
        }
        for name in change.removedOverrides {
            guard let limit = DeviceOverrides.Limit(rawValue: name) else { continue }
            record.overrides[limit] = nil
            parts.append("no override.\(name)")
        }
        for limit in DeviceOverrides.Limit.allCases {
            guard let value = change.overrides[limit] else { continue }
            record.overrides[limit] = value
            parts.append("override.\(limit.rawValue) \(value)")
        }
        // Together with what the device has already, there may be too many.
        guard record.attributes.count <= RegisteredDevice.attributesMax else {
            throw RegistryError(
                .invalidCommand, "\(record.key) would have more than \(RegisteredDevice.attributesMax) attributes")
        }
        return parts.joined(separator: ", ")
    }

    static func notFound(_ key: DeviceKey) -> RegistryError {
        RegistryError(.notFound, "\(key) is not registered")
    }

    /// What is in a new device, for the audit. No secrets.
    static func summary(of device: StoredDevice) -> String {
        var parts = [device.record.state.rawValue]
        if !device.record.profile.isEmpty { parts.append("profile \(device.record.profile)") }
        if !device.record.pins.isEmpty { parts.append("\(device.record.pins.count) pins") }
        if device.passwordHash != nil { parts.append("password") }
        return parts.joined(separator: ", ")
    }
}
