internal import FleetPolicy

/// One event loop's sessions by the device they belong to, from the end of the handshake on.
struct SessionIndex {
    private enum Numbers {
        case one(UInt64)
        case several([UInt64])
    }

    private var devices: [DeviceKey: Numbers] = [:]

    /// Devices with a session.
    var deviceCount: Int { self.devices.count }

    subscript(key: DeviceKey) -> [UInt64] {
        switch self.devices[key] {
        case .one(let number): [number]
        case .several(let numbers): numbers
        case nil: []
        }
    }

    mutating func add(_ session: UInt64, of key: DeviceKey) {
        switch self.devices[key] {
        case nil: self.devices[key] = .one(session)
        case .one(let first): self.devices[key] = .several([first, session])
        case .several(let numbers): self.devices[key] = .several(numbers + [session])
        }
    }

    mutating func remove(_ session: UInt64, of key: DeviceKey) {
        let rest = self[key].filter { $0 != session }
        self.devices[key] =
            switch rest.count {
            case 0: nil
            case 1: rest.first.map { .one($0) }
            case _: .several(rest)
            }
    }

    /// The sessions of these devices. Costs as much as the smaller of the two numbers of devices.
    func sessions(of keys: Set<DeviceKey>) -> [UInt64] {
        guard keys.count > self.devices.count else { return keys.flatMap { self[$0] } }
        return self.devices.keys.filter { keys.contains($0) }.flatMap { self[$0] }
    }
}
