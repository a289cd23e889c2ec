internal import Foundation

/// The network that a peer's address lies in, as one site or one carrier hands them out: an IPv4 /24, an IPv6 /48.
public struct ClientNetwork: Sendable, Hashable {
    public enum Family: Sendable, Hashable {
        case ipv4
        case ipv6
    }

    public let family: Family
    private let prefix: UInt64

    /// - Parameter address: An IP address, with a port (`192.0.2.7:50312`, `[2001:db8::7]:50312`) or without. An IPv6
    ///   address that carries an IPv4 address counts as that.
    /// - Returns: Nil when it is anything else.
    public init?(address: String) {
        let host = Self.host(ofAddress: address)
        if let bytes = Self.ipv4(host) {
            self.init(.ipv4, bytes.prefix(3))
        } else if let bytes = Self.ipv6(host) {
            if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
                self.init(.ipv4, bytes.suffix(4).prefix(3))
            } else {
                self.init(.ipv6, bytes.prefix(6))
            }
        } else {
            return nil
        }
    }

    private init(_ family: Family, _ bytes: ArraySlice<UInt8>) {
        self.family = family
        prefix = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The address without its port and without brackets, at most 64 bytes of it.
    public static func host(ofAddress address: String) -> String {
        var host = Substring(address)
        if host.first == "[" {
            host = host.dropFirst().prefix { $0 != "]" }
        } else if host.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
            host = host.prefix { $0 != ":" }
        }
        return String(host.prefix(64))
    }

    /// What one subscriber has at his disposal: the IPv4 address, or the /64 of an IPv6 address; the text itself when it
    /// is no IP address.
    static func subscriber(ofHost host: String) -> String {
        guard let bytes = ipv6(host) else { return host }
        return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }

    private static func ipv4(_ host: String) -> [UInt8]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { UInt8($0) }
        return bytes.count == 4 ? bytes : nil
    }

    private static func ipv6(_ host: String) -> [UInt8]? {
        guard host.contains(":") else { return nil }
        // A zone (`fe80::1%eth0`) says nothing about where the peer is.
        let text = String(host.prefix { $0 != "%" })
        var address = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        return unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
    }
}

extension ClientNetwork: CustomStringConvertible {
    /// `192.0.2.0/24`, `2001:db8:1::/48`
    public var description: String {
        switch family {
        case .ipv4: "\(prefix >> 16 & 0xFF).\(prefix >> 8 & 0xFF).\(prefix & 0xFF).0/24"
        case .ipv6:
            [32, 16, 0].map { String(prefix >> UInt64($0) & 0xFFFF, radix: 16) }.joined(separator: ":") + "::/48"
        }
    }
}
