/// How long it took until shares of all devices were connected, told from the number connected over time.
///
/// The parts' own milestones cannot be added, so the merged ones are as exact as the series: each is the end of the
/// interval in which the share was reached (at most one interval too late). Where devices leave and come back, the
/// number connected can stay below what was once accepted; a milestone that is not reached this way, though every part
/// reached it, is the latest of the parts', which is never too early.
enum MilestoneMerging {
    static func merged(
        _ parts: [[RunReport.Milestone]], devices: Int, series: RunReport.Series, from start: Double, to end: Double
    ) -> [RunReport.Milestone] {
        guard let first = parts.first else { return [] }
        return first.map { milestone in
            let share = milestone.share
            let times = parts.map { part in part.first { $0.share == share }?.seconds }
            // What a part never reached, the whole may have: but not all of it.
            guard times.contains(where: { $0 != nil }) else { return RunReport.Milestone(share: share, seconds: nil) }
            let latest = times.contains(nil) ? nil : times.compactMap(\.self).max()
            let earliest = times.compactMap(\.self).min() ?? 0
            let wanted = (share * Double(devices)).rounded(.up)
            for (index, sample) in series.samples.enumerated() {
                let time = min(Double(index + 1) * series.intervalSeconds, end) - start
                guard time > 0, time >= earliest, Double(index) * series.intervalSeconds < end else { continue }
                if Double(sample.connected) >= wanted {
                    return RunReport.Milestone(share: share, seconds: latest.map { min($0, time) } ?? time)
                }
            }
            return RunReport.Milestone(share: share, seconds: latest)
        }
    }
}
