import CoreMetrics
import Synchronization

/// Where a series stands in the registry: its family and its labels.
struct MetricSeriesKey: Hashable, Sendable {
    let family: String
    let labels: [MetricLabel]
}

/// One time series. Updates come from every event loop at once and are relaxed atomics: nothing is ordered by a
/// metric, and a scrape that sees one of two updates made together is as good as one taken a moment earlier.
protocol MetricSeries: AnyObject, Sendable {
    var key: MetricSeriesKey { get }
}

/// A 64-bit cell on the heap: `Atomic` cannot be an array's element, and a histogram needs many.
final class AtomicCell: Sendable {
    let value = Atomic<UInt64>(0)
}

/// A `Double` updated without a lock.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)  // the bit pattern of 0.0 is 0

    func load() -> Double {
        Double(bitPattern: bits.load(ordering: .relaxed))
    }

    func store(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}

/// A counter of whole things. Negative increments are ignored: a Prometheus counter only rises.
final class CounterSeries: CounterHandler, MetricSeries {
    let key: MetricSeriesKey
    private let count = Atomic<UInt64>(0)

    init(key: MetricSeriesKey) {
        self.key = key
    }

    var value: UInt64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    func reset() {
        count.store(0, ordering: .relaxed)
    }
}

/// A counter of fractions. Negative and non-finite increments are ignored: one NaN would stay for ever.
final class FloatingPointCounterSeries: FloatingPointCounterHandler, MetricSeries {
    let key: MetricSeriesKey
    private let sum = AtomicDouble()

    init(key: MetricSeriesKey) {
        self.key = key
    }

    var value: Double { sum.load() }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        sum.add(amount)
    }

    func reset() {
        sum.store(0)
    }
}

/// A value that goes up and down: swift-metrics' `Meter`, and its `Gauge` (a recorder that does not aggregate).
final class GaugeSeries: MeterHandler, RecorderHandler, MetricSeries {
    let key: MetricSeriesKey
    private let current = AtomicDouble()

    init(key: MetricSeriesKey) {
        self.key = key
    }

    var value: Double { current.load() }

    func set(_ value: Int64) { current.store(Double(value)) }
    func set(_ value: Double) { current.store(value) }
    func increment(by amount: Double) { current.add(amount) }
    func decrement(by amount: Double) { current.add(-amount) }
    func record(_ value: Int64) { current.store(Double(value)) }
    func record(_ value: Double) { current.store(value) }
}

/// A histogram with fixed buckets: swift-metrics' aggregating `Recorder`, and its `Timer` in seconds.
final class HistogramSeries: RecorderHandler, TimerHandler, MetricSeries {
    let key: MetricSeriesKey
    let buckets: HistogramBuckets
    private let cells: [AtomicCell]  // one for each bucket and one for +Inf; not cumulative
    private let total = AtomicDouble()

    init(key: MetricSeriesKey, buckets: HistogramBuckets) {
        self.key = key
        self.buckets = buckets
        self.cells = (0...buckets.upperBounds.count).map { _ in AtomicCell() }
    }

    var sum: Double { total.load() }

    /// Cumulative counts, one for each bound and one for `+Inf`. The last is the count of all: derived from one
    /// reading of the cells, so that the two never contradict each other in a scrape.
    var cumulativeCounts: [UInt64] {
        var count: UInt64 = 0
        return cells.map { cell in
            count &+= cell.value.load(ordering: .relaxed)
            return count
        }
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// Non-finite values are ignored: they would make the sum useless for ever.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        cells[buckets.index(of: value)].value.wrappingAdd(1, ordering: .relaxed)
        total.add(value)
    }

    func recordNanoseconds(_ duration: Int64) {
        // A division, not a multiplication by 1e-9: only it gives exactly 0.005 for 5 ms, the bound of a bucket.
        record(Double(duration) / 1_000_000_000)
    }
}
