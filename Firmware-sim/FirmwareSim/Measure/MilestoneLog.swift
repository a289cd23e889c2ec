import NIOCore

/// When devices were connected for the first time, to a millisecond: four bytes for each device.
struct MilestoneLog: Sendable, Equatable {
    /// In milliseconds, in no order once logs are merged.
    private var times: [UInt32] = []

    mutating func record(_ time: TimeAmount) {
        times.append(UInt32(clamping: max(0, time.nanoseconds) / 1_000_000))
    }

    mutating func merge(_ other: MilestoneLog) {
        times += other.times
    }

    var count: Int { times.count }

    /// The shares that are reported.
    static let shares = [0.5, 0.9, 0.99, 1]

    /// How long it took until shares of `total` devices were connected. None where there are no devices.
    func milestones(of total: Int) -> [RunReport.Milestone] {
        guard total > 0 else { return [] }
        let sorted = times.sorted()
        return Self.shares.map { share in
            let needed = max(1, Int((Double(total) * share).rounded(.up)))
            return RunReport.Milestone(
                share: share, seconds: needed <= sorted.count ? Double(sorted[needed - 1]) / 1_000 : nil)
        }
    }
}
