import Glibc
import NIOCore

/// `struct ucred` of unix(7): what SO_PEERCRED gives.
struct PeerCredentials: Sendable {
    var processID: Int32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0

    /// Who has opened the other end of a Unix socket; nil when the system does not say.
    static func peer(of channel: any Channel) async -> ControlPeer? {
        guard let socket = channel as? any SocketOptionProvider else { return nil }
        let option = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        // The call fills in as many bytes as the type has: twelve, which is what the option gives.
        let answer: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(level: .socket, name: option)
        guard let credentials = try? await answer.get() else { return nil }
        return ControlPeer(
            processID: credentials.processID, userID: credentials.userID, groupID: credentials.groupID)
    }
}
