import FleetPolicy
import Foundation

/// Why a file of ticket keys cannot be used. The fault is the operator's or the machine's; the message holds no secret.
struct TicketKeyFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable code in kebab-case.
    enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no file.
        case missing = "ticket-keys-missing"
        /// Others than its owner and group may read it, or others than its owner write it.
        case tooOpen = "permissions-too-open"
        /// It cannot be read: permissions, size, or no regular file.
        case unreadable = "ticket-keys-unreadable"
        /// It is not what ``TicketKeyFile`` describes.
        case malformed = "ticket-keys-malformed"
        /// It cannot be written.
        case unwritable = "ticket-keys-unwritable"
        /// Somebody else is changing it.
        case locked = "ticket-keys-locked"
    }

    let code: Code
    let description: String
    let hint: String?

    init(_ code: Code, _ description: String, hint: String? = nil) {
        self.code = code
        self.description = description
        self.hint = hint
    }
}

/// A file of keys for session tickets, which several gateways may share.
///
/// JSON with mode 0600: `{"version": 1, "keys": [{"id", "secret", "not-before", "not-after"}]}`, the first two in
/// hexadecimal (16 and 32 bytes), the others in ISO 8601. Replaced as a whole by rename(2), so that a reader sees the old
/// keys or the new ones. Who changes it holds a lock on the file of the same name with `.lock` behind.
struct TicketKeyFile: Sendable {
    /// Sixteen keys have less than 5,000 bytes.
    private static let bytesMax = 65_536
    private static let version = 1

    let path: String

    /// - Throws: ``TicketKeyFileError``.
    func read() throws(TicketKeyFileError) -> TicketKeySet {
        let text: String
        do throws(FileProblem) {
            text = try BoundedFile.readSecret(path, bytesMax: Self.bytesMax)
        } catch {
            let code: TicketKeyFileError.Code =
                switch error.reason {
                case .notFound: .missing
                case .tooOpen: .tooOpen
                case .notAFile, .notReadable, .tooLarge: .unreadable
                case .notUTF8: .malformed
                }
            throw TicketKeyFileError(code, error.description, hint: error.hint)
        }
        return try Self.parse(text, path: path)
    }

    /// Changes the keys under the lock. With no file there are no keys yet.
    ///
    /// - Parameter change: Is given the keys that are in force; returns whether the file is to be written.
    /// - Returns: the keys as they are in the file now.
    /// - Throws: ``TicketKeyFileError``; `ticket-keys-locked` when somebody else is at it. The file is as it was then.
    func update(_ change: (inout TicketKeySet) -> Bool) throws(TicketKeyFileError) -> TicketKeySet {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var keys: TicketKeySet
        do throws(TicketKeyFileError) {
            keys = try read()
        } catch {
            guard error.code == .missing else { throw error }
            keys = TicketKeySet([])
        }
        if change(&keys) { try write(keys) }
        return keys
    }

    /// Makes new keys, whatever was in the file.
    ///
    /// - Throws: as ``update(_:)``.
    func replace(_ schedule: TicketKeySet.Schedule, now: Int64) throws(TicketKeyFileError) -> TicketKeySet {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var keys = TicketKeySet([])
        keys.replace(schedule, now: now)
        try write(keys)
        return keys
    }

    // MARK: Form

    private struct Document: Codable {
        var version: Int
        var keys: [Key]

        struct Key: Codable {
            var id: String
            var secret: String
            var notBefore: Date
            var notAfter: Date

            enum CodingKeys: String, CodingKey {
                case id, secret
                case notBefore = "not-before"
                case notAfter = "not-after"
            }
        }
    }

