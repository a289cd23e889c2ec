extension RunReport {
    /// The report of a whole run, from those of its shards.
    ///
    /// Counts and series are added, percentiles are those of the added histograms, assertions are judged again over the
    /// whole. See ``MilestoneMerging`` for how exact milestones are.
    ///
    /// - Parameter parts: In any order, each checked by ``JSONReport/read(_:)``.
    /// - Throws: ``SimulatorError`` of the file if they are not all the parts of one run.
    static func merged(_ parts: [RunReport]) throws(SimulatorError) -> RunReport {
        let parts = try ShardSet.ordered(parts)
        guard let first = parts.first else {
            throw .options("too-few-parts", "there is nothing to merge; name the reports of all parts of a run")
        }
        var whole = first
        whole.startedAt = parts.map(\.startedAt).min() ?? first.startedAt
        whole.durationSeconds = parts.map(\.durationSeconds).max() ?? 0
        whole.parameters.shard = nil
        whole.parameters.loops = parts.reduce(0) { $0 &+ $1.parameters.loops }
        whole.parameters.ratePerSecond = sum(parts.map(\.parameters.ratePerSecond))
        whole.parameters.concurrency = sum(parts.map { $0.parameters.concurrency.map { Double($0) } }).map(
            LatencyText.whole)
        whole.devices = Devices(
            planned: parts.reduce(0) { $0 &+ $1.devices.planned },
            attempted: parts.reduce(0) { $0 &+ $1.devices.attempted },
            connected: parts.reduce(0) { $0 &+ $1.devices.connected })
        whole.fleets = try fleets(parts)
        whole.handshakes = FiguresMerging.merged(parts.map(\.handshakes))
        whole.connack = FiguresMerging.merged(parts.map(\.connack))
        whole.latency = LatencyMerging.merged(parts.map(\.latency))
        whole.publishing = Publishing(parts.map(\.publishing))
        whole.commands = Commands(
            sent: parts.reduce(0) { $0 &+ $1.commands.sent },
            answered: parts.reduce(0) { $0 &+ $1.commands.answered },
            unanswered: parts.reduce(0) { $0 &+ $1.commands.unanswered })
        whole.failures = FiguresMerging.merged(parts.map(\.failures))
        whole.series = try SeriesMerging.merged(parts.map(\.series))
        whole.stages = try stages(parts, whole)
        whole.milestones = MilestoneMerging.merged(
            parts.map(\.milestones), devices: whole.expectedDevices, series: whole.series, from: 0,
            to: whole.durationSeconds)
        whole.generator = Generator(parts)
        whole.servers = servers(parts, whole)
        whole.assertions = try first.assertions.map { result throws(SimulatorError) in
            try AssertionMerging.judged(result, in: whole)
        }
        whole.verdict = VerdictMerging.merged(parts, whole)
        return whole
    }

    private static func sum(_ values: [Double?]) -> Double? {
        let present = values.compactMap(\.self)
        return present.isEmpty ? nil : present.reduce(0, +)
    }

    /// Those that are to be accepted, which milestones are about.
    var expectedDevices: Int {
        fleets.reduce(0) { $0 &+ ($1.expectation.map { $0.outcome == "accepted" } ?? true ? $1.devices : 0) }
    }

    /// A part may have no device of a small fleet, but it knows the fleet.
    private static func fleets(_ parts: [RunReport]) throws(SimulatorError) -> [Fleet] {
        guard let first = parts.first else { return [] }
        let names = first.fleets.map(\.name)
        guard parts.allSatisfy({ $0.fleets.map(\.name) == names }), Set(names).count == names.count else {
            throw .file("other-run", "the parts have different fleets, so they are not of one run")
        }
        return first.fleets.map { fleet in
            FiguresMerging.merged(fleet, parts.compactMap { part in part.fleets.first { $0.name == fleet.name } })
        }
    }

    private static func stages(_ parts: [RunReport], _ whole: RunReport) throws(SimulatorError) -> [Stage] {
        guard let first = parts.first else { return [] }
        let names = first.stages.map(\.name)
        guard parts.allSatisfy({ $0.stages.map(\.name) == names }) else {
            throw .file(
                "other-run", "the parts have different stages, so they are not of one run, or one was interrupted")
        }
        return first.stages.enumerated().map { index, stage in
            let same = parts.compactMap { $0.stages.indices.contains(index) ? $0.stages[index] : nil }
            var sum = stage
            sum.startSeconds = same.map(\.startSeconds).min() ?? stage.startSeconds
            sum.endSeconds = same.map(\.endSeconds).max() ?? stage.endSeconds
            sum.latency = LatencyMerging.merged(same.map(\.latency))
            sum.handshakes = FiguresMerging.merged(same.map(\.handshakes))
            sum.failures = FiguresMerging.merged(same.map(\.failures))
            sum.milestones = MilestoneMerging.merged(
                same.map(\.milestones), devices: whole.expectedDevices, series: whole.series, from: sum.startSeconds,
                to: sum.endSeconds)
            let fleetNames = Set(same.flatMap(\.fleets.keys))
            sum.fleets = Dictionary(
                uniqueKeysWithValues: fleetNames.map { name in
                    (name, FiguresMerging.merged(same.compactMap { $0.fleets[name] }))
                })
            return sum
        }
    }

    /// Several parts that name the same process measured the same processor time: it counts once.
    private static func servers(_ parts: [RunReport], _ whole: RunReport) -> [Server] {
        let mostConnected = whole.series.samples.map(\.connected).max() ?? 0
        var order: [Int32] = []
        var byProcess: [Int32: [Server]] = [:]
        for server in parts.flatMap(\.servers) {
            if byProcess[server.processID] == nil { order.append(server.processID) }
            byProcess[server.processID, default: []].append(server)
        }
        return order.map { processID in
            let same = byProcess[processID] ?? []
            var server = Server(processID: processID)
            server.processorSeconds = same.compactMap(\.processorSeconds).max()
            if let seconds = server.processorSeconds, seconds > 0 {
                server.connectsPerProcessorSecond = Double(whole.handshakes.connects) / seconds
                server.handshakesPerProcessorSecond = Double(whole.handshakes.completed) / seconds
            }
            server.residentBytesAtStart = same.compactMap(\.residentBytesAtStart).min()
            server.residentBytesMax = same.compactMap(\.residentBytesMax).max()
            if same.contains(where: { $0.residentBytesPerDevice != nil }), mostConnected > 0,
                let start = server.residentBytesAtStart, let most = server.residentBytesMax
            {
                server.residentBytesPerDevice = (Double(most) - Double(start)) / Double(mostConnected)
            }
            return server
        }
    }
}

