public import CoreMetrics
import Synchronization

/// A swift-metrics backend for event loops, shown in Prometheus' text format.
///
/// Making a metric takes a lock and allocates; do it once and keep the `Counter`. Updating one is a relaxed atomic
/// operation: no lock, no allocation, from any thread. Two metrics made with the same name and dimensions share one
/// series.
///
/// Names: characters that Prometheus does not allow become `_`; counters get the suffix `_total` and timers
/// `_seconds` if they lack it. Recorders that aggregate, and timers, are histograms.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    /// What one registry may grow to.
    public struct Limits: Sendable {
        /// Series in all. One gateway needs some hundreds (profiles times reasons); ten times that still makes a
        /// scrape of less than a megabyte, and a bug that labels by something a device chooses cannot eat the memory.
        public var seriesMax = 4096
        /// Labels of one series; what is more is dropped.
        public var labelsPerSeriesMax = 16
        /// Bytes of one label value (UTF-8); longer values are cut.
        public var labelValueBytesMax = 256

        public init() {}
    }

    /// Why the registry gave out a series other than the one asked for.
    enum Refusal: String, CaseIterable, Sendable {
        /// The limit of series is reached: the family's overflow series is used, or none if the family is new.
        case seriesLimit = "series-limit"
        /// The name is in use for another type of metric: updates go nowhere.
        case typeConflict = "type-conflict"
    }

    /// The counter of refusals in every exposition.
    static let refusalsName = "fleetgate_metrics_refused_total"
    /// Labels of the series that takes the place of those beyond the limit.
    static let overflowLabels = [MetricLabel(name: "overflow", value: "true")]

    let limits: Limits
    private let state: Mutex<State>

    public init(limits: Limits = Limits()) {
        self.limits = limits
        self.state = Mutex(State())
    }

    /// Declares the help text of a metric, and for a histogram its buckets.
    ///
    /// - Parameters:
    ///   - name: The name as exposed, with its suffix.
    ///   - help: One sentence.
    ///   - buckets: For a histogram; nil leaves them (``HistogramBuckets/seconds`` unless declared).
    /// - Returns: false if series of the histogram exist already, which keep the buckets they have.
    @discardableResult
    public func describe(_ name: String, help: String, buckets: HistogramBuckets? = nil) -> Bool {
        state.withLock { state in
            state.declarations[name, default: Declaration()].help = help
            guard let buckets else { return true }
            guard state.families[name] == nil || state.declarations[name]?.buckets == buckets else { return false }
            state.declarations[name, default: Declaration()].buckets = buckets
            return true
        }
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(.counter, label, dimensions) { key, _ in CounterSeries(key: key) }
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(.floatingPointCounter, label, dimensions) { key, _ in FloatingPointCounterSeries(key: key) }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(.gauge, label, dimensions) { key, _ in GaugeSeries(key: key) }
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            series(.histogram, label, dimensions) { key, buckets in HistogramSeries(key: key, buckets: buckets) }
        } else {
            series(.gauge, label, dimensions) { key, _ in GaugeSeries(key: key) }
        }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(.timer, label, dimensions) { key, buckets in HistogramSeries(key: key, buckets: buckets) }
    }

    public func destroyCounter(_ handler: any CounterHandler) { release(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { release(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { release(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { release(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { release(handler) }

    // MARK: Series

    /// The series for a name and dimensions: the existing one, a new one, the overflow series, or, when the name is
    /// taken by another type, one that nobody sees (metrics never fail their caller).
    private func series<Series: MetricSeries>(
        _ type: MetricType, _ label: String, _ dimensions: [(String, String)],
        make: (MetricSeriesKey, HistogramBuckets) -> Series
    ) -> Series {
        let name = type.exposedName(PrometheusText.metricName(label))
        let labels = PrometheusText.labels(dimensions, reserved: type.reservedLabels, limits: limits)
        let key = MetricSeriesKey(family: name, labels: labels)
        return state.withLock { state in
            let buckets = state.declarations[name]?.buckets ?? .seconds
            guard state.claim(name, for: type) else {
                state.refusals[.typeConflict, default: 0] += 1
                return make(key, buckets)
            }
            if let existing = state.families[name]?.members[labels]?.series as? Series {
                state.families[name]?.members[labels]?.holders += 1
                return existing
            }
            guard state.seriesCount < limits.seriesMax else {
                state.refusals[.seriesLimit, default: 0] += 1
                return state.overflow(name, make: { make($0, buckets) }) ?? make(key, buckets)
            }
            let series = make(key, buckets)
            state.insert(series, type: type)
            return series
        }
    }

    /// Forgets a series when everybody who made it has destroyed it.
    private func release(_ handler: AnyObject) {
        guard let series = handler as? any MetricSeries else { return }
        state.withLock { $0.release(series) }
    }

    /// What there is to show now: families by name, and refusals. The values are read after the lock is given back.
    func snapshot() -> (families: [MetricFamilySnapshot], refusals: [(Refusal, UInt64)]) {
        state.withLock { state in
            let families = state.families.map { name, family in
                MetricFamilySnapshot(
                    name: name, type: family.type, help: state.declarations[name]?.help,
                    series: family.members.values.map(\.series) + (family.overflow.map { [$0] } ?? []))
            }
            return (families, Refusal.allCases.map { ($0, state.refusals[$0] ?? 0) })
        }
    }
}

extension PrometheusRegistry {
    private struct Declaration {
        var help: String?
        var buckets: HistogramBuckets?
    }

    private struct State {
        var families: [String: MetricFamily] = [:]
        /// Which family a sample name belongs to: a histogram also owns its `_bucket`, `_sum` and `_count`.
        var owners: [String: String] = [PrometheusRegistry.refusalsName: ""]
        var declarations: [String: Declaration] = [:]
        var refusals: [Refusal: UInt64] = [:]
        /// Series in all families, without the overflow ones (at most one for each family).
        var seriesCount = 0

        /// Whether `name` is, or can become, a family of this type.
        func claim(_ name: String, for type: MetricType) -> Bool {
            if let family = families[name] { return family.type == type }
            return type.sampleNames(name).allSatisfy { owners[$0] == nil }
        }

        mutating func insert(_ series: any MetricSeries, type: MetricType) {
            let key = series.key
            for sampleName in type.sampleNames(key.family) {
                owners[sampleName] = key.family
            }
            families[key.family, default: MetricFamily(type: type)].members[key.labels] =
                MetricFamily.Member(series: series, holders: 1)
            seriesCount += 1
        }

        mutating func overflow<Series: MetricSeries>(_ name: String, make: (MetricSeriesKey) -> Series) -> Series? {
            guard let family = families[name] else { return nil }
            if let existing = family.overflow as? Series { return existing }
            let series = make(MetricSeriesKey(family: name, labels: PrometheusRegistry.overflowLabels))
            families[name]?.overflow = series
            return series
        }

        mutating func release(_ series: any MetricSeries) {
            let key = series.key
            guard let member = families[key.family]?.members[key.labels], member.series === series else { return }
            guard member.holders == 1 else {
                families[key.family]?.members[key.labels]?.holders -= 1
                return
            }
            families[key.family]?.members[key.labels] = nil
            seriesCount -= 1
            guard let family = families[key.family], family.members.isEmpty, family.overflow == nil else { return }
            families[key.family] = nil
            for sampleName in family.type.sampleNames(key.family) {
                owners[sampleName] = nil
            }
        }
    }
}
