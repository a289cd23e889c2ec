/// Why the control socket cannot be put into its place: always the operator's to mend.
public struct ControlSocketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code, for logs.
    public enum Reason: String, Sendable, Hashable {
        /// The path does not fit into a socket's address (`sun_path`, unix(7)).
        case pathTooLong = "path-too-long"
        /// Something else than a socket has the path; it was not touched.
        case notASocket = "not-a-socket"
        /// A program listens on the socket: most likely another gateway.
        case inUse = "socket-in-use"
        /// The system refuses, for instance because the folder does not exist.
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
