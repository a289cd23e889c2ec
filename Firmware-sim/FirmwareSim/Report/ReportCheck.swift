/// Whether a report that was read can be one: nothing in it is negative, endless or beyond what a run can hold, so that
/// sums of many of them cannot overflow and a page of them does not grow without bound.
struct ReportCheck {
    private var problems: [String] = []
    private var isFull: Bool { problems.count >= Self.problemsMax }

    /// More mistakes than this are not read by anyone.
    private static let problemsMax = 10
    /// Of a count, a time in microseconds or bytes: 31 years in microseconds, a million times what a week's run comes
    /// to, and far enough from the end of 64 bits that hundreds may be added.
    static let valueMax = 1_000_000_000_000_000

    static func problems(of report: RunReport) -> [String] {
        var check = ReportCheck()
        check.all(report)
        return check.problems
    }

    private mutating func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
        if !holds, !isFull { problems.append(PrintableText.clean(problem())) }
    }

    private mutating func count(_ values: [Int], _ place: @autoclosure () -> String) {
        require(values.allSatisfy { (0...Self.valueMax).contains($0) }, "\(place()) has a count that cannot be")
    }

    private mutating func amount(_ values: [Double?], _ place: @autoclosure () -> String) {
        let range = 0...Double(Self.valueMax)
        require(values.allSatisfy { $0.map(range.contains) ?? true }, "\(place()) has a figure that cannot be")
    }

    private mutating func size(_ count: Int, _ maximum: Int, _ place: @autoclosure () -> String) {
        require(count <= maximum, "\(place()) has \(count) entries, at most \(maximum) are possible")
    }

    private mutating func text(_ values: [String?], _ place: @autoclosure () -> String) {
        let maximum = SimulatorLimits.reportTextBytesMax
        require(
            values.allSatisfy { ($0?.utf8.count ?? 0) <= maximum },
            "\(place()) has a text of more than \(maximum) bytes")
    }

    private mutating func counts(_ values: [String: Int], _ place: @autoclosure () -> String) {
        size(values.count, SimulatorLimits.reportReasonsMax, place())
        count(Array(values.values), place())
        text(Array(values.keys), place())
    }

    private mutating func all(_ report: RunReport) {
        text([report.startedAt], "startedAt")
        amount([report.durationSeconds], "durationSeconds")
        let parameters = report.parameters
        text(
            [
                parameters.target, parameters.tls, parameters.mqtt, parameters.mode, parameters.scenario,
                parameters.shard,
                parameters.arrivals, parameters.reconnect,
            ], "parameters")
        amount(
            [parameters.scale, parameters.timeScale, parameters.resumeShare, parameters.ratePerSecond], "parameters")
        count([parameters.concurrency ?? 0, parameters.loops], "parameters")
        count([report.devices.planned, report.devices.attempted, report.devices.connected], "devices")
        figures(report.latency, report.handshakes, report.failures, "the run")
        counts(report.connack, "connack")
        milestones(report.milestones, "milestones")
        let publishing = report.publishing
        count(
            [
                publishing.published, publishing.acknowledged, publishing.lost, publishing.skipped, publishing.received,
                publishing.receivedBytes,
            ], "publishing")
        count([report.commands.sent, report.commands.answered, report.commands.unanswered], "commands")
        fleets(report.fleets)
        stages(report.stages)
        series(report.series)
        generator(report.generator)
        servers(report.servers)
        size(report.assertions.count, SimulatorLimits.reportReasonsMax, "assertions")
        for assertion in report.assertions { text([assertion.text, assertion.observed], "assertions") }
        size(report.verdict.shortcomings.count, SimulatorLimits.reportReasonsMax, "verdict.shortcomings")
        text(report.verdict.shortcomings, "verdict.shortcomings")
    }

    private mutating func figures(
        _ latency: [String: RunReport.Latency], _ handshakes: RunReport.Handshakes, _ failures: [RunReport.Failure],
        _ place: @autoclosure () -> String
    ) {
        latencies(latency, place())
        let counted = [
            handshakes.attempts, handshakes.abandoned, handshakes.completed, handshakes.resumed, handshakes.connects,
        ]
        count(counted, "\(place()): handshakes")
        require(handshakes.resumed <= handshakes.completed, "\(place()): more handshakes were resumed than completed")
        amount(
            [
                handshakes.perSecond, handshakes.fullPerSecond, handshakes.resumedPerSecond,
                handshakes.connectsPerSecond,
                handshakes.bytesPerFull, handshakes.bytesPerResumed,
            ], "\(place()): handshakes")
        size(failures.count, SimulatorLimits.reportReasonsMax, "\(place()): failures")
        for failure in failures.prefix(SimulatorLimits.reportReasonsMax) {
            count([failure.count, failure.expected], "\(place()): failures")
            require(failure.expected <= failure.count, "\(place()): more failures were expected than there were")
            text([failure.phase, failure.reason], "\(place()): failures")
        }
    }

    private mutating func latencies(_ values: [String: RunReport.Latency], _ place: @autoclosure () -> String) {
        for (kind, value) in values {
            require(LatencyKind(rawValue: kind) != nil, "\(place()): '\(kind)' is no latency")
            latency(value, "\(place()): \(kind)")
        }
    }

    private mutating func latency(_ value: RunReport.Latency, _ place: @autoclosure () -> String) {
        let maximum = UInt64(Self.valueMax)
        size(value.buckets.count, SimulatorLimits.reportBucketsMax, place())
        var before: UInt64?
        var sum: UInt64 = 0
        for bucket in value.buckets.prefix(SimulatorLimits.reportBucketsMax) {
            guard bucket.count == 2, bucket[0] <= maximum, bucket[1] <= maximum, before.map({ $0 < bucket[0] }) ?? true
            else {
                require(false, "\(place()): the buckets are not ascending pairs")
                return
            }
            before = bucket[0]
            sum += bucket[1]
        }
        require(sum == value.count, "\(place()): the buckets do not add up to the count")
        require(
            [value.p50, value.p90, value.p99, value.p999, value.max].allSatisfy { $0 <= maximum },
            "\(place()) has a figure that cannot be")
    }

    private mutating func milestones(_ values: [RunReport.Milestone], _ place: @autoclosure () -> String) {
        size(values.count, SimulatorLimits.reportReasonsMax, place())
        amount(values.flatMap { [$0.share, $0.seconds] }, place())
    }

    private mutating func fleets(_ values: [RunReport.Fleet]) {
        size(values.count, SimulatorLimits.fleetsMax, "fleets")
        for fleet in values.prefix(SimulatorLimits.fleetsMax) {
            text([fleet.name, fleet.deviceClass, fleet.firmware, fleet.credential, fleet.conduct], "fleets")
            count(
                [fleet.devices, fleet.connected, fleet.published, fleet.acknowledged, fleet.received],
                "fleet '\(fleet.name)'")
            counts(fleet.neverConnected, "fleet '\(fleet.name)'")
            figures(fleet.latency, fleet.handshakes, fleet.failures, "fleet '\(fleet.name)'")
            guard let expectation = fleet.expectation else { continue }
            count([expectation.met], "fleet '\(fleet.name)': expectation")
            counts(expectation.violated, "fleet '\(fleet.name)': expectation")
            size(expectation.reasons.count, SimulatorLimits.reportReasonsMax, "fleet '\(fleet.name)': expectation")
            text(expectation.reasons + [expectation.outcome], "fleet '\(fleet.name)': expectation")
        }
    }

    private mutating func stages(_ values: [RunReport.Stage]) {
        size(values.count, SimulatorLimits.reportStagesMax, "stages")
        for stage in values.prefix(SimulatorLimits.reportStagesMax) {
            text([stage.name], "stages")
            amount([stage.startSeconds, stage.endSeconds], "stage '\(stage.name)'")
            figures(stage.latency, stage.handshakes, stage.failures, "stage '\(stage.name)'")
            milestones(stage.milestones, "stage '\(stage.name)': milestones")
            size(stage.fleets.count, SimulatorLimits.fleetsMax, "stage '\(stage.name)'")
            text(Array(stage.fleets.keys), "stage '\(stage.name)'")
            for (name, fleet) in stage.fleets {
                figures(fleet.latency, fleet.handshakes, fleet.failures, "stage '\(stage.name)', fleet '\(name)'")
            }
        }
    }

    private mutating func series(_ series: RunReport.Series) {
        require(
            series.intervalSeconds >= 0.001 && series.intervalSeconds <= SimulatorLimits.durationSecondsMax,
            "series.intervalSeconds is not between a millisecond and a week")
        size(series.samples.count, SimulatorLimits.reportSamplesMax, "series.samples")
        for (index, sample) in series.samples.prefix(SimulatorLimits.reportSamplesMax).enumerated() {
            count(
                [
                    sample.connected, sample.attempts, sample.fullHandshakes, sample.resumedHandshakes, sample.connects,
                    sample.published, sample.acknowledged, sample.received,
                ], "series.samples[\(index)]")
            counts(sample.failures, "series.samples[\(index)]")
            latencies(sample.latency, "series.samples[\(index)]")
            amount(
                [
                    sample.generatorBusy, sample.serverProcessors, Double(sample.loopDelayMax),
                    sample.serverResidentBytes.map { Double($0) },
                ], "series.samples[\(index)]")
        }
    }

    private mutating func generator(_ generator: RunReport.Generator) {
        amount([generator.processorSeconds, generator.loopBusyShareMax, generator.residentBytesPerDevice], "generator")
        latency(generator.loopDelay, "generator.loopDelay")
        latency(generator.startDelay, "generator.startDelay")
        size(generator.limits.count, SimulatorLimits.reportReasonsMax, "generator.limits")
        text(generator.limits, "generator.limits")
    }

    private mutating func servers(_ servers: [RunReport.Server]) {
        size(servers.count, SimulatorLimits.reportReasonsMax, "servers")
        for server in servers.prefix(SimulatorLimits.reportReasonsMax) {
            amount(
                [
                    server.processorSeconds, server.connectsPerProcessorSecond, server.handshakesPerProcessorSecond,
                    server.residentBytesAtStart.map { Double($0) }, server.residentBytesMax.map { Double($0) },
                ], "servers")
            // Memory may have shrunk.
            amount([server.residentBytesPerDevice?.magnitude], "servers")
        }
    }
}
