import NIOCore

/// Where the admin server listens: a literal IP address and a port.
///
/// Host names are not looked up: what a name means may change, and with it who can reach the server.
public struct AdminAddress: Sendable, Hashable, CustomStringConvertible {
    /// The IP address in its shortest form, without brackets.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int

    /// - Parameters:
    ///   - host: An IPv4 or IPv6 address without brackets, or `localhost` for `127.0.0.1`.
    ///   - allowsNonLoopback: The server has no authentication of its own; true only where something else guards it.
    /// - Throws: ``AdminServerError``.
    public init(host: String, port: Int, allowsNonLoopback: Bool = false) throws(AdminServerError) {
        guard (0...65535).contains(port) else {
            throw AdminServerError(.invalidPort, "port \(port) is not between 0 and 65535")
        }
        let literal = host == "localhost" ? "127.0.0.1" : host
        guard let address = try? SocketAddress(ipAddress: literal, port: port), let shortest = address.ipAddress else {
            throw AdminServerError(.notAnAddress, "'\(host)' is not an IP address")
        }
        guard allowsNonLoopback || Self.isLoopback(shortest) else {
            throw AdminServerError(
                .notLoopback,
                "\(shortest) is not a loopback address: the admin server has no authentication and shows what the "
                    + "gateway does; use 127.0.0.1 or ::1")
        }
        self.host = shortest
        self.port = port
    }

    public var description: String { host(withPort: port) }

    /// The address as a URL has it, with a port that may have been chosen by the system.
    func host(withPort port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether an IP address as the system prints it is one that only this machine can reach.
    private static func isLoopback(_ address: String) -> Bool {
        address == "::1" || (address.hasPrefix("127.") && !address.contains(":"))
    }
}