    static func parse(_ text: String, path: String) throws(TicketKeyFileError) -> TicketKeySet {
        func malformed(_ problem: String) -> TicketKeyFileError {
            TicketKeyFileError(
                .malformed, "\(path) \(problem)",
                hint: "`fleetgate tickets rotate --revoke-all` makes new keys; devices then have full handshakes once")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        // What the decoder says may quote the file, which is secret.
        guard let document = try? decoder.decode(Document.self, from: Data(text.utf8)) else {
            throw malformed("is no file of ticket keys")
        }
        guard document.version == version else {
            throw malformed("has version \(document.version), known is \(version)")
        }
        guard document.keys.count <= TicketKeySet.keysMax else {
            throw malformed("has \(document.keys.count) keys, at most \(TicketKeySet.keysMax) are taken")
        }
        var keys: [TicketKey] = []
        for (index, entry) in document.keys.enumerated() {
            guard let identifier = HexadecimalText.bytes(entry.id), identifier.count == TicketKey.identifierLength,
                let secret = HexadecimalText.bytes(entry.secret), secret.count == TicketKey.secretLength
            else { throw malformed("has a wrong id or secret in key \(index + 1)") }
            guard !keys.contains(where: { $0.identifier == identifier || $0.secret == secret }) else {
                throw malformed("has key \(index + 1) twice")
            }
            // A secret of equal bytes is a template that nobody has filled in.
            guard Set(secret).count > 1 else { throw malformed("has a secret that is none in key \(index + 1)") }
            guard let notBefore = Int64(exactly: entry.notBefore.timeIntervalSince1970.rounded(.down)),
                let notAfter = Int64(exactly: entry.notAfter.timeIntervalSince1970.rounded(.down)),
                notBefore < notAfter, notAfter - notBefore <= lifeMax
            else { throw malformed("has times that cannot be in key \(index + 1)") }
            keys.append(
                TicketKey(identifier: identifier, secret: secret, notBefore: notBefore, notAfter: notAfter))
        }
        return TicketKeySet(keys)
    }

    /// Seconds between the two times of a key: a year. One key is good for 2^32 tickets.
    private static let lifeMax: Int64 = 366 * 86_400

    private func write(_ keys: TicketKeySet) throws(TicketKeyFileError) {
        let document = Document(
            version: Self.version,
            keys: keys.keys.map {
                Document.Key(
                    id: HexadecimalText.text($0.identifier), secret: HexadecimalText.text($0.secret),
                    notBefore: Date(timeIntervalSince1970: TimeInterval($0.notBefore)),
                    notAfter: Date(timeIntervalSince1970: TimeInterval($0.notAfter)))
            })
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            try DurableFile.replace(path, with: Array(try encoder.encode(document)) + [0x0A], mode: 0o600)
        } catch {
            // What the encoder says may quote a key.
            let why = (error as? NewFile.Failure).map { ": \($0)" } ?? ""
            throw TicketKeyFileError(
                .unwritable, "\(path) cannot be written\(why)", hint: "check its folder's permissions")
        }
    }

    /// Keeps other processes from changing the keys meanwhile. Never waits.
    private func lock() throws(TicketKeyFileError) -> FileLock {
        do throws(FileLock.Failure) {
            return try FileLock(path + ".lock")
        } catch {
            switch error {
            case .isHeld:
                throw TicketKeyFileError(.locked, "another process is changing the ticket keys", hint: "try again")
            case .unusable(let why):
                throw TicketKeyFileError(.unwritable, why, hint: "check its folder's permissions")
            }
        }
    }
}

extension TicketKeyFile {
    /// Reports what is wrong with a configured file, as far as it can be said without changing anything: one that the
    /// gateway makes itself may be missing.
    static func check(_ settings: TicketSettings, now: Date, reporting mistakes: MistakeCollector) {
        guard let file = settings.file else { return }
        do throws(TicketKeyFileError) {
            let keys = try TicketKeyFile(path: file.value).read()
            let now = Int64(now.timeIntervalSince1970)
            if settings.rotation == .external, keys.sealing(at: now) == nil {
                mistakes.report(
                    .badFile, at: file.location, key: file.key, "\(file.value) has no key that is good now",
                    hint: "`fleetgate tickets rotate` makes one")
            }
        } catch {
            if error.code == .missing, settings.rotation == .automatic { return }
            mistakes.report(
                .badFile, at: file.location, key: file.key, error.description,
                hint: error.code == .missing ? "`fleetgate tickets rotate` makes it" : error.hint)
        }
    }
}
