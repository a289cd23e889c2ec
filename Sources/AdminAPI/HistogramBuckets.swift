/// The upper bounds of a histogram's buckets, in the unit of what is recorded (timers: seconds).
///
/// The last bucket, `+Inf`, is implied.
public struct HistogramBuckets: Sendable, Hashable {
    /// More buckets than this cost more on every scrape, for every combination of labels, than they tell.
    public static let countMax = 32

    /// Ascending, finite, at least one and at most ``countMax``.
    public let upperBounds: [Double]

    /// - Returns: nil unless the bounds are finite, strictly ascending, and between 1 and ``countMax`` in number.
    public init?(_ upperBounds: [Double]) {
        guard (1...Self.countMax).contains(upperBounds.count), upperBounds.allSatisfy(\.isFinite),
            zip(upperBounds, upperBounds.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.upperBounds = upperBounds
    }

    private init(valid upperBounds: [Double]) {
        self.upperBounds = upperBounds
    }

    /// Seconds, 0.5 ms to 30 s: from a resumed handshake on a local network up to the handshake deadline that NB-IoT
    /// devices need.
    public static let seconds = HistogramBuckets(valid: [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30,
    ])

    /// The index of the bucket that `value` falls into; `upperBounds.count` is `+Inf`. Bounds are inclusive.
    func index(of value: Double) -> Int {
        // At most 32 bounds, and what is common falls into the first ones: a walk beats a binary search here.
        for (index, bound) in upperBounds.enumerated() where value <= bound {
            return index
        }
        return upperBounds.count
    }
}
