extension RunReport {
    /// The samples to draw: those of whole intervals. In the one in which the run ends all devices leave, as they are
    /// told, and that would look like a collapse. A run shorter than an interval has no other.
    var plottedSamples: [Sample] {
        let intervals = (durationSeconds / max(0.001, series.intervalSeconds) + 0.01).rounded(.down)
        let whole = series.samples.prefix(max(0, LatencyText.whole(intervals)))
        return whole.isEmpty ? series.samples : Array(whole)
    }

    /// Where there is nothing but handshakes, and devices leave at once, none is ever connected for long.
    var keepsConnections: Bool { series.samples.contains { $0.connected > 0 } || parameters.mode != "handshake" }
}
