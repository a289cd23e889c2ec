internal import FleetPolicy

extension CommandRules {
    /// Takes in the rows of an import: all, or with any mistake none.
    func importDevices(
        _ rows: [ImportedDevice], mode: DeviceImport.Mode, _ writer: any DeviceStoreWriter,
        progress: (@Sendable (RegistryProgress) -> Void)?
    ) throws(RegistryError) -> (summary: ImportSummary, changes: [DeviceDirectory.Change]) {
        var summary = ImportSummary(rows: rows.count)
        var changes: [DeviceDirectory.Change] = []
        changes.reserveCapacity(rows.count)
        var mistakes = ImportMistakes()
        for (position, row) in rows.enumerated() {
            if position % 1_000 == 0 {
                progress?(RegistryProgress(phase: .writing, rows: position, total: rows.count))
            }
            let old = try old(row, mode: mode, writer, &mistakes)
            guard let old else { continue }
            var new = row.applied(to: old.device, now: now)
            guard try isSound(row, old.device, new, writer, &mistakes) else { continue }
            guard let device = old.device else {
                try writer.insert(new)
                try audit(row.key, "import", "added: \(Self.summary(of: new))", writer)
                summary.added += 1
                changes.append(.set(new.registered))
                continue
            }
            guard new != device else {
                summary.unchanged += 1
                continue
            }
            new.record.changedAt = now
            try writer.update(device, to: new)
            try audit(row.key, "import", "updated: \(Self.summary(of: new))", writer)
            summary.updated += 1
            changes.append(.set(new.registered))
        }
        try mistakes.throwIfAny()
        progress?(RegistryProgress(phase: .writing, rows: rows.count, total: rows.count))
        return (summary, changes)
    }

    /// What is there of a row's device, which may be nothing; nil, and reported, when it may not be there.
    private func old(
        _ row: ImportedDevice, mode: DeviceImport.Mode, _ writer: any DeviceStoreWriter,
        _ mistakes: inout ImportMistakes
    ) throws(RegistryError) -> (device: StoredDevice?, Void)? {
        switch mode {
        case .add:
            guard try writer.contains(row.key) else { return (nil, ()) }
            mistakes.report(row.line, "device", "\(row.key) is registered already")
            return nil
        case .update:
            return (try writer.device(row.key), ())
        }
    }

    private func isSound(
        _ row: ImportedDevice, _ old: StoredDevice?, _ new: StoredDevice, _ writer: any DeviceStoreWriter,
        _ mistakes: inout ImportMistakes
    ) throws(RegistryError) -> Bool {
        let before = mistakes.count
        if let old, !old.record.state.permits(new.record.state, force: false) {
            mistakes.report(
                row.line, "state",
                "\(row.key) is \(old.record.state.rawValue) and cannot become "
                    + new.record.state.rawValue)
        }
        if new.record.attributes.count > RegisteredDevice.attributesMax {
            mistakes.report(
                row.line, "attribute", "\(row.key) would have more than \(RegisteredDevice.attributesMax)")
        }
        for (position, pin) in (row.pins ?? []).enumerated() {
            guard let owner = try writer.owner(of: pin), owner != row.key else { continue }
            mistakes.report(row.line, "pin.\(position + 1)", "is pinned for \(owner)")
        }
        return mistakes.count == before
    }
}
