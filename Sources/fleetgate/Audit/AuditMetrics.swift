import Metrics
import Synchronization

/// Every metric of the audit log with its help text, for the exposition.
enum AuditMetricDescriptions {
    static let all: [(name: String, help: String)] = [
        ("fleetgate_audit_lines_total", "Lines written into the audit log."),
        ("fleetgate_audit_lost_total", "Entries of the audit log that were lost because its queue was full."),
        ("fleetgate_audit_failures_total", "Tries to write the audit log that failed, by reason."),
        ("fleetgate_audit_failing", "1 while the audit log cannot be written, otherwise 0."),
        ("fleetgate_audit_queue", "Entries of the audit log that wait to be written."),
        ("fleetgate_audit_sequence", "The number of the audit log's last line."),
    ]
}

/// The audit log's metrics. Any thread.
final class AuditMetrics: Sendable {
    private let lines = Counter(label: "fleetgate_audit_lines_total")
    private let lost = Counter(label: "fleetgate_audit_lost_total")
    private let failing = Gauge(label: "fleetgate_audit_failing")
    private let queue = Gauge(label: "fleetgate_audit_queue")
    private let sequence = Gauge(label: "fleetgate_audit_sequence")

    func lost(_ count: Int) { lost.increment(by: count) }

    func failed(_ error: AuditError) {
        // The reasons are few, and failures at most one in a second: kept by the metrics system, not here.
        Counter(label: "fleetgate_audit_failures_total", dimensions: [("reason", error.code.rawValue)]).increment()
        failing.record(1)
    }

    func wrote(lines count: Int, sequence number: Int64, waiting: Int) {
        if count > 0 { lines.increment(by: count) }
        failing.record(0)
        sequence.record(number)
        queue.record(waiting)
    }

    func waiting(_ count: Int) { queue.record(count) }
}
