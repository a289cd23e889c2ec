/// Where the broker behind the gateway listens.
public struct UpstreamAddress: Sendable, Hashable, CustomStringConvertible {
    /// How the broker is reached.
    public enum Transport: Sendable, Hashable {
        /// MQTT over plain TCP: host name or address, and port.
        case tcp(host: String, port: Int)
        /// MQTT over TLS: host name (which the broker's certificate must carry) and port.
        case tls(host: String, port: Int)
        /// MQTT over a unix domain socket at this path, of at most `UpstreamAddress.unixPathBytesMax` bytes.
        case unix(path: String)
    }

    /// The longest path of a unix domain socket that SwiftNIO connects to: `sun_path` holds 104 bytes with its
    /// terminating NUL where it is shortest (Linux itself would take four more).
    public static let unixPathBytesMax = 103

    public var transport: Transport

    public init(_ transport: Transport) {
        self.transport = transport
    }

    /// Why a text is not an upstream address.
    public struct ParsingError: Error, Sendable, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Reads `tcp://host[:port]`, `tls://host[:port]` (ports 1883 and 8883 when not given; an IPv6 address in
    /// brackets) or `unix:/path`.
    public init(parsing text: String) throws(ParsingError) {
        if let rest = text.dropping(prefix: "unix:") {
            let path = String(rest.dropping(prefix: "//") ?? rest)
            guard path.utf8.first == UInt8(ascii: "/") else {
                throw ParsingError(description: "a unix socket needs an absolute path, as in unix:/run/broker.sock")
            }
            guard path.utf8.count <= Self.unixPathBytesMax else {
                throw ParsingError(
                    description: "the socket path has \(path.utf8.count) bytes; at most \(Self.unixPathBytesMax) fit"
                )
            }
            // A NUL would end the path for the kernel: another socket than the one that was written.
            guard path.utf8.last != UInt8(ascii: "/"), path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw ParsingError(description: "the socket path is a folder's or has control characters")
            }
            self.init(.unix(path: path))
        } else if let rest = text.dropping(prefix: "tcp://") {
            let (host, port) = try Self.hostAndPort(rest, defaultPort: 1883)
            self.init(.tcp(host: host, port: port))
        } else if let rest = text.dropping(prefix: "tls://") {
            let (host, port) = try Self.hostAndPort(rest, defaultPort: 8883)
            self.init(.tls(host: host, port: port))
        } else {
            throw ParsingError(description: "an upstream is tcp://host:port, tls://host:port or unix:/path")
        }
    }

    public var description: String {
        switch self.transport {
        case .tcp(let host, let port): "tcp://\(Self.bracketed(host)):\(port)"
        case .tls(let host, let port): "tls://\(Self.bracketed(host)):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

    private static func hostAndPort(
        _ text: Substring, defaultPort: Int
    ) throws(ParsingError) -> (host: String, port: Int) {
        // In `[::1]:1883` the last colon outside the brackets separates the port; in `[::1]` there is none to find.
        let afterBracket = text.utf8.lastIndex(of: UInt8(ascii: "]")) ?? text.startIndex
        guard let colon = text.utf8[afterBracket...].lastIndex(of: UInt8(ascii: ":")) else {
            return (try Self.host(text), defaultPort)
        }
        let digits = text[text.index(after: colon)...]
        // Digits alone: `Int` would also take a sign.
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(digits), (1...65_535).contains(port)
        else {
            throw ParsingError(description: "the port must be a number from 1 to 65535")
        }
        return (try Self.host(text[..<colon]), port)
    }

    /// A host name, an IPv4 address, or an IPv6 address in brackets, which are taken off.
    private static func host(_ text: Substring) throws(ParsingError) -> String {
        if text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") {
            let address = text.dropFirst().dropLast()
            guard address.utf8.contains(UInt8(ascii: ":")), address.utf8.allSatisfy(Self.isIPv6Byte) else {
                throw ParsingError(description: "in brackets stands an IPv6 address, as in tcp://[::1]:1883")
            }
            return String(address)
        }
        guard !text.utf8.contains(UInt8(ascii: ":")) else {
            throw ParsingError(description: "an IPv6 address must stand in brackets, as in tcp://[::1]:1883")
        }
        guard (1...Self.hostBytesMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.isHostNameByte) else {
            throw ParsingError(description: "the host name is missing, too long or has characters no host name has")
        }
        return String(text)
    }

    /// The longest domain name in its usual form (RFC 1035, section 2.3.4, without the length bytes), in bytes.
    private static let hostBytesMax = 253

    /// Letters, digits, hyphen and dot (RFC 1123, section 2.1), and the underscore that container networks use.
    private static func isHostNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        case _: false
        }
    }

    /// What an IPv6 address is written with, an embedded IPv4 address and a zone (RFC 4007, section 11) included.
    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        Self.isHostNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The text behind `prefix`, if it begins with it.
    fileprivate func dropping(prefix: String) -> Substring? {
        self.hasPrefix(prefix) ? self.dropFirst(prefix.count) : nil
    }
}
