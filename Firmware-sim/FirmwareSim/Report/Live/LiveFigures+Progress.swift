extension LiveFigures {
    /// What the run tells its observers. Looks up percentiles: not for every poll.
    init(_ progress: LoadRun.Progress) {
        elapsedSeconds = progress.elapsedSeconds
        plannedSeconds = progress.totalSeconds
        stage = Self.stage(progress)
        devices = progress.devices
        connectedNow = progress.connectedNow
        countsConnects = progress.isConnectOnly
        let counters = progress.counters
        attempts = counters.attempts
        handshakes = counters.handshakes
        resumedHandshakes = counters.resumedHandshakes
        connects = counters.connects
        published = counters.published
        acknowledged = counters.acknowledged
        received = counters.received
        failureCount = counters.failures
        failures = progress.failures
        latency = Dictionary(
            uniqueKeysWithValues: progress.latencies.all.map { ($0.kind, Quantiles($0.histogram)) })
    }

    /// Where there is only one stage, its name says nothing.
    fileprivate static func stage(_ progress: LoadRun.Progress) -> String? {
        guard progress.stageCount > 1 else { return nil }
        return progress.isWarmUp ? "\(progress.stage) (warm-up)" : progress.stage
    }
}

extension ProgressDisplay {
    /// What to write now, or nil if what was last written is fresh enough.
    mutating func show(_ progress: LoadRun.Progress) -> String? {
        guard isDue(at: progress.elapsedSeconds, stage: LiveFigures.stage(progress)) else { return nil }
        return show(LiveFigures(progress))
    }
}
