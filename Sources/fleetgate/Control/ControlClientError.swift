import Foundation

/// Why the gateway could not be asked. What the gateway itself answers is a `ControlFailure`.
struct ControlClientError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case.
    enum Reason: String, Sendable, Hashable {
        /// Nobody listens: there is no socket, or it is one of a gateway that has ended.
        case notRunning = "not-running"
        /// The socket belongs to somebody else. The gateway may run.
        case noPermission = "no-permission"
        /// The path cannot be that of a socket, or the system refuses for other reasons.
        case cannotConnect = "cannot-connect"
        /// What came back is not an answer, or not all of one.
        case badAnswer = "bad-answer"
    }

    let reason: Reason
    /// One sentence for the operator.
    let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    static func notRunning(_ path: String, _ why: String) -> ControlClientError {
        ControlClientError(.notRunning, "the gateway is not running (\(why) \(path))")
    }

    static func noPermission(_ path: String) -> ControlClientError {
        let owner = (try? FileManager.default.attributesOfItem(atPath: path))?[.ownerAccountName] as? String
        let hint = owner.map { "it belongs to \($0): run this command as \($0), or as root" }
        return ControlClientError(
            .noPermission,
            "no permission to open the admin socket \(path) (\(hint ?? "run this command as the gateway's user, or as root"))"
        )
    }

    static func badAnswer(_ what: String) -> ControlClientError {
        ControlClientError(.badAnswer, "the gateway's answer \(what)")
    }
}
