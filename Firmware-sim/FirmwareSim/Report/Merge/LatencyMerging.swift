/// Histograms that were written into reports, added up again.
///
/// Histograms of the same precision have buckets with the same ends. Only the last bucket of each was cut at its
/// maximum, and is put back on its end here.
enum LatencyMerging {
    /// How finely a histogram tells values apart.
    enum Precision: UInt64, Sendable {
        /// Three significant digits: the first 2,048 buckets are one microsecond wide.
        case thousandth = 10
        /// Two significant digits, as in the samples of a series: the first 256 are.
        case hundredth = 7
    }

    /// The upper end of the bucket that a value falls into. The width doubles whenever the value does.
    static func upperEnd(of value: UInt64, _ precision: Precision) -> UInt64 {
        guard value >= 2 << precision.rawValue else { return value }
        let shift = UInt64(63 - value.leadingZeroBitCount) - precision.rawValue
        return ((value >> shift) << shift) | ((1 << shift) - 1)
    }

    /// Of any number of distributions; the order does not matter.
    static func merged(_ parts: [RunReport.Latency], _ precision: Precision) -> RunReport.Latency {
        var counts: [UInt64: UInt64] = [:]
        var maximum: UInt64 = 0
        for part in parts {
            maximum = max(maximum, part.max)
            for bucket in part.buckets where bucket.count == 2 {
                counts[upperEnd(of: bucket[0], precision), default: 0] &+= bucket[1]
            }
        }
        return RunReport.Latency(counts: counts, max: maximum)
    }

    /// By kind; a kind that any part has is in the sum.
    static func merged(
        _ parts: [[String: RunReport.Latency]], _ precision: Precision = .thousandth
    ) -> [String: RunReport.Latency] {
        var byKind: [String: [RunReport.Latency]] = [:]
        for part in parts {
            for (kind, latency) in part { byKind[kind, default: []].append(latency) }
        }
        return byKind.mapValues { merged($0, precision) }
    }
}

extension RunReport.Latency {
    /// - Parameter counts: By upper end of the bucket.
    init(counts: [UInt64: UInt64], max maximum: UInt64) {
        let sorted = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        let total = sorted.reduce(UInt64(0)) { $0 &+ $1.value }
        func percentile(_ percentile: Double) -> UInt64 {
            // As the histogram itself counts: rounded up, but not into the next value by an error of the last digit.
            let wanted = Swift.max(1, (percentile.nextDown * Double(total) / 100).rounded(.up))
            var sum: UInt64 = 0
            for (end, count) in sorted {
                sum &+= count
                if Double(sum) >= wanted { return Swift.min(end, maximum) }
            }
            return 0
        }
        self.count = total
        self.p50 = percentile(50)
        self.p90 = percentile(90)
        self.p99 = percentile(99)
        self.p999 = percentile(99.9)
        self.max = maximum
        self.buckets = sorted.map { [Swift.min($0.key, maximum), $0.value] }
    }
}
