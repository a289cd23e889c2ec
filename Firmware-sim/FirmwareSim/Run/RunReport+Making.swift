import Foundation
import MQTTCodec
import NIOCore

extension RunReport {
    /// - Parameter ownDevices: Those of this process, in the order of the run.
    init(_ measured: LoadRun.Measured, material: RunMaterial, ownDevices: [SimulatedDevice]) {
        let plan = material.plan
        var statistics = LoopStatistics(isWarmUp: material.outline.map(\.isWarmUp), fleets: plan.fleets.count)
        var histories: [Int: DeviceHistory] = [:]
        for outcome in measured.outcomes {
            statistics.merge(outcome.statistics)
            for (index, history) in outcome.histories { histories[index] = history }
        }
        let figures = statistics.figures()
        let counters = figures.counters
        let measuredStart = measured.epoch + material.measuredFrom
        var members = [[DeviceHistory]](repeating: [], count: plan.fleets.count)
        for device in ownDevices where members.indices.contains(device.fleetIndex) {
            members[device.fleetIndex].append(histories[device.index] ?? DeviceHistory())
        }
        let all = members.flatMap(\.self)

        self.startedAt = measured.startedAt.formatted(.iso8601)
        self.durationSeconds = Self.seconds(measured.end - measured.epoch)
        self.parameters = Parameters(plan)
        self.devices = Devices(
            planned: all.count, attempted: all.count { $0.attempts > 0 }, connected: all.count { $0.connects > 0 })
        self.fleets = plan.fleets.indices.map { place in
            Fleet(
                plan.fleets[place], devices: members[place], figures: statistics.figures(fleet: place),
                start: measuredStart, judges: plan.mode == .scenario)
        }
        self.handshakes = Handshakes(figures, since: measuredStart)
        self.connack = figures.connacks
        self.latency = Self.latencies(statistics.latencies)
        self.publishing = Publishing(
            published: counters.published, acknowledged: counters.acknowledged, lost: counters.publishesLost,
            skipped: counters.publishesSkipped, received: counters.received, receivedBytes: counters.receivedBytes)
        self.commands = Commands(
            sent: counters.commandsSent, answered: counters.commandsAnswered, unanswered: counters.commandsUnanswered)
        self.failures = Failure.sum(
            plan.fleets.indices.map { Failure.all(statistics.figures(fleet: $0).failures, of: plan.fleets[$0]) })
        self.generator = Generator(
            statistics, loops: measured.outcomes.map(\.statistics), outline: material.outline,
            processes: measured.processes)
        self.servers = measured.processes.servers.map {
            Server($0, in: measured.processes, counters: statistics.counters)
        }
        self.verdict = Verdict(passed: true, shortcomings: [])
        let planned = members.map(\.count)
        self.stages = Self.stages(statistics, material: material, measured: measured, members: planned)
        if plan.mode.speaksMQTT {
            let expected = material.outline.reduce(into: Set<Int>()) { $0.formUnion($1.powered) }
            self.milestones = statistics.firstConnects.milestones(
                of: Self.expectedToConnect(expected, in: plan, members: planned))
        }
        self.series = Series(measured)
        judge(plan, all: all)
    }

    static func seconds(_ time: TimeAmount) -> Double { max(0, Double(time.nanoseconds) / 1e9) }

    static func latencies(_ set: LatencySet) -> [String: Latency] {
        Dictionary(uniqueKeysWithValues: set.all.map { ($0.kind.rawValue, Latency($0.histogram)) })
    }

    /// Devices of those fleets that are to get in.
    private static func expectedToConnect(_ fleets: Set<Int>, in plan: RunPlan, members: [Int]) -> Int {
        fleets.reduce(0) { $0 + (plan.fleets[$1].expectation == .accepted ? members[$1] : 0) }
    }

    /// Those that began before the end.
    private static func stages(
        _ statistics: LoopStatistics, material: RunMaterial, measured: LoadRun.Measured, members: [Int]
    ) -> [Stage] {
        let plan = material.plan
        let total = measured.end - measured.epoch
        return zip(material.outline, statistics.stages).compactMap { outline, stage in
            guard outline.start <= total else { return nil }
            let end = plan.mode == .scenario ? min(total, outline.start + outline.duration) : total
            let start = measured.epoch + outline.start
            let figures = stage.figures()
            let expected = expectedToConnect(
                outline.powered.subtracting(outline.withoutLink), in: plan, members: members)
            var fleets: [String: FleetFigures] = [:]
            var failures: [[Failure]] = []
            for (fleet, theirs) in zip(plan.fleets, stage.fleets) where !theirs.isEmpty {
                let list = Failure.all(theirs.failures, of: fleet)
                failures.append(list)
                fleets[fleet.name] = FleetFigures(
                    latency: latencies(theirs.latencies), handshakes: Handshakes(theirs, since: start), failures: list)
            }
            return Stage(
                name: outline.name, startSeconds: seconds(outline.start), endSeconds: seconds(end),
                isWarmUp: outline.isWarmUp, latency: latencies(figures.latencies),
                handshakes: Handshakes(figures, since: start),
                milestones: plan.mode.speaksMQTT ? stage.firstConnects.milestones(of: expected) : [],
                failures: Failure.sum(failures), fleets: fleets)
        }
    }
}

