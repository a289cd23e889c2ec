import NIOCore

extension RunReport {
    /// Passed only if nothing fell short. In a scenario that is its expectations and assertions, and a failure that is
    /// expected is none; otherwise every device must have connected and every QoS 1 publish been acknowledged.
    mutating func judge(_ plan: RunPlan, all histories: [DeviceHistory]) {
        switch plan.mode {
        case .scenario: verdict.shortcomings = unmetExpectations
        case .stay, .connectOnly, .handshakeOnly:
            verdict.shortcomings = shortcomings(
                histories, what: plan.mode.speaksMQTT ? "connected" : "finished a handshake that the server took")
        }
        assertions = plan.assertions.map { $0.evaluate(in: self) }
        verdict.shortcomings += assertions.filter { !$0.passed }.map { "not so: \($0.text) (\($0.observed))" }
        verdict.isValid = generator.limits.isEmpty
        verdict.passed = plan.allowsFailures || verdict.shortcomings.isEmpty
    }

    /// For each fleet that did not fare as it had to, how it did.
    var unmetExpectations: [String] {
        fleets.compactMap { fleet in
            guard let expectation = fleet.expectation, !expectation.violated.isEmpty else { return nil }
            let count = expectation.violated.values.reduce(0, &+)
            let what = expectation.violated.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            return
                "\(fleet.name): \(count) of \(fleet.devices) devices were not \(expectation.outcome) as they must be: "
                + what
        }
    }

    /// A handshake that is over for the device only is not enough: with TLS 1.3 the server judges after it.
    private func shortcomings(_ histories: [DeviceHistory], what: String) -> [String] {
        var shortcomings: [String] = []
        let never = histories.count { $0.connects == 0 }
        if never > 0 {
            shortcomings.append("\(never) of \(histories.count) devices never \(what)")
        }
        let lost = histories.reduce(0) { $0 + $1.unacknowledged }
        if lost > 0 {
            shortcomings.append("\(lost) QoS 1 publishes were not acknowledged")
        }
        let refused = histories.reduce(0) { $0 + $1.refusedPublishes }
        if refused > 0 {
            shortcomings.append("\(refused) QoS 1 publishes were refused")
        }
        return shortcomings
    }
}

extension RunReport.Generator {
    /// - Parameters:
    ///   - statistics: Of all loops together.
    ///   - loops: Of each.
    init(_ statistics: LoopStatistics, loops: [LoopStatistics], outline: [StageOutline], processes: ProcessWatch) {
        processorSeconds = processes.ownProcessorSeconds
        loopBusyShareMax = loops.map(\.busyShare).max() ?? 0
        loopDelay = RunReport.Latency(statistics.loopDelays)
        startDelay = RunReport.Latency(statistics.startDelays)
        residentBytesPerDevice = processes.ownBytesPerDevice
        limits = Self.limits(
            where: "", busyShare: loopBusyShareMax, loopDelay: loopDelay.p99, startDelay: startDelay.p99)
        guard outline.count > 1 else { return }
        for (stage, figures) in zip(outline, statistics.stages) where !stage.isWarmUp {
            guard figures.wallSeconds >= SimulatorLimits.judgedStageSecondsMin else { continue }
            limits += Self.limits(
                where: "in stage \(stage.name) ", busyShare: figures.busyShare,
                loopDelay: figures.loopDelays.percentile(99), startDelay: figures.startDelays.percentile(99))
        }
    }

    private static func limits(
        where place: String, busyShare: Double, loopDelay: UInt64, startDelay: UInt64
    ) -> [String] {
        var limits: [String] = []
        if busyShare > SimulatorLimits.loopBusyShareMax {
            limits.append("\(place)an event loop was busy \(Int((busyShare * 100).rounded())) % of the time")
        }
        if loopDelay > SimulatorLimits.loopDelayMicrosecondsMax {
            limits.append("\(place)event-loop delay p99 was \(LatencyText.render(microseconds: loopDelay))")
        }
        if startDelay > SimulatorLimits.loopDelayMicrosecondsMax {
            limits.append("\(place)devices were started late, p99 \(LatencyText.render(microseconds: startDelay))")
        }
        return limits
    }
}
