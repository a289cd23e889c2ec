import Foundation

/// Why the audit log cannot be opened, written or read. The message is for the operator; it holds no secret.
struct AuditError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case.
    enum Code: String, Sendable, Hashable {
        /// The folder cannot be made, listed or written to.
        case folder = "audit-folder"
        /// Another gateway writes into the folder.
        case inUse = "audit-in-use"
        /// The signing key cannot be read, made or used.
        case signingKey = "audit-signing-key"
        /// The end of the log is not what a gateway writes, so it cannot be gone on from.
        case damaged = "audit-damaged"
        /// The disk has no room.
        case full = "audit-disk-full"
        /// The disk refuses for another reason.
        case disk = "audit-disk"
    }

    let code: Code
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What the system said about a file.
    init(system errorNumber: Int32, _ what: String) {
        let isFull = errorNumber == ENOSPC || errorNumber == EDQUOT
        self.init(isFull ? .full : .disk, "\(what): \(unsafe String(cString: strerror(errorNumber)))")
    }
}
