import Metrics

/// Every metric of revocation lists with its help text, for the exposition.
enum RevocationMetricDescriptions {
    static let all: [(name: String, help: String)] = [
        (
            "fleetgate_crl_next_update_seconds",
            "When the CA's list is out of date, in seconds since 1970, by authority; 0 when it does not say."
        ),
        ("fleetgate_crl_age_seconds", "How long ago the CA made its list, by authority."),
        ("fleetgate_crl_entries", "Certificates on the CA's list, by authority."),
        (
            "fleetgate_crl_alarm",
            "1 when the CA's list is required and missing, out of date, or nearly so, by authority; else 0."
        ),
        ("fleetgate_crl_refreshes_total", "Requests for lists and readings of files, by outcome."),
        ("fleetgate_crl_refused_total", "Lists that were not taken, by reason."),
        ("fleetgate_local_revocations", "Certificates that the operator has revoked here."),
    ]
}

/// The metrics of revocation lists. The label `authority` has a value for each CA that is known, which is bounded; a CA
/// that is not known any more has no series. Not for several threads: the store's actor keeps it.
struct RevocationMetrics {
    /// What became of a request or a reading.
    enum Outcome: String, CaseIterable {
        case updated, unchanged, refused, failed
    }

    /// What a list's gauges show.
    struct Values {
        var nextUpdate: Int64
        var age: Int64
        var entries: Int
        var isAlarm: Bool
    }

    private struct Gauges {
        let nextUpdate: Meter
        let age: Meter
        let entries: Meter
        let alarm: Meter

        init(_ authority: String) {
            let dimensions = [("authority", authority)]
            nextUpdate = Meter(label: "fleetgate_crl_next_update_seconds", dimensions: dimensions)
            age = Meter(label: "fleetgate_crl_age_seconds", dimensions: dimensions)
            entries = Meter(label: "fleetgate_crl_entries", dimensions: dimensions)
            alarm = Meter(label: "fleetgate_crl_alarm", dimensions: dimensions)
        }

        func destroy() {
            for meter in [nextUpdate, age, entries, alarm] { meter.destroy() }
        }
    }

    private var gauges: [String: Gauges] = [:]
    private var refreshes: [Outcome: Counter] = [:]
    private var refusals: [String: Counter] = [:]
    private let locals = Meter(label: "fleetgate_local_revocations")

    mutating func show(_ values: [String: Values]) {
        for (authority, gauges) in gauges where values[authority] == nil {
            gauges.destroy()
            self.gauges[authority] = nil
        }
        for (authority, values) in values {
            let gauges = self.gauges[authority] ?? Gauges(authority)
            self.gauges[authority] = gauges
            gauges.nextUpdate.set(values.nextUpdate)
            gauges.age.set(values.age)
            gauges.entries.set(values.entries)
            gauges.alarm.set(values.isAlarm ? 1 : 0)
        }
    }

    mutating func refreshed(_ outcome: Outcome) {
        let counter =
            refreshes[outcome]
            ?? Counter(label: "fleetgate_crl_refreshes_total", dimensions: [("outcome", outcome.rawValue)])
        refreshes[outcome] = counter
        counter.increment()
    }

    /// - Parameter reason: A code of ours.
    mutating func refused(_ reason: String) {
        let counter =
            refusals[reason] ?? Counter(label: "fleetgate_crl_refused_total", dimensions: [("reason", reason)])
        refusals[reason] = counter
        counter.increment()
    }

    func show(localRevocations count: Int) { locals.set(count) }
}
