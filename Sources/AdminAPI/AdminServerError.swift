/// Why the admin server cannot be started: always the operator's to mend.
public struct AdminServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code, for logs and metrics.
    public enum Reason: String, Sendable, Hashable {
        /// The host is not an IP address (nor `localhost`).
        case notAnAddress = "not-an-address"
        /// The address is not a loopback address and this was not allowed.
        case notLoopback = "not-loopback"
        /// The port is outside 0…65535.
        case invalidPort = "invalid-port"
        /// The system does not let the server listen on the address, for instance because another program does.
        case cannotListen = "cannot-listen"
    }

    public let reason: Reason
    /// One sentence for the operator.
    public let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}
