internal import FleetPolicy

/// What commands that only read are answered with.
extension CommandRules {
    static func answer(
        _ command: RegistryCommand, _ reader: any DeviceStoreReader
    ) throws(RegistryError) -> RegistryAnswer {
        switch command {
        case .list(let query):
            let page = try page(query) { query throws(RegistryError) in try reader.devices(query).map(\.record) }
            return .devices(page.items, next: page.hasMore ? page.items.last?.key : nil)
        case .certificates(let query):
            let page = try page(query) { query throws(RegistryError) in try reader.certificates(query) }
            return .certificates(
                page.items.map { CertificateOnFile(device: $0.device, der: HexadecimalText.text($0.der)) },
                next: page.hasMore ? page.items.last?.device : nil)
        case .show(let key):
            guard let device = try reader.device(key) else { throw notFound(key) }
            return .device(device.record)
        case .count(let query):
            return .count(try reader.count(query))
        case .history(let key, let limit):
            return .history(try reader.history(of: key, limit: limit))
        case .add, .setState, .approve, .retire, .change, .pin, .unpin, .setPassword, .remove, .importDevices:
            throw RegistryError(.invalidCommand, "\(command) is no question")
        }
    }

    /// Asks for one more than wanted, to know whether there are more.
    private static func page<Item>(
        _ query: DeviceQuery, _ body: (DeviceQuery) throws(RegistryError) -> [Item]
    ) throws(RegistryError) -> (items: [Item], hasMore: Bool) {
        var longer = query
        longer.limit += 1
        let items = try body(longer)
        return (Array(items.prefix(query.limit)), items.count > query.limit)
    }
}
