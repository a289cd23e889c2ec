import NIOCore

/// Which hosts may be asked.
enum HTTPReach: Sendable, Hashable {
    /// Any: the operator named the address.
    case anywhere
    /// None on this machine or in a private network: a certificate named the address, and whoever had it made could
    /// have the gateway ask its own neighbours (server-side request forgery).
    case publicOnly

    func allows(_ address: SocketAddress) -> Bool {
        switch self {
        case .anywhere: true
        case .publicOnly:
            switch address {
            case .v4: Self.isPublic(v4: Self.bytes(address, at: 4, count: 4))
            case .v6: Self.isPublic(v6: Self.bytes(address, at: 8, count: 16))
            case .unixDomainSocket: false
            }
        }
    }

    /// The networks of the IANA special-purpose registry that are not globally reachable (RFC 6890), and multicast.
    static func isPublic(v4 bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else { return false }
        return switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (224...255, _): false
        case (100, 64...127), (169, 254), (172, 16...31), (192, 168), (198, 18...19): false
        case (192, 0): bytes[2] != 0 && bytes[2] != 2
        case (198, 51): bytes[2] != 100
        case (203, 0): bytes[2] != 113
        case (_, _): true
        }
    }

    /// Only global unicast (2000::/3), and of it not what carries an IPv4 address that is not public.
    static func isPublic(v6 bytes: [UInt8]) -> Bool {
        guard bytes.count == 16 else { return false }
        // ::ffff:0:0/96 and 64:ff9b::/96.
        if bytes[0..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPublic(v4: Array(bytes[12...]))
        }
        if bytes[0..<12].elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) {
            return isPublic(v4: Array(bytes[12...]))
        }
        // 6to4: 2002::/16 with the IPv4 address behind it.
        if bytes[0] == 0x20, bytes[1] == 0x02 { return isPublic(v4: Array(bytes[2..<6])) }
        // 2001::/23, special purposes (Teredo among them), and 2001:db8::/32, documentation.
        if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] < 2 || (bytes[2] == 0x0D && bytes[3] == 0xB8) { return false }
        return bytes[0] & 0xE0 == 0x20
    }

    /// Bytes of a `sockaddr_in` or `sockaddr_in6`; none when it is not that large.
    private static func bytes(_ address: SocketAddress, at offset: Int, count: Int) -> [UInt8] {
        unsafe address.withSockAddr { start, size in
            guard offset + count <= size else { return [] }
            return unsafe Array(UnsafeRawBufferPointer(start: start, count: size)[offset..<offset + count])
        }
    }
}