extension RunReport.Parameters {
    init(_ plan: RunPlan) {
        target = "\(plan.target.host):\(plan.target.port)"
        tls = plan.tls.rawValue
        mqtt =
            switch plan.mqtt {
            case .v3_1_1: "3.1.1"
            case .v5: "5"
            }
        mode = plan.mode.name
        scenario = plan.scenario?.name
        scale = plan.scenario?.scale
        timeScale = plan.scenario?.timeScale
        shard = plan.shard?.description
        switch plan.resumption {
        case .byClass: resumeShare = nil
        case .never: resumeShare = 0
        case .always: resumeShare = 1
        case .share(let share): resumeShare = share
        }
        if plan.mode != .scenario {
            switch plan.pace {
            case .rate(let perSecond, let kind):
                ratePerSecond = perSecond
                arrivals = kind.rawValue
            case .inFlight(let limit):
                concurrency = limit
            }
        }
        let policies = plan.fleets.map { plan.settings(for: $0).firmware.backoff.text }
        reconnect = Set(policies).count == 1 ? policies.first ?? "" : "by firmware"
        loops = plan.loops
        seed = plan.seed
    }
}

extension RunPlan.Mode {
    /// As in ``RunReport/Parameters/mode``.
    var name: String {
        switch self {
        case .stay: "stay"
        case .connectOnly: "connect-only"
        case .handshakeOnly: "handshake"
        case .scenario: "scenario"
        }
    }

    /// Whether devices get as far as CONNACK.
    var speaksMQTT: Bool {
        switch self {
        case .stay, .connectOnly, .scenario: true
        case .handshakeOnly: false
        }
    }
}

extension RunReport.Series {
    init(_ measured: LoadRun.Measured) {
        let parts = measured.outcomes.map(\.samples)
        let intervals = parts.map(\.intervalsPerSample).max() ?? 1
        intervalSeconds = RunReport.seconds(SimulatorLimits.sampleInterval) * Double(intervals)
        let servers = measured.processes.samples
        let count = parts.map(\.samples.count).max() ?? 0
        samples = (0..<count).compactMap { index in
            let here = parts.compactMap { $0.samples.indices.contains(index) ? $0.samples[index] : nil }
            guard var sum = here.first else { return nil }
            for part in here.dropFirst() { sum.merge(part) }
            // Both are halved at the same number of samples; where one is ahead, the rest has no server's figures.
            let isAligned = servers.intervalsPerSample == intervals && servers.samples.indices.contains(index)
            return RunReport.Sample(sum, server: isAligned ? servers.samples[index] : nil)
        }
    }
}

extension RunReport.Sample {
    init(_ sample: LoopSample, server: ProcessWatch.Sample?) {
        let counters = sample.counters
        connected = sample.connected
        attempts = counters.attempts
        fullHandshakes = counters.fullHandshakes
        resumedHandshakes = counters.resumedHandshakes
        connects = counters.connects
        failures = Dictionary(
            sample.failures.map { ("\($0.key.phase.rawValue)/\($0.key.code)", $0.value) }, uniquingKeysWith: +)
        published = counters.published
        acknowledged = counters.acknowledged
        received = counters.received
        for (kind, digest) in sample.latencies {
            var histogram = LatencyHistogram(.hundredth)
            histogram.merge(digest)
            latency[kind.rawValue] = RunReport.Latency(histogram)
        }
        generatorBusy = sample.busyShare
        loopDelayMax = sample.loopDelayMax
        if let server {
            serverProcessors = server.processorSeconds.flatMap {
                server.wallSeconds > 0 ? $0 / server.wallSeconds : nil
            }
            serverResidentBytes = server.residentBytes
        }
    }
}

extension RunReport.Server {
    init(_ server: ProcessWatch.Server, in watch: ProcessWatch, counters: RunCounters) {
        let seconds = server.processorSeconds
        processID = server.processID
        processorSeconds = seconds
        connectsPerProcessorSecond = seconds.flatMap { $0 > 0 ? Double(counters.connects) / $0 : nil }
        handshakesPerProcessorSecond = seconds.flatMap { $0 > 0 ? Double(counters.handshakes) / $0 : nil }
        residentBytesAtStart = server.residentBytesAtStart
        residentBytesMax = server.residentBytesMax
        residentBytesPerDevice = watch.bytesPerDevice(server)
    }
}
