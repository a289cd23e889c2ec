import NIOCore

/// The local addresses that connections are spread over. One address has some 28,000 ports towards one target.
struct SourceAddresses: Sendable, Equatable {
    /// In the order given; empty: the system chooses.
    let addresses: [SocketAddress]

    static let systemChoice = SourceAddresses(addresses: [])

    private init(addresses: [SocketAddress]) {
        self.addresses = addresses
    }

    /// Reads a list of addresses and ranges of IPv4 addresses: `127.0.0.2-127.0.0.9,127.0.0.20`.
    init(option text: String) throws(SimulatorError) {
        var addresses: [SocketAddress] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false).map { $0.trimmingSpaces() }
            let literals: [String]
            switch ends.count {
            case 1: literals = ends
            case 2: literals = try Self.range(from: ends[0], to: ends[1], in: text)
            default: throw Self.mistake(text, "'\(item)' is neither an address nor a range")
            }
            guard addresses.count + literals.count <= SimulatorLimits.sourceAddressesMax else {
                throw Self.mistake(text, "at most \(SimulatorLimits.sourceAddressesMax) addresses")
            }
            for literal in literals {
                guard let address = try? SocketAddress(ipAddress: literal, port: 0) else {
                    throw Self.mistake(text, "'\(literal)' is not an IP address")
                }
                addresses.append(address)
            }
        }
        self.addresses = addresses
    }

    /// The address for the connections of one device.
    func address(forDevice index: Int) -> SocketAddress? {
        addresses.isEmpty ? nil : addresses[index % addresses.count]
    }

    private static func range(from first: String, to last: String, in text: String) throws(SimulatorError) -> [String] {
        guard let low = ipv4(first), let high = ipv4(last), low <= high else {
            throw mistake(text, "a range goes from a lower to a higher IPv4 address")
        }
        guard high - low < SimulatorLimits.sourceAddressesMax else {
            throw mistake(text, "at most \(SimulatorLimits.sourceAddressesMax) addresses")
        }
        return (low...high).map { "\($0 >> 24 & 255).\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)" }
    }

    private static func ipv4(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let octet = UInt8(part) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    private static func mistake(_ text: String, _ what: String) -> SimulatorError {
        .options("bad-source-addresses", "--source-addresses '\(text)': \(what)")
    }
}