extension RunReport.Publishing {
    fileprivate init(_ parts: [RunReport.Publishing]) {
        self.init(published: 0, acknowledged: 0, lost: 0, skipped: 0)
        for part in parts {
            published &+= part.published
            acknowledged &+= part.acknowledged
            lost &+= part.lost
            skipped &+= part.skipped
            received &+= part.received
            receivedBytes &+= part.receivedBytes
        }
    }
}

extension RunReport.Generator {
    /// Of all parts: the busiest loop is the busiest of any.
    fileprivate init(_ parts: [RunReport]) {
        let generators = parts.map(\.generator)
        let measured = parts.filter { $0.generator.residentBytesPerDevice != nil && $0.devices.connected > 0 }
        let weight = measured.reduce(0.0) { $0 + Double($1.devices.connected) }
        let bytes = measured.reduce(0.0) {
            $0 + ($1.generator.residentBytesPerDevice ?? 0) * Double($1.devices.connected)
        }
        self.init(
            processorSeconds: generators.reduce(0) { $0 + $1.processorSeconds },
            loopBusyShareMax: generators.map(\.loopBusyShareMax).max() ?? 0,
            loopDelay: LatencyMerging.merged(generators.map(\.loopDelay), .thousandth),
            startDelay: LatencyMerging.merged(generators.map(\.startDelay), .thousandth),
            residentBytesPerDevice: weight > 0 ? bytes / weight : nil,
            limits: parts.flatMap { part in
                part.generator.limits.map { "part \(part.parameters.shard ?? ""): \($0)" }
            })
    }
}
