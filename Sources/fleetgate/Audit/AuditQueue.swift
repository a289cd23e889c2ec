import Foundation
import Gateway
import Synchronization

/// What waits to be written, in bounded number, and whether devices may come in meanwhile. Any thread.
final class AuditQueue: Sendable {
    /// Entries that are gone for good because there was no room for them.
    struct Lost: Sendable, Hashable {
        var count: Int
        /// When the first and the last of them happened, in milliseconds since 1970.
        let since: Int64
        var until: Int64
    }

    /// What is to be written next.
    struct Batch: Sendable {
        var entries: [AuditEntry]
        let isStopping: Bool
    }

    private struct State {
        var entries: [AuditEntry] = []
        var sums = AuditSums()
        var lost: Lost?
        /// There was no room; true until the queue has emptied to its low mark.
        var isOverflowing = false
        /// From the beginning: what cannot be written down yet is not let in.
        var isDiskFailing = true
        var isStopping = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let stopped = DispatchSemaphore(value: 0)
    private let gate: AdmissionGate
    private let whenFull: AuditSettings.WhenFull
    private let entriesMax: Int
    private let entriesLow: Int

    init(
        gate: AdmissionGate, whenFull: AuditSettings.WhenFull, entriesMax: Int = AuditLimits.queueEntries,
        entriesLow: Int = AuditLimits.queueEntriesLow
    ) {
        self.gate = gate
        self.whenFull = whenFull
        self.entriesMax = entriesMax
        self.entriesLow = entriesLow
        state.withLock { settleGate($0) }
    }

    /// Entries that wait.
    var count: Int { state.withLock { $0.entries.count } }

    /// Takes entries, each or its share of a sum. Never waits for the disk.
    ///
    /// - Returns: How many entries were lost, because there was no room.
    func append(_ entries: [AuditEntry]) -> Int {
        let (lost, isFirst) = state.withLock { state in
            let wasEmpty = state.entries.isEmpty
            let lost = entries.count { !take($0, &state) }
            return (lost, wasEmpty && !state.entries.isEmpty)
        }
        if isFirst { wake.signal() }
        return lost
    }

    /// False when there is no room.
    private func take(_ entry: AuditEntry, _ state: inout State) -> Bool {
        guard state.sums.admits(entry) else { return true }
        guard state.entries.count < entriesMax else {
            var lost = state.lost ?? Lost(count: 0, since: entry.milliseconds, until: entry.milliseconds)
            lost.count += 1
            lost.until = entry.milliseconds
            state.lost = lost
            state.isOverflowing = true
            settleGate(state)
            return false
        }
        state.entries.append(entry)
        return true
    }

    /// Entries that were lost before they came here.
    ///
    /// - Parameters: Milliseconds since 1970 between which it was.
    func lose(_ count: Int, since: Int64, until: Int64) {
        state.withLock { state in
            var lost = state.lost ?? Lost(count: 0, since: since, until: until)
            lost.count += count
            lost.until = max(lost.until, until)
            state.lost = lost
        }
    }

    /// What is to be written next; waits for something, though not longer than so many milliseconds. One thread only.
    func take(waiting milliseconds: Int, now: () -> Int64) -> Batch {
        let isEmpty = state.withLock { $0.entries.isEmpty && !$0.isStopping }
        if isEmpty { _ = wake.wait(timeout: .now() + .milliseconds(milliseconds)) }
        let now = now()
        return state.withLock { state in
            var entries = Array(state.entries.prefix(AuditLimits.batchEntries))
            state.entries.removeFirst(entries.count)
            if state.entries.count <= entriesLow { state.isOverflowing = false }
            let isLast = state.isStopping && state.entries.isEmpty
            entries += state.sums.flush(now: now, all: isLast)
            if state.entries.isEmpty, let lost = state.lost {
                entries.append(
                    AuditEntry(
                        .lost, at: now,
                        [.number(.count, lost.count), .time(.since, lost.since), .time(.until, lost.until)]))
                state.lost = nil
            }
            settleGate(state)
            return Batch(entries: entries, isStopping: isLast)
        }
    }

    /// The writer says whether the disk takes lines.
    func diskIsFailing(_ isFailing: Bool) {
        state.withLock { state in
            state.isDiskFailing = isFailing
            settleGate(state)
        }
    }

    /// Has the writer end when nothing waits any more.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
        stopped.signal()
    }

    /// Whether the writer is to end.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Waits so many milliseconds, or until the stop.
    func pause(_ milliseconds: Int) {
        guard !isStopping else { return }
        _ = stopped.wait(timeout: .now() + .milliseconds(milliseconds))
    }

    /// Under the lock, so that of two changes at once the later one counts.
    private func settleGate(_ state: borrowing State) {
        guard whenFull == .refuse else { return }
        if state.isOverflowing || state.isDiskFailing { gate.close() } else { gate.open() }
    }
}

/// Sums up what comes in floods, so that nobody can fill the disk by being refused.
struct AuditSums: Sendable {
    private struct Sum {
        var count: Int
        let since: Int64
        var until: Int64
    }

    private var sums: [AuditSum: Sum] = [:]
    /// The minute that is summed up, since 1970.
    private var minute: Int64 = 0
    private var refusals = 0
    /// Connections whose beginning was written, at 8 bytes each.
    private var begun: Set<UInt64> = []
    /// More than one machine carries: events that sessions ended may have been lost. The end of one beyond it is written
    /// as a refusal is.
    private static let begunMax = 1_000_000

    /// Whether the entry is to be written by itself; if not it has been added to its sum.
    mutating func admits(_ entry: AuditEntry) -> Bool {
        switch entry.volume {
        case .each: return true
        case .begins(let connection):
            if begun.count < Self.begunMax { begun.insert(connection) }
            return true
        case .ends(let connection, let sum):
            return begun.remove(connection) != nil || hasRoom(entry, sum)
        case .limited(let sum): return hasRoom(entry, sum)
        case .summed(let sum, let count):
            add(sum, count, at: entry.milliseconds)
            return false
        }
    }

    private mutating func hasRoom(_ entry: AuditEntry, _ sum: AuditSum) -> Bool {
        let now = entry.milliseconds / 60_000
        if now != minute {
            minute = now
            refusals = 0
        }
        guard refusals < AuditLimits.refusalsPerMinute else {
            add(sum, 1, at: entry.milliseconds)
            return false
        }
        refusals += 1
        return true
    }

    private mutating func add(_ sum: AuditSum, _ count: Int, at now: Int64) {
        let key = sums[sum] != nil || sums.count < AuditLimits.sumsMax ? sum : sum.other
        let (total, overflow) = (sums[key]?.count ?? 0).addingReportingOverflow(count)
        sums[key] = Sum(count: overflow ? .max : total, since: sums[key]?.since ?? now, until: now)
    }

    /// The sums as entries, once in a minute, or all at once; they begin anew then.
    mutating func flush(now: Int64, all: Bool) -> [AuditEntry] {
        guard let oldest = sums.values.map(\.since).min() else { return [] }
        let isDue = all || now / 60_000 != oldest / 60_000
        guard isDue else { return [] }
        defer { sums = [:] }
        return sums.sorted { ($0.value.since, $0.key.reason) < ($1.value.since, $1.key.reason) }.map { key, sum in
            AuditEntry(
                .refusals, at: now,
                [
                    .text(.stage, key.stage.rawValue), .text(.reason, key.reason), .text(.fault, key.fault),
                    .text(.device, key.device), .text(.tenant, key.tenant), .text(.listener, key.listener),
                    .number(.count, sum.count), .time(.since, sum.since), .time(.until, sum.until),
                ])
        }
    }
}
