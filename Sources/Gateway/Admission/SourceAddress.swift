internal import NIOCore

/// What counts as one peer for the connection rate: an IPv4 address, or the /64 an IPv6 address lies in (a single host
/// has 2^64 of those to spend).
struct SourceAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// The key of a socket's remote address; addresses that are not IP (a unix socket) are one peer.
    init(_ address: SocketAddress?) {
        switch address {
        case .some(.v4(_)):
            self.high = 0
            self.low = 0xFFFF_0000_0000 | UInt64(Self.bigEndian(UInt32.self, in: address, offset: 4))
        case .some(.v6(_)):
            let high = Self.bigEndian(UInt64.self, in: address, offset: 8)
            let low = Self.bigEndian(UInt64.self, in: address, offset: 16)
            // ::ffff:a.b.c.d is the IPv4 address it carries, not a /64 that holds the whole IPv4 Internet.
            let isMappedIPv4 = high == 0 && low >> 32 == 0xFFFF
            self.high = high
            self.low = isMappedIPv4 ? low : 0
        case .unixDomainSocket, .none:
            self.high = 0
            self.low = 0
        }
    }

    /// A number in a `sockaddr_in` (address at byte 4) or `sockaddr_in6` (address at byte 8).
    private static func bigEndian<Number: FixedWidthInteger>(
        _ type: Number.Type, in address: SocketAddress?, offset: Int
    ) -> Number {
        unsafe address?.withSockAddr { pointer, byteCount in
            let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: byteCount)
            guard bytes.count >= offset + MemoryLayout<Number>.size else { return 0 }
            return unsafe Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        } ?? 0
    }
}

extension SocketAddress {
    /// `192.0.2.7:50312` or `[2001:db8::7]:50312`, for logs.
    var hostAndPort: String {
        guard let host = self.ipAddress, let port = self.port else { return self.description }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
