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

    /// The addresses a run uses, and what to tell the operator of the choice.
    ///
    /// - Parameters:
    ///   - own: Connections of this process at once.
    ///   - whole: Of all processes that share the run. With a loopback target all of them are on this host.
    /// - Throws: ``SimulatorError`` if there are too few for so many connections, with what to do.
    static func chosen(
        _ given: SourceAddresses?, for own: Int, ofAll whole: Int, to target: SocketAddress
    ) throws(SimulatorError) -> (addresses: SourceAddresses, notice: String?) {
        let connections = isLoopback(target) ? max(own, whole) : own
        let each = SimulatorLimits.connectionsPerAddressMax
        let needed = (connections + each - 1) / each
        if let given, !given.addresses.isEmpty {
            guard given.addresses.count >= needed else {
                throw .options(
                    "too-few-ports",
                    "--source-addresses names \(given.addresses.count) addresses; \(connections) connections at once to "
                        + "one server need \(needed), with \(each) ports of each")
            }
            return (given, nil)
        }
        guard connections > each else { return (.systemChoice, nil) }
        guard isLoopback(target) else {
            throw .options(
                "too-few-ports",
                "\(connections) connections at once to one server need \(needed) local addresses, with \(each) ports of "
                    + "each: add addresses to this host's interface ('ip address add ADDRESS/PREFIX dev INTERFACE', as "
                    + "root) and name them with --source-addresses, or share the devices between hosts with --shard")
        }
        guard needed <= SimulatorLimits.sourceAddressesMax else {
            throw .options("too-few-ports", "\(connections) connections at once are more than this host has ports for")
        }
        let last = loopbackAddress(needed + 1)
        let chosen = try SourceAddresses(option: "127.0.0.2-\(last)")
        return (
            chosen,
            "\(connections) connections at once to one server need more ports than one address has: they are spread over "
                + "127.0.0.2 to \(last)"
        )
    }

    /// Of 127.0.0.0/8, counted from 127.0.0.0.
    private static func loopbackAddress(_ number: Int) -> String {
        "127.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }

    /// An IPv4 loopback address; IPv6 has only one.
    private static func isLoopback(_ address: SocketAddress) -> Bool {
        address.protocol == .inet && address.ipAddress?.hasPrefix("127.") == true
    }

    /// The address for the connections of one device, counted among those of its process.
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
