import AdminAPI
import Foundation

/// Who gives a command, for the registry's audit.
enum OperatorName {
    /// The user at the other end of the admin socket, as the kernel knows it.
    static func name(of peer: ControlPeer?) -> String {
        peer.map { name(ofUser: $0.userID) } ?? "unknown"
    }

    /// The user this program runs as.
    static var own: String { name(ofUser: geteuid()) }

    /// `alice (uid 1000)`; without a name when the system has none.
    static func name(ofUser id: UInt32) -> String {
        // Names of the largest directories fit; the call says so if one does not.
        var text = [CChar](repeating: 0, count: 16_384)
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        let status = unsafe getpwuid_r(id, &entry, &text, text.count, &found)
        guard status == 0, unsafe found != nil, let name = unsafe entry.pw_name else { return "uid \(id)" }
        return "\(LogText.visible(unsafe String(cString: name)).prefix(64)) (uid \(id))"
    }
}
