internal import Synchronization

/// Holds what was observed until it is written; the same thing twice is held once. Any thread may put some in; none
/// waits for the disk.
final class ObservationBuffer: Sendable {
    /// What makes two failures the same one.
    struct FailureKey: Hashable {
        let address: String
        let listener: String
        let reason: String
        let fingerprint: String

        init(_ record: JournalRecord) {
            address = record.address
            listener = record.listener
            reason = record.reason
            fingerprint = record.certificate?.fingerprint ?? ""
        }
    }

    /// What waits to be written.
    struct Batch {
        var certificates: [String: ObservedCertificate] = [:]
        /// In the order in which they came.
        var failures: [JournalRecord] = []
        fileprivate var places: [FailureKey: Int] = [:]

        var isEmpty: Bool { certificates.isEmpty && failures.isEmpty }
        var count: Int { certificates.count + failures.count }

        /// The same in pieces of so many, certificates before failures.
        func rows(ofAtMost countMax: Int) -> [Rows] {
            var pieces = [Rows()]
            func add(_ change: (inout Rows) -> Void) {
                if pieces[pieces.count - 1].count >= countMax { pieces.append(Rows()) }
                change(&pieces[pieces.count - 1])
            }
            for certificate in certificates.values { add { $0.certificates.append(certificate) } }
            for failure in failures { add { $0.failures.append(failure) } }
            return isEmpty ? [] : pieces
        }
    }

    /// What is written together.
    struct Rows {
        var certificates: [ObservedCertificate] = []
        var failures: [JournalRecord] = []

        var count: Int { certificates.count + failures.count }
    }

    private struct State {
        var batch = Batch()
        var counts = ObservationCounts()
    }

    private let state = Mutex(State())
    private let waitingMax: Int

    init(waitingMax: Int) {
        self.waitingMax = waitingMax
    }

    var counts: ObservationCounts { state.withLock { $0.counts } }

    /// Rows that wait.
    var count: Int { state.withLock { $0.batch.count } }

    func put(_ certificate: ObservedCertificate) {
        let certificate = certificate.bounded
        state.withLock { state in
            if var held = state.batch.certificates[certificate.fingerprint] {
                held.merge(certificate)
                state.batch.certificates[certificate.fingerprint] = held
            } else if state.batch.count < waitingMax {
                state.batch.certificates[certificate.fingerprint] = certificate
            } else {
                state.counts.dropped += 1
            }
        }
    }

    func put(_ failure: JournalRecord) {
        let failure = failure.bounded
        let key = FailureKey(failure)
        state.withLock { state in
            if let place = state.batch.places[key] {
                state.batch.failures[place].count += failure.count
                state.batch.failures[place].last = max(state.batch.failures[place].last, failure.last)
            } else if state.batch.count < waitingMax {
                state.batch.places[key] = state.batch.failures.count
                state.batch.failures.append(failure)
            } else {
                state.counts.dropped += 1
            }
        }
    }

    func takeAll() -> Batch {
        state.withLock { state in
            defer { state.batch = Batch() }
            return state.batch
        }
    }

    func count(_ change: @Sendable (inout ObservationCounts) -> Void) {
        state.withLock { change(&$0.counts) }
    }
}

/// What became of observations since the start.
public struct ObservationCounts: Sendable, Hashable {
    /// Rows of the journal that were begun.
    public var journalRows = 0
    /// Failures that a row was there for, and that it counts now.
    public var journalRepeated = 0
    /// Failures beyond the limits per minute, counted in a row of many.
    public var journalSuppressed = 0
    /// Handshakes written to the inventory.
    public var handshakes = 0
    /// Given up, because too many waited or the database could not be written.
    public var dropped = 0

    public init() {}
}

extension ObservedCertificate {
    /// The same certificate, seen again.
    mutating func merge(_ other: ObservedCertificate) {
        count += other.count
        firstSeen = min(firstSeen, other.firstSeen)
        if der.isEmpty, !other.der.isEmpty {
            der = other.der
            signatureAlgorithm = other.signatureAlgorithm
            keyHash = other.keyHash
        }
        guard other.lastSeen >= lastSeen else { return }
        lastSeen = other.lastSeen
        lastAddress = other.lastAddress
        device = other.device
        profile = other.profile
        if !other.anchor.isEmpty { anchor = other.anchor }
        if let issuerID = other.issuerID { self.issuerID = issuerID }
    }
}
