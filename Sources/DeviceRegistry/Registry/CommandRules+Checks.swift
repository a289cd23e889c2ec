internal import FleetPolicy

/// What can be said about a command without looking at the store: everything wrong with it at once.
extension CommandRules {
    static func checked(actor: String) throws(RegistryError) -> String {
        if let objection = actor.isEmpty
            ? "is empty"
            : RegisteredDevice.objection(
                toText: actor, bytesMax: DeviceHistoryEntry.actorBytesMax, allowsLineBreaks: false)
        {
            throw RegistryError(.invalidCommand, "the name of who does it \(objection)")
        }
        return actor
    }

    static func check(_ command: RegistryCommand) throws(RegistryError) {
        let mistakes = mistakes(in: command)
        guard mistakes.isEmpty else {
            throw RegistryError(.invalidCommand, "the command is wrong", mistakes: mistakes)
        }
    }

    private static func mistakes(in command: RegistryCommand) -> [RegistryMistake] {
        switch command {
        case .add(let record, let hash):
            mistakes(in: record, hash)
        case .list(let query), .count(let query), .certificates(let query):
            mistakes(in: query)
        case .show(let key), .remove(let key):
            mistakes(in: key)
        case .pin(let key, _), .unpin(let key, _):
            mistakes(in: key)
        case .history(let key, let limit):
            mistakes(in: key) + mistakes(limit: limit)
        case .setState(let key, let state, let reason, _):
            mistakes(in: key) + mistakes(reason: reason)
                + (state == .pending
                    ? [RegistryMistake(field: "state", message: "a device cannot become pending again")] : [])
        case .approve(let key, let reason), .retire(let key, let reason):
            mistakes(in: key) + mistakes(reason: reason)
        case .change(let key, let change):
            mistakes(in: key) + mistakes(in: change)
        case .setPassword(let key, let hash):
            mistakes(in: key) + mistakes(passwordHash: hash)
        case .importDevices:
            []
        }
    }

    /// What is wrong with a device that is to be registered.
    static func mistakes(in record: DeviceRecord, _ hash: String?) -> [RegistryMistake] {
        let registered = StoredDevice(record, passwordHash: nil).registered
        var mistakes = registered.mistakes.map(mistake)
        if let objection = RegisteredDevice.objection(
            toText: record.note, bytesMax: DeviceRecord.noteBytesMax, allowsLineBreaks: true)
        {
            mistakes.append(RegistryMistake(field: "note", message: objection))
        }
        mistakes += self.mistakes(reason: record.stateReason)
        mistakes += self.mistakes(passwordHash: hash)
        return mistakes
    }

    static func mistakes(passwordHash hash: String?) -> [RegistryMistake] {
        guard let hash, PasswordHash(parsing: hash) == nil else { return [] }
        return [
            RegistryMistake(
                field: "password-hash", message: "is no scrypt hash that is accepted here ($scrypt$ln=…,r=…,p=…$…$…)")
        ]
    }

    private static func mistakes(in key: DeviceKey) -> [RegistryMistake] {
        RegisteredDevice(key: key).mistakes.map(mistake)
    }

    private static func mistakes(reason: String) -> [RegistryMistake] {
        guard
            let objection = RegisteredDevice.objection(
                toText: reason, bytesMax: DeviceRecord.reasonBytesMax, allowsLineBreaks: false)
        else { return [] }
        return [RegistryMistake(field: "reason", message: objection)]
    }

    private static func mistakes(limit: Int) -> [RegistryMistake] {
        (1...DeviceQuery.limitMax).contains(limit)
            ? [] : [RegistryMistake(field: "limit", message: "is not 1 to \(DeviceQuery.limitMax)")]
    }

    static func mistakes(in query: DeviceQuery) -> [RegistryMistake] {
        var mistakes = mistakes(limit: query.limit)
        if let tenant = query.tenant {
            mistakes += self.mistakes(in: DeviceKey(tenant: tenant, deviceID: "x"))
        }
        if let profile = query.profile, let objection = RegisteredDevice.objection(toProfile: profile) {
            mistakes.append(RegistryMistake(field: "profile", message: objection))
        }
        if let text = query.containing,
            let objection = text.isEmpty
                ? "is empty"
                : RegisteredDevice.objection(
                    toText: text, bytesMax: PolicyBounds.identityBytesMax, allowsLineBreaks: false)
        {
            mistakes.append(RegistryMistake(field: "containing", message: objection))
        }
        return mistakes
    }

    private static func mistakes(in change: DeviceChange) -> [RegistryMistake] {
        var record = DeviceRecord(key: DeviceKey(tenant: "x", deviceID: "x"))
        record.profile = change.profile ?? ""
        record.note = change.note ?? ""
        record.attributes = change.attributes
        record.overrides = change.overrides
        var mistakes = mistakes(in: record, nil)
        for name in change.removedAttributes.prefix(RegisteredDevice.attributesMax + 1) {
            if let objection = RegisteredDevice.objection(toAttributeName: name) {
                mistakes.append(RegistryMistake(field: "attribute.\(shown(name))", message: objection))
            } else if change.attributes[name] != nil {
                mistakes.append(RegistryMistake(field: "attribute.\(name)", message: "is set and removed at once"))
            }
        }
        for name in change.removedOverrides.prefix(DeviceOverrides.Limit.allCases.count + 1) {
            guard let limit = DeviceOverrides.Limit(rawValue: name) else {
                mistakes.append(RegistryMistake(field: "override.\(shown(name))", message: "is no limit"))
                continue
            }
            if change.overrides[limit] != nil {
                mistakes.append(RegistryMistake(field: "override.\(name)", message: "is set and removed at once"))
            }
        }
        if change.removedAttributes.count > RegisteredDevice.attributesMax {
            mistakes.append(
                RegistryMistake(
                    field: "attribute",
                    message: "more are removed than a device may have, \(RegisteredDevice.attributesMax)"))
        }
        if change.removedOverrides.count > DeviceOverrides.Limit.allCases.count {
            mistakes.append(RegistryMistake(field: "override", message: "more are removed than there are"))
        }
        return mistakes
    }

    static func mistake(_ mistake: RegisteredDevice.Mistake) -> RegistryMistake {
        RegistryMistake(field: shown(mistake.field), message: shown(mistake.message))
    }

    /// A text from outside as it may stand in a message: short, and without characters that move the cursor.
    static func shown(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(64) {
            // Direction marks and line separators are escaped by this too, and quotes are harmless here.
            if scalar.isASCII ? scalar.value >= 0x20 && scalar.value != 0x7F : !isFormat(scalar) {
                shown.unicodeScalars.append(scalar)
            } else {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return text.unicodeScalars.count > 64 ? shown + "…" : shown
    }

    private static func isFormat(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: true
        case _: false
        }
    }
}
