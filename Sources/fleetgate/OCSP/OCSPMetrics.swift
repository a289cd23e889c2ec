import Metrics

/// Every metric of OCSP with its help text, for the exposition.
enum OCSPMetricDescriptions {
    static let all: [(name: String, help: String)] = [
        ("fleetgate_ocsp_total", "Devices judged by OCSP before their CONNACK, by outcome."),
        ("fleetgate_ocsp_rechecks_total", "Certificates of live sessions asked about again, by outcome."),
        ("fleetgate_ocsp_requests_total", "Requests to OCSP responders, by outcome and reason."),
        ("fleetgate_ocsp_request_seconds", "From a request to an OCSP responder to its checked answer."),
        ("fleetgate_ocsp_cache_hits_total", "Questions answered from the cache."),
        ("fleetgate_ocsp_cache_entries", "Answers in the cache."),
        ("fleetgate_ocsp_responders_broken", "OCSP responders that are not asked for a while after failures."),
        (
            "fleetgate_ocsp_findings_dropped_total",
            "Revocations found that could not be handed on; they are found again."
        ),
    ]
}

/// The metrics of OCSP: names, labels and meanings, in one place. Labels are ours alone, never anything that a peer or
/// a responder chose.
struct OCSPMetrics: Sendable {
    /// What became of a device.
    enum Verdict: String, Sendable, CaseIterable {
        case good, revoked, unknown
        case unavailableLetIn = "unavailable-let-in"
        case unavailableRefused = "unavailable-refused"
    }

    private let verdicts = Dictionary(
        uniqueKeysWithValues: Verdict.allCases.map {
            ($0, Counter(label: "fleetgate_ocsp_total", dimensions: [("outcome", $0.rawValue)]))
        })
    private let duration = Timer(label: "fleetgate_ocsp_request_seconds")
    private let hits = Counter(label: "fleetgate_ocsp_cache_hits_total")
    private let entries = Gauge(label: "fleetgate_ocsp_cache_entries")
    private let broken = Gauge(label: "fleetgate_ocsp_responders_broken")
    private let dropped = Counter(label: "fleetgate_ocsp_findings_dropped_total")

    func judged(_ verdict: Verdict) { verdicts[verdict]?.increment() }

    func rechecked(_ standing: OCSPStanding) {
        let outcome =
            switch standing {
            case .good: "good"
            case .revoked: "revoked"
            case .unknown: "unknown"
            case .unavailable: "unavailable"
            }
        Counter(label: "fleetgate_ocsp_rechecks_total", dimensions: [("outcome", outcome)]).increment()
    }

    /// - Parameter failure: A code of `OCSPExchange.Failure`; nil: there was an answer.
    func requested(_ time: Duration, failure: String?) {
        let outcome = failure == nil ? "answered" : "failed"
        Counter(
            label: "fleetgate_ocsp_requests_total", dimensions: [("outcome", outcome), ("reason", failure ?? "")]
        ).increment()
        duration.record(duration: time)
    }

    func hit() { hits.increment() }
    func cached(_ count: Int) { entries.record(count) }
    func brokenResponders(_ count: Int) { broken.record(count) }
    func droppedFinding() { dropped.increment() }
}
