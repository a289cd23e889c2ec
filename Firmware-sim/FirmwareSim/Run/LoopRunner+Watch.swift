import NIOCore

/// The loop watches itself, so that its own limits are not taken for the server's.
extension LoopRunner {
    func probe(expected: NIODeadline) {
        probeDue = expected
        probeTimer = eventLoop.assumeIsolated().scheduleTask(deadline: expected) { [weak self] in
            guard let self else { return }
            let now = NIODeadline.now()
            self.statistics.recordLoopDelay(now - expected)
            // A fixed timetable: one long delay counts once for each probe that fell into it, as it would have held up
            // every device whose time came meanwhile.
            self.probe(expected: expected + SimulatorLimits.loopProbeInterval)
        }
    }

    /// Those that are late because the loop was held up until now.
    func recordOverdueProbes() {
        let now = NIODeadline.now()
        while probeDue <= now {
            statistics.recordLoopDelay(now - probeDue)
            probeDue = probeDue + SimulatorLimits.loopProbeInterval
        }
    }

    /// The processor time since the last call belongs to the present stage and sample.
    func accountProcessorTime() {
        let now = NIODeadline.now()
        let processorSeconds = ProcessClock.threadProcessorSeconds()
        statistics.recordProcessorTime(
            busySeconds: processorSeconds - accountedProcessorSeconds,
            wallSeconds: Double((now - accountedUntil).nanoseconds) / 1e9)
        accountedUntil = now
        accountedProcessorSeconds = processorSeconds
    }

    /// Samples have a fixed timetable too: one that comes late is followed at once by those that should have been.
    func scheduleSample(_ number: Int) {
        let deadline = epoch + .nanoseconds(SimulatorLimits.sampleInterval.nanoseconds &* Int64(number))
        sampleTimer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            if !self.isStopping { self.accountProcessorTime() }
            self.samples.append(self.statistics.takeSample(connectedNow: self.connectedNow))
            self.scheduleSample(number + 1)
        }
    }
}
