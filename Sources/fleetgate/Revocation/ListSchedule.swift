import FleetPolicy

/// When a list is asked for, and when its age is an alarm. Values in, values out; times in seconds since
/// 1970-01-01T00:00:00Z.
struct ListSchedule: Sendable, Hashable {
    let refreshLead: Int64
    let refreshInterval: Int64
    let retryInterval: Int64
    let alarmLead: Int64

    init(_ settings: RevocationSettings) {
        refreshLead = settings.refreshLead.components.seconds
        refreshInterval = settings.refreshInterval.components.seconds
        retryInterval = max(1, settings.retryInterval.components.seconds)
        alarmLead = settings.alarmLead.components.seconds
    }

    /// After an answer that was a list in date, or said that there is no other one.
    ///
    /// - Parameters:
    ///   - lists: Of this address: thisUpdate and nextUpdate of each.
    ///   - jitter: From 0 to 1, another one each time.
    func next(
        after now: Int64, _ lists: [(thisUpdate: Int64, nextUpdate: Int64?)], attempts: Int, jitter: Double
    ) -> Int64 {
        var due = Self.sum(now, refreshInterval)
        for list in lists {
            guard let nextUpdate = list.nextUpdate else { continue }
            let life = Self.life(from: list.thisUpdate, to: nextUpdate)
            let lead = min(refreshLead, life / 2)
            due = min(due, Self.sum(nextUpdate, -lead - Int64(Double(lead) / 10 * jitter)))
        }
        // The successor is due and not there yet: a server is not asked faster than after failures.
        return max(due, retry(after: now, failures: max(1, attempts), jitter: jitter))
    }

    /// After a failure: the interval, doubled for each further one, and up to a quarter longer.
    ///
    /// - Parameter failures: In a row, this one included.
    func retry(after now: Int64, failures: Int, jitter: Double) -> Int64 {
        let most = max(retryInterval, RevocationSettings.retryIntervalMax.components.seconds)
        let doubled = retryInterval.multipliedReportingOverflow(by: Int64(1) << Int64(min(max(failures - 1, 0), 20)))
        let wait = doubled.overflow ? most : min(doubled.partialValue, most)
        return Self.sum(now, wait + Int64(Double(wait) / 4 * jitter))
    }

    /// Whether it is time that somebody looks.
    func isAlarm(thisUpdate: Int64, nextUpdate: Int64?, now: Int64) -> Bool {
        guard let nextUpdate else { return false }
        let life = Self.life(from: thisUpdate, to: nextUpdate)
        return now >= Self.sum(nextUpdate, -min(alarmLead, life / 4))
    }

    private static func life(from thisUpdate: Int64, to nextUpdate: Int64) -> Int64 {
        guard nextUpdate > thisUpdate else { return 0 }
        let (life, overflow) = nextUpdate.subtractingReportingOverflow(thisUpdate)
        return overflow ? .max : life
    }

    /// Lists may say any time; what does not fit stays at the end.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right > 0 ? .max : .min) : sum
    }
}
