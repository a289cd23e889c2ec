/// One thing that the control socket can be asked for, as `POST /v1/<name>`.
///
/// The program hands routes in: the server knows neither gateway nor registry.
public struct ControlRoute: Sendable {
    /// Does what is asked, writing items and progress into the answer, and returns the result.
    ///
    /// Called in a task of its own for each request; several may run at once. It is not cancelled when the client goes
    /// away: what was asked for is done or not done as a whole. The next write into the answer throws then.
    /// A ``ControlFailure`` is told to the client. Any other error is logged, and the client hears `internal-error`.
    public typealias Handler =
        @Sendable (_ request: ControlRequest, _ answer: inout ControlAnswer) async throws -> any Encodable & Sendable

    /// Bytes of a request unless the route says otherwise: a device with all its pins and attributes has a hundredth.
    public static let bodyBytesMaxDefault = 1 << 20

    /// Lower-case words and hyphens, with slashes between them: `devices/list`. Stable: other programs may use it.
    public let name: String
    /// The longest body taken, in bytes.
    public let bodyBytesMax: Int
    let handler: Handler

    public init(_ name: String, bodyBytesMax: Int = Self.bodyBytesMaxDefault, handler: @escaping Handler) {
        self.name = name
        self.bodyBytesMax = bodyBytesMax
        self.handler = handler
    }
}

/// The result of a route that has nothing to say but that it is done: `{}`.
public struct ControlDone: Sendable, Hashable, Codable {
    public init() {}
}

/// The process at the other end of the control socket, as the kernel knows it (SO_PEERCRED, unix(7)): it cannot be
/// forged. The ids are those at the time of its connect(2).
public struct ControlPeer: Sendable, Hashable {
    public let processID: Int32
    public let userID: UInt32
    public let groupID: UInt32

    public init(processID: Int32, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }
}
