/// Runs over time, added up: all begin at their first intended start, which parts of one run share.
enum SeriesMerging {
    /// Of the parts' series. Where their intervals differ, the finer ones are brought to the coarsest, which must be a
    /// whole multiple of each.
    ///
    /// - Throws: ``SimulatorError`` `series-mismatch`.
    static func merged(_ parts: [RunReport.Series]) throws(SimulatorError) -> RunReport.Series {
        let filled = parts.filter { !$0.samples.isEmpty }
        guard let interval = filled.map(\.intervalSeconds).max() else { return RunReport.Series() }
        var coarse: [[RunReport.Sample]] = []
        for series in filled {
            coarse.append(try coarsened(series, to: interval))
        }
        let length = coarse.map(\.count).max() ?? 0
        let samples = (0..<length).map { index in
            sum(coarse.compactMap { $0.indices.contains(index) ? $0[index] : nil })
        }
        return RunReport.Series(intervalSeconds: interval, samples: samples)
    }

    private static func coarsened(
        _ series: RunReport.Series, to interval: Double
    ) throws(SimulatorError) -> [RunReport.Sample] {
        let factor = (interval / series.intervalSeconds).rounded()
        guard (factor * series.intervalSeconds - interval).magnitude < interval / 1_000, factor >= 1,
            let width = Int(exactly: factor)
        else {
            throw .file(
                "series-mismatch",
                "the parts were sampled every \(PlotUnit.short(series.intervalSeconds)) s and every "
                    + "\(PlotUnit.short(interval)) s, which cannot be brought together")
        }
        guard width > 1 else { return series.samples }
        return stride(from: 0, to: series.samples.count, by: width).map { start in
            following(Array(series.samples[start..<min(series.samples.count, start + width)]))
        }
    }

    /// One interval of several that follow each other.
    static func following(_ samples: [RunReport.Sample]) -> RunReport.Sample {
        var sample = added(samples)
        sample.connected = samples.last?.connected ?? 0
        sample.generatorBusy = mean(samples.map(\.generatorBusy)) ?? 0
        sample.serverProcessors = mean(samples.compactMap(\.serverProcessors))
        sample.serverResidentBytes = samples.last(where: { $0.serverResidentBytes != nil })?.serverResidentBytes
        return sample
    }

    /// One interval of several parts.
    private static func sum(_ samples: [RunReport.Sample]) -> RunReport.Sample {
        var sample = added(samples)
        sample.connected = samples.reduce(0) { $0 &+ $1.connected }
        sample.generatorBusy = samples.map(\.generatorBusy).max() ?? 0
        // Each part that measured the target measured the same processes.
        sample.serverProcessors = samples.compactMap(\.serverProcessors).max()
        sample.serverResidentBytes = samples.compactMap(\.serverResidentBytes).max()
        return sample
    }

    private static func added(_ samples: [RunReport.Sample]) -> RunReport.Sample {
        var sum = RunReport.Sample()
        for sample in samples {
            sum.attempts &+= sample.attempts
            sum.fullHandshakes &+= sample.fullHandshakes
            sum.resumedHandshakes &+= sample.resumedHandshakes
            sum.connects &+= sample.connects
            sum.failures.merge(sample.failures, uniquingKeysWith: &+)
            sum.published &+= sample.published
            sum.acknowledged &+= sample.acknowledged
            sum.received &+= sample.received
            sum.loopDelayMax = max(sum.loopDelayMax, sample.loopDelayMax)
        }
        sum.latency = LatencyMerging.merged(samples.map(\.latency), .hundredth)
        return sum
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
