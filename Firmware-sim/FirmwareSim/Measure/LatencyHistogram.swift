import Histogram
import NIOCore

/// Times in microseconds, from a microsecond to an hour, in buckets whose width is a fixed share of their value (HDR
/// histogram). Grows with the largest value: at three digits and a second it holds 44 KiB, at two digits 6 KiB.
struct LatencyHistogram: Sendable {
    /// How far apart two values must be to be told apart.
    enum Resolution: Sendable {
        /// A thousandth: for what is said about the whole run.
        case thousandth
        /// A hundredth: for each stage, fleet and sample, of which there are many.
        case hundredth
    }

    private var histogram: Histogram<UInt32>
    private var exactMaximum: UInt64 = 0

    init(_ resolution: Resolution = .thousandth) {
        switch resolution {
        case .thousandth: histogram = Histogram(numberOfSignificantValueDigits: .three)
        case .hundredth: histogram = Histogram(numberOfSignificantValueDigits: .two)
        }
    }

    mutating func record(_ time: TimeAmount) {
        record(microseconds: UInt64(max(0, time.nanoseconds) / 1_000), count: 1)
    }

    private mutating func record(microseconds: UInt64, count: UInt32) {
        exactMaximum = max(exactMaximum, microseconds)
        histogram.record(min(microseconds, SimulatorLimits.latencyMicrosecondsMax), count: count)
    }

    /// Adds what another of the same resolution holds.
    mutating func merge(_ other: LatencyHistogram) {
        guard histogram.numberOfSignificantValueDigits == other.histogram.numberOfSignificantValueDigits else {
            merge(other.digest)
            return
        }
        histogram.add(other.histogram)
        exactMaximum = max(exactMaximum, other.exactMaximum)
    }

    mutating func merge(_ digest: LatencyDigest) {
        for bucket in digest.buckets {
            // The last bucket's upper end may lie above everything that was recorded.
            record(microseconds: min(bucket.value, digest.maximum), count: bucket.count)
        }
        exactMaximum = max(exactMaximum, digest.maximum)
    }

    var count: UInt64 { histogram.totalCount }

    /// In microseconds; 0 if nothing was recorded.
    func percentile(_ percentile: Double) -> UInt64 {
        guard percentile < 100 else { return exactMaximum }
        // The histogram answers with the upper end of a bucket, which may lie above everything that was recorded.
        return min(histogram.valueAtPercentile(percentile), exactMaximum)
    }

    /// In microseconds; 0 if nothing was recorded.
    var maximum: UInt64 { exactMaximum }

    /// `[upper end of the bucket in microseconds, count]`, ascending, without the empty ones.
    var buckets: [[UInt64]] {
        digest.buckets.map { [min($0.value, exactMaximum), UInt64($0.count)] }
    }

    /// The buckets that hold something, in a few bytes each.
    var digest: LatencyDigest {
        LatencyDigest(
            buckets: histogram.recordedValues().map { .init(value: $0.value, count: $0.count) }, maximum: exactMaximum)
    }
}

/// What a histogram holds without its empty buckets: for keeping hundreds of them.
struct LatencyDigest: Sendable, Equatable {
    struct Bucket: Sendable, Equatable {
        /// Its upper end, in microseconds.
        var value: UInt64
        var count: UInt32
    }

    /// Ascending.
    var buckets: [Bucket]
    /// Exact, in microseconds.
    var maximum: UInt64

    mutating func merge(_ other: LatencyDigest) {
        var merged: [Bucket] = []
        merged.reserveCapacity(buckets.count + other.buckets.count)
        var mine = buckets[...]
        var theirs = other.buckets[...]
        while let first = mine.first, let second = theirs.first {
            if first.value == second.value {
                merged.append(Bucket(value: first.value, count: first.count &+ second.count))
                mine = mine.dropFirst()
                theirs = theirs.dropFirst()
            } else if first.value < second.value {
                merged.append(first)
                mine = mine.dropFirst()
            } else {
                merged.append(second)
                theirs = theirs.dropFirst()
            }
        }
        buckets = merged + mine + theirs
        maximum = max(maximum, other.maximum)
    }
}
