internal import FleetPolicy

/// What devices do by connecting.
extension CommandRules {
    /// Registers each device unless it is there or its profile's quota is used up.
    func register(
        _ wanted: [(need: RegistrationNeed, sighting: Sighting)], _ writer: any DeviceStoreWriter
    ) throws(RegistryError) -> ([RegistrationOutcome], [DeviceDirectory.Change]) {
        var outcomes: [RegistrationOutcome] = []
        var changes: [DeviceDirectory.Change] = []
        for (need, sighting) in wanted {
            // Another process may have registered it, or it may be twice in the batch.
            if let known = try writer.device(need.key) {
                changes.append(.set(known.registered))
                outcomes.append(DeviceRegistry.outcome(of: known.record.state))
                continue
            }
            if let quota = need.quota, try writer.selfRegisteredCount(ofProfile: need.profile) >= quota {
                outcomes.append(.quotaExceeded)
                continue
            }
            var record = newRecord(like: DeviceRecord(key: need.key, state: need.state, profile: need.profile))
            record.isSelfRegistered = true
            let device = StoredDevice(record, passwordHash: nil)
            try writer.insert(device)
            _ = try writer.record(sighting)
            try audit(need.key, "register", Self.summary(of: device), writer)
            changes.append(.set(device.registered))
            outcomes.append(DeviceRegistry.outcome(of: need.state))
        }
        return (outcomes, changes)
    }
}
