import Foundation
import Gateway
import Logging
import ServiceLifecycle

/// The audit log of a running gateway: takes entries from any thread and writes them on one of its own.
///
/// What was written has reached the disk after ``AuditLimits/syncSeconds`` at the latest, and at every checkpoint. While
/// nothing can be written, up to ``AuditLimits/queueEntries`` entries wait; with `refuse` the gate is closed from the
/// first failure on until lines are written again.
///
/// To be started before the gateway, and so ended after it and after everything that appends.
final class AuditLog: Service {
    private let queue: AuditQueue
    private let writer: WriterThread
    private let metrics: AuditMetrics

    /// Opens the log's folder; the first line is written when the service runs.
    ///
    /// - Parameter gate: Closed from now on until that line is written, where the settings say `refuse`.
    /// - Throws: ``AuditError`` when the folder, its lock or the signing key cannot be had, or the log's end is damaged.
    convenience init(settings: AuditSettings, gate: AdmissionGate, logger: Logger) throws(AuditError) {
        try self.init(settings: settings, gate: gate, logger: logger, storage: { AuditDisk() })
    }

    /// - Parameters:
    ///   - storage: Makes what the writer writes with.
    ///   - retryMilliseconds: Between two tries while nothing can be written.
    init(
        settings: AuditSettings, gate: AdmissionGate, logger: Logger, storage: () -> any AuditStorage,
        retryMilliseconds: Int = AuditLimits.retryMilliseconds, queueEntries: Int = AuditLimits.queueEntries,
        now: @escaping @Sendable () -> Int64 = { UTCTime.now }
    ) throws(AuditError) {
        metrics = AuditMetrics()
        queue = AuditQueue(
            gate: gate, whenFull: settings.whenFull, entriesMax: queueEntries, entriesLow: queueEntries / 2)
        writer = WriterThread(
            writer: try AuditWriter(settings, storage: storage(), now: now()), queue: queue, metrics: metrics,
            logger: logger, retryMilliseconds: retryMilliseconds, now: now)
    }

    /// Hands an entry to the writer. Never waits for the disk; an entry for which there is no room is counted.
    func append(_ entry: AuditEntry) { append([entry]) }

    /// The same of several, in their order.
    func append(_ entries: [AuditEntry]) {
        let lost = queue.append(entries)
        if lost > 0 { metrics.lost(lost) }
    }

    /// Hands on what there is to be said, if there is anything.
    func append(_ entry: AuditEntry?) {
        if let entry { append(entry) }
    }

    /// Says in the log that events were lost on their way to it.
    func lose(_ count: Int, since: Date, until: Date) {
        queue.lose(count, since: UTCTime.milliseconds(since), until: UTCTime.milliseconds(until))
        metrics.lost(count)
    }

    /// Entries that wait to be written.
    var waitingCount: Int { queue.count }

    /// Writes until graceful shutdown, then what still waits, and a last checkpoint.
    func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await writer.run()
            } onCancel: {
                queue.stop()
            }
        } onGracefulShutdown: {
            self.queue.stop()
        }
    }
}

/// The thread that writes. It alone touches the writer once it has begun.
private final class WriterThread: @unchecked Sendable {  // the writer is used by the thread alone
    private let writer: AuditWriter
    private let queue: AuditQueue
    private let metrics: AuditMetrics
    private let logger: Logger
    private let retryMilliseconds: Int
    private let now: @Sendable () -> Int64

    init(
        writer: AuditWriter, queue: AuditQueue, metrics: AuditMetrics, logger: Logger, retryMilliseconds: Int,
        now: @escaping @Sendable () -> Int64
    ) {
        self.writer = writer
        self.queue = queue
        self.metrics = metrics
        self.logger = logger
        self.retryMilliseconds = retryMilliseconds
        self.now = now
    }

    func run() async {
        await withCheckedContinuation { continuation in
            let thread = Thread {
                self.write()
                // Not with the thread, which ends some time later: whoever waits for the end may begin a new log.
                self.writer.giveUpLock()
                continuation.resume()
            }
            thread.name = "audit"
            thread.start()
        }
    }

    private func write() {
        var waiting: [AuditEntry] = []
        var isStopping = false
        var failure: AuditError?
        var linesBefore = 0
        while true {
            if waiting.isEmpty, !isStopping {
                // The first line at once: until it is there, the gate may be closed.
                let batch = queue.take(waiting: linesBefore == 0 ? 0 : AuditLimits.tickMilliseconds, now: now)
                waiting = batch.entries
                isStopping = batch.isStopping
            }
            do throws(AuditError) {
                try writer.write(waiting, now: now())
                waiting = []
                try writer.tick(now: now())
                if isStopping { try writer.finish(now: now()) }
                metrics.wrote(
                    lines: writer.linesWritten - linesBefore, sequence: writer.chain.sequence, waiting: queue.count)
                linesBefore = writer.linesWritten
                recovered(&failure)
                if isStopping { return }
            } catch {
                failed(error, &failure)
                if isStopping || queue.isStopping { return gaveUp(waiting) }
                queue.pause(retryMilliseconds)
            }
        }
    }

    private func recovered(_ failure: inout AuditError?) {
        queue.diskIsFailing(false)
        guard failure != nil else { return }
        failure = nil
        logger.log(.notice, "the audit log is written again", fields: [:])
    }

    private func failed(_ error: AuditError, _ failure: inout AuditError?) {
        queue.diskIsFailing(true)
        metrics.failed(error)
        metrics.waiting(queue.count)
        guard failure?.code != error.code else { return }
        failure = error
        logger.log(
            .error, "the audit log cannot be written",
            fields: [.code: "\(error.code.rawValue)", .reason: "\(error.description)"])
    }

    private func gaveUp(_ waiting: [AuditEntry]) {
        let count = waiting.count + queue.count
        metrics.lost(count)
        logger.log(
            .error, "the audit log could not be ended; entries are lost", fields: [.count: "\(count)"])
    }
}
