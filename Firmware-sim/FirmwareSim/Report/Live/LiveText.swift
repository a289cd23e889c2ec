/// The pieces that a live view is put together from.
struct LiveText: Sendable {
    let figures: LiveFigures
    /// Since the view was last written, per second.
    let rates: Rates

    struct Rates: Sendable, Equatable {
        var handshakes = 0.0
        var resumed = 0.0
        var connects = 0.0
        var published = 0.0

        /// - Parameter seconds: Between the two; without any time there is no rate.
        init(from old: LiveFigures, to new: LiveFigures) {
            let seconds = new.elapsedSeconds - old.elapsedSeconds
            guard seconds > 0 else { return }
            handshakes = Double(max(0, new.handshakes - old.handshakes)) / seconds
            resumed = Double(max(0, new.resumedHandshakes - old.resumedHandshakes)) / seconds
            connects = Double(max(0, new.connects - old.connects)) / seconds
            published = Double(max(0, new.published - old.published)) / seconds
        }
    }

    /// Reasons shown beside the number of failures.
    static let reasonsMax = 4

    var time: String {
        let elapsed = LatencyText.render(seconds: figures.elapsedSeconds.rounded(.down))
        guard let planned = figures.plannedSeconds else { return elapsed }
        return "\(elapsed) of \(LatencyText.render(seconds: planned.rounded(.up)))"
    }

    var devices: String {
        guard figures.countsConnects else {
            return "connected \(LatencyText.grouped(figures.connectedNow))/\(LatencyText.grouped(figures.devices))"
        }
        // Where nobody was accepted, or asked for it, how far they all came is the handshake.
        guard figures.connects > 0 || figures.handshakes == 0 else {
            return "handshakes \(LatencyText.grouped(figures.handshakes))"
        }
        return "connects \(LatencyText.grouped(figures.connects))"
    }

    var handshakeRate: String {
        let all = "\(LatencyText.render(number: rates.handshakes)) handshakes/s"
        guard figures.resumedHandshakes > 0 else { return all }
        return "\(all) (\(LatencyText.render(number: rates.resumed)) resumed)"
    }

    /// Nil while nothing was published.
    var publishRate: String? {
        figures.published > 0 ? "\(LatencyText.render(number: rates.published)) publishes/s" : nil
    }

    /// Nil while nothing was measured.
    var latencies: String? {
        let names: [(LatencyKind, String)] = [
            (.tls, "handshake"), (.connected, "connect"), (.publish, "publish"), (.command, "command"),
        ]
        let parts = names.compactMap { kind, name in
            figures.latency[kind].map { "\(name) \(LatencyText.render(microseconds: $0.p99))" }
        }
        return parts.isEmpty ? nil : "p99 " + parts.joined(separator: ", ")
    }

    var failures: String {
        let reasons = figures.failuresByCount.prefix(Self.reasonsMax)
            .map {
                "\($0.reason.phase.rawValue)/\(PrintableText.clean($0.reason.code)) \(LatencyText.grouped($0.count))"
            }
        guard !reasons.isEmpty else { return "failures \(LatencyText.grouped(figures.failureCount))" }
        let more = figures.failures.count > Self.reasonsMax ? ", \u{2026}" : ""
        return "failures \(LatencyText.grouped(figures.failureCount)): " + reasons.joined(separator: ", ") + more
    }
}
