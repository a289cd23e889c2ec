import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct LatencyHistogramTests {
    @Test func percentilesAreWithinAThousandthAndNeverAboveTheMaximum() {
        var histogram = LatencyHistogram()
        for microseconds in 1...10_000 { histogram.record(.microseconds(Int64(microseconds))) }
        for (percentile, expected) in [(50.0, 5_000.0), (90, 9_000), (99, 9_900)] {
            let found = Double(histogram.percentile(percentile))
            #expect(abs(found - expected) <= expected / 1_000 + 1)
        }
        #expect(histogram.percentile(100) == 10_000)
        #expect(histogram.maximum == 10_000)
    }

    @Test(arguments: [LatencyHistogram.Resolution.thousandth, .hundredth])
    func takesAnyTime(resolution: LatencyHistogram.Resolution) {
        var histogram = LatencyHistogram(resolution)
        histogram.record(.nanoseconds(-1))
        histogram.record(.hours(100))
        histogram.record(.nanoseconds(.max))
        #expect(histogram.count == 3)
        #expect(histogram.percentile(99) <= histogram.maximum)
        #expect(histogram.buckets.reduce(0) { $0 + $1[1] } == 3)
        #expect(LatencyHistogram(resolution).percentile(99) == 0)
        #expect(LatencyHistogram(resolution).buckets.isEmpty)
    }

    @Test(arguments: [(LatencyHistogram.Resolution.thousandth, 0.001), (.hundredth, 0.01)])
    func bucketsHoldWhatWasRecorded(resolution: LatencyHistogram.Resolution, error: Double) {
        var histogram = LatencyHistogram(resolution)
        var generator = SeededGenerator(seed: 3)
        let values = (0..<5_000).map { _ in
            UInt64.random(in: 0..<40_000_000, using: &generator) >> UInt64.random(in: 0..<24, using: &generator)
        }
        for value in values { histogram.record(.microseconds(Int64(value))) }
        let buckets = histogram.buckets
        #expect(buckets.reduce(0) { $0 + $1[1] } == 5_000)
        #expect(buckets.allSatisfy { $0.count == 2 && $0[1] > 0 })
        #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0[0] < $1[0] })
        // Each value lies in the bucket whose upper end is the next above it.
        let sorted = values.sorted()
        var place = 0
        for bucket in buckets {
            for value in sorted[place..<place + Int(bucket[1])] {
                #expect(value <= bucket[0] && Double(bucket[0] - value) <= Double(value) * error + 1)
            }
            place += Int(bucket[1])
        }
        #expect(buckets.last?[0] == sorted.last)
    }

    @Test func aDigestGivesTheSameHistogramBack() {
        var histogram = LatencyHistogram(.hundredth)
        for value in [3, 3, 900, 41_000, 7_000_000] { histogram.record(.microseconds(Int64(value))) }
        var copy = LatencyHistogram(.hundredth)
        copy.merge(histogram.digest)
        #expect(copy.digest == histogram.digest)
        var fine = LatencyHistogram()
        fine.merge(histogram)
        #expect(fine.count == 5 && fine.maximum == 7_000_000)
    }

    @Test func digestsAddUpLikeHistograms() {
        var all = LatencyHistogram(.hundredth)
        var sum = LatencyHistogram(.hundredth).digest
        for part in 0..<5 {
            var histogram = LatencyHistogram(.hundredth)
            for value in 0..<50 {
                let time = TimeAmount.microseconds(Int64((value * 7_919 + part * 104_729) % 300_000))
                histogram.record(time)
                all.record(time)
            }
            sum.merge(histogram.digest)
        }
        #expect(sum == all.digest)
    }

    @Test func aSetHoldsOnlyWhatOccurred() {
        var set = LatencySet(.hundredth)
        #expect(set.all.isEmpty)
        set.record(.publish, .milliseconds(1))
        var other = LatencySet(.hundredth)
        other.record(.tls, .milliseconds(2))
        other.record(.publish, .milliseconds(3))
        set.merge(other)
        #expect(set.all.map(\.kind) == [.tls, .publish])
        #expect(set[.publish]?.count == 2)
        #expect(set[.command] == nil)
        #expect(LatencyKind.allCases.map(\.place) == Array(LatencyKind.allCases.indices))
    }
}
