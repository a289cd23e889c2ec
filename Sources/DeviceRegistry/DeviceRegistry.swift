public import FleetPolicy
internal import Foundation
public import Logging

/// The truth about single devices, and the directory that is made of it for the data plane.
///
/// Writes happen one after the other, and the directory follows them in the same order: what ``directory`` and
/// ``updates`` show is always a state that the store was in.
public actor DeviceRegistry {
    /// Newer directories. For one consumer; see ``DirectoryUpdate``. What was loaded at the start does not come.
    public nonisolated let updates: AsyncStream<DirectoryUpdate>
    /// The devices as they are now.
    public internal(set) var directory: DeviceDirectory

    let store: any DeviceStore
    let logger: Logger
    /// Seconds since 1970-01-01T00:00:00Z.
    let now: @Sendable () -> Int64
    let sightings = SightingBuffer()
    private let updating: DirectoryUpdates
    private nonisolated let passwords: PasswordVerifier
    private var turn = WriteTurn()
    var registrations = RegistrationQueue()

    /// Reads everything that the store has.
    public static func open(
        _ store: any DeviceStore, logger: Logger, passwords: PasswordVerifier = PasswordVerifier()
    ) async throws(RegistryError) -> DeviceRegistry {
        try await open(store, logger: logger, passwords: passwords) { Int64(Date().timeIntervalSince1970) }
    }

    static func open(
        _ store: any DeviceStore, logger: Logger, passwords: PasswordVerifier = PasswordVerifier(),
        now: @escaping @Sendable () -> Int64
    ) async throws(RegistryError) -> DeviceRegistry {
        let directory = try await store.loadDirectory()
        return DeviceRegistry(store, directory, logger: logger, passwords: passwords, now: now)
    }

    private init(
        _ store: any DeviceStore, _ directory: DeviceDirectory, logger: Logger, passwords: PasswordVerifier,
        now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.directory = directory
        self.logger = logger
        self.passwords = passwords
        self.now = now
        updating = DirectoryUpdates()
        updates = updating.stream
    }

    /// Does what a command says, as one transaction.
    ///
    /// - Parameters:
    ///   - actor: who wants it, for the audit; see ``DeviceHistoryEntry/actor``.
    ///   - progress: told how far an import is, on some other thread and at most once for a thousand rows.
    public func apply(
        _ command: RegistryCommand, by actor: String, progress: (@Sendable (RegistryProgress) -> Void)? = nil
    ) async throws(RegistryError) -> RegistryAnswer {
        let rules = CommandRules(actor: try CommandRules.checked(actor: actor), now: now())
        switch command {
        case .list, .show, .count, .history, .certificates:
            try CommandRules.check(command)
            return try await store.read { reader throws(RegistryError) in try CommandRules.answer(command, reader) }
        case .importDevices(let devices):
            let rows = try await DeviceFileReader.read(devices, progress: progress)
            return try await writing { writer throws(RegistryError) in
                let effect = try rules.importDevices(rows, mode: devices.mode, writer, progress: progress)
                return (.imported(effect.summary), effect.changes)
            }
        case .add, .setState, .approve, .retire, .change, .pin, .unpin, .setPassword, .remove:
            try CommandRules.check(command)
            return try await writing { writer throws(RegistryError) in try rules.apply(command, writer) }
        }
    }

    /// Reads everything from the store again, for when somebody else has changed it. The devices that are different
    /// come as an update.
    public func reload() async throws(RegistryError) {
        try await takeTurn()
        defer { endTurn() }
        let loaded = try await store.loadDirectory()
        let changed = loaded.changes(since: directory)
        guard !changed.isEmpty else { return }
        directory = loaded
        updating.publish(loaded, changed: changed)
    }

    /// Whether a password is the one that a hash was made from. Runs on threads of its own; see ``PasswordVerifier``.
    public nonisolated func verify(password: [UInt8], hash: String) async -> PasswordVerdict {
        await passwords.verify(password: password, hash: hash)
    }

    /// Waits for the writes that are under way, writes the sightings, and closes the store.
    public func close() async throws(RegistryError) {
        await flushSightings()
        try await takeTurn()
        defer { endTurn() }
        try await store.close()
    }

    /// One write: when it is done, the directory has its changes, in the order of the writes.
    func writing<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> (Answer, [DeviceDirectory.Change])
    ) async throws(RegistryError) -> Answer {
        try await takeTurn()
        defer { endTurn() }
        return try await writeInTurn(body)
    }

    /// The same for who has the turn already.
    func writeInTurn<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> (Answer, [DeviceDirectory.Change])
    ) async throws(RegistryError) -> Answer {
        let (answer, changes) = try await store.write(body)
        if !changes.isEmpty {
            directory = directory.applying(changes)
            updating.publish(directory, changed: changes.map(\.key))
        }
        return answer
    }

    func takeTurn() async throws(RegistryError) {
        if turn.take() { return }
        guard turn.hasRoom else {
            throw RegistryError(.overloaded, "\(WriteTurn.waitingMax) changes wait to be written already")
        }
        await withCheckedContinuation { turn.wait($0) }
    }

    func endTurn() {
        turn.end()?.resume()
    }
}

/// Whose turn it is to write. First come, first served.
struct WriteTurn {
    /// Far more than operators do at a time; registrations share one turn.
    static let waitingMax = 10_000

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    var hasRoom: Bool { waiting.count < Self.waitingMax }

    /// True when the turn was free and is the caller's now.
    mutating func take() -> Bool {
        if isTaken { return false }
        isTaken = true
        return true
    }

    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) {
        waiting.append(continuation)
    }

    /// Who has the turn next.
    mutating func end() -> CheckedContinuation<Void, Never>? {
        if waiting.isEmpty {
            isTaken = false
            return nil
        }
        return waiting.removeFirst()
    }
}
