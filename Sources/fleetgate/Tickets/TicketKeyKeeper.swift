import FleetPolicy
import NIOMbedTLS

/// Keeps the keys of a file at hand: reads it when it has changed, and rotates its keys when that is the gateway's part.
/// What was good stays in force while the file cannot be used, until its own times end it.
struct TicketKeyKeeper: Sendable {
    /// What a look at the file has brought.
    enum Finding: Sendable, Equatable {
        case unchanged
        /// There are others to seal or open with.
        case changed
        /// The file cannot be used; said once for each state that it is in.
        case failed(TicketKeyFileError)
    }

    let settings: TicketSettings
    private let file: TicketKeyFile
    private let schedule: TicketKeySet.Schedule
    private(set) var keys = TicketKeySet([])
    /// The state of the file that ``keys`` or ``failure`` are from.
    private var stamp: FileStamp?
    private var failure: TicketKeyFileError?
    /// The identifiers that were handed out last.
    private var published: [[UInt8]] = []

    /// Nil when the settings have no file.
    init?(_ settings: TicketSettings) {
        guard let file = settings.file else { return nil }
        self.settings = settings
        self.file = TicketKeyFile(path: file.value)
        schedule = TicketKeySet.Schedule(interval: settings.rotationInterval, lifetime: settings.lifetime)
    }

    /// What the TLS layer seals and opens with: the first seals. Empty: no tickets.
    func tlsKeys(at now: Int64) -> [TLSTicketKey] {
        keys.usable(at: now).compactMap { $0.tlsKey(lifetime: settings.lifetime) }
    }

    /// Looks at the file, at most a few thousand bytes.
    ///
    /// - Parameter now: Seconds since 1970.
    mutating func look(at now: Int64) -> Finding {
        let found = FileStamp(path: file.path)
        var problem: TicketKeyFileError?
        do throws(TicketKeyFileError) {
            let isChanged = found == nil || found != stamp
            if isChanged { keys = try read() }
            var maintained = keys
            if settings.rotation == .automatic, maintained.maintain(schedule, now: now) {
                keys = try rotated(now)
                stamp = FileStamp(path: file.path)
                failure = nil
            } else {
                stamp = found
                // An unchanged file is as bad as it was.
                if isChanged { failure = nil }
            }
        } catch {
            problem = error
            stamp = found
        }
        let usable = keys.usable(at: now).map(\.identifier)
        if let problem {
            // The keys may have ended meanwhile: that is handed on at the next look, when the problem is not new.
            let isNew = failure != problem
            failure = problem
            if isNew { return .failed(problem) }
        }
        guard usable != published else { return .unchanged }
        published = usable
        return .changed
    }

    private func read() throws(TicketKeyFileError) -> TicketKeySet {
        do throws(TicketKeyFileError) {
            return try file.read()
        } catch {
            guard error.code == .missing, settings.rotation == .automatic else { throw error }
            // It is made below.
            return TicketKeySet([])
        }
    }

    /// Rotates under the lock, by what is in the file then: another gateway may have been faster.
    private func rotated(_ now: Int64) throws(TicketKeyFileError) -> TicketKeySet {
        let schedule = schedule
        do throws(TicketKeyFileError) {
            return try file.update { $0.maintain(schedule, now: now) }
        } catch {
            // Somebody else is at it: their keys are there at the next look.
            guard error.code == .locked else { throw error }
            return keys
        }
    }
}
