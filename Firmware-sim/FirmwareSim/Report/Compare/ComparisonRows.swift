/// The figures that two runs are compared by.
enum ComparisonRows {
    typealias Row = RunComparison.Row

    static func all(_ a: RunReport, _ b: RunReport) -> [Row] {
        var rows = handshakes(a, b)
        for kind in LatencyKind.allCases {
            let left = a.latency[kind.rawValue]
            let right = b.latency[kind.rawValue]
            guard left != nil || right != nil else { continue }
            for (name, value) in percentiles {
                rows.append(
                    Row(
                        "\(kind.title) \(name)", .microseconds, left.map { Double(value($0)) },
                        right.map { Double(value($0)) }))
            }
        }
        rows += milestones(a, b)
        rows += traffic(a, b)
        rows += failures(a, b)
        rows += machines(a, b)
        return rows
    }

    private static let percentiles: [(String, @Sendable (RunReport.Latency) -> UInt64)] = [
        ("p50", { $0.p50 }), ("p90", { $0.p90 }), ("p99", { $0.p99 }), ("max", { $0.max }),
    ]

    private static func handshakes(_ a: RunReport, _ b: RunReport) -> [Row] {
        let left = a.handshakes
        let right = b.handshakes
        var rows = [
            Row("devices planned", .count, Double(a.devices.planned), Double(b.devices.planned)),
            Row("devices connected", .count, Double(a.devices.connected), Double(b.devices.connected)),
            Row("handshakes", .count, Double(left.completed), Double(right.completed)),
            Row("handshakes per second", .perSecond, left.perSecond, right.perSecond),
        ]
        if left.resumed > 0 || right.resumed > 0 {
            rows += [
                Row("full handshakes per second", .perSecond, left.fullPerSecond, right.fullPerSecond),
                Row("resumed handshakes per second", .perSecond, left.resumedPerSecond, right.resumedPerSecond),
            ]
        }
        rows.append(Row("connects per second", .perSecond, left.connectsPerSecond, right.connectsPerSecond))
        rows.append(
            Row("TLS bytes of a full handshake", .count, present(left.bytesPerFull), present(right.bytesPerFull)))
        rows.append(
            Row(
                "TLS bytes of a resumed handshake", .count, present(left.bytesPerResumed),
                present(right.bytesPerResumed)))
        return rows.filter { $0.a != nil || $0.b != nil }
    }

    private static func present(_ value: Double) -> Double? { value > 0 ? value : nil }

    private static func milestones(_ a: RunReport, _ b: RunReport) -> [Row] {
        let shares = Set((a.milestones + b.milestones).map(\.share)).sorted()
        return shares.map { share in
            func seconds(_ report: RunReport) -> Double? { report.milestones.first { $0.share == share }?.seconds }
            return Row("time to \(LatencyText.render(share: share)) connected", .seconds, seconds(a), seconds(b))
        }
    }

    private static func traffic(_ a: RunReport, _ b: RunReport) -> [Row] {
        let pairs: [(String, (RunReport) -> Int)] = [
            ("publishes", { $0.publishing.published }), ("publishes acknowledged", { $0.publishing.acknowledged }),
            ("publishes lost", { $0.publishing.lost }), ("publishes received", { $0.publishing.received }),
            ("commands sent", { $0.commands.sent }), ("commands not answered", { $0.commands.unanswered }),
        ]
        return pairs.map { Row($0.0, .count, Double($0.1(a)), Double($0.1(b))) }.filter { $0.a != 0 || $0.b != 0 }
    }

    private static func failures(_ a: RunReport, _ b: RunReport) -> [Row] {
        func counts(_ report: RunReport) -> [String: Int] {
            Dictionary(report.failures.map { ("\($0.phase)/\($0.reason)", $0.count) }, uniquingKeysWith: &+)
        }
        let left = counts(a)
        let right = counts(b)
        func total(_ counts: [String: Int]) -> Double { Double(counts.values.reduce(0, &+)) }
        return [Row("failures", .count, total(left), total(right))]
            + Set(left.keys).union(right.keys).sorted().map { reason in
                Row(
                    "failures \(PrintableText.clean(reason))", .count, Double(left[reason] ?? 0),
                    Double(right[reason] ?? 0))
            }
    }

    private static func machines(_ a: RunReport, _ b: RunReport) -> [Row] {
        func sum(_ values: [Double?]) -> Double? {
            let present = values.compactMap(\.self)
            return present.isEmpty ? nil : present.reduce(0, +)
        }
        func processorTime(_ report: RunReport) -> Double? { sum(report.servers.map(\.processorSeconds)) }
        func perProcessorSecond(_ report: RunReport) -> Double? {
            processorTime(report).flatMap { $0 > 0 ? Double(report.handshakes.completed) / $0 : nil }
        }
        func memory(_ report: RunReport) -> Double? {
            sum(report.servers.map { $0.residentBytesMax.map { Double($0) } })
        }
        func perDevice(_ report: RunReport) -> Double? { sum(report.servers.map(\.residentBytesPerDevice)) }
        let rows = [
            Row("target's processor time", .seconds, processorTime(a), processorTime(b)),
            Row("handshakes per CPU second of the target", .perSecond, perProcessorSecond(a), perProcessorSecond(b)),
            Row("target's memory, most", .bytes, memory(a), memory(b)),
            Row("target's memory per device", .bytes, perDevice(a), perDevice(b)),
            Row("generator's busiest loop", .share, a.generator.loopBusyShareMax, b.generator.loopBusyShareMax),
            Row(
                "generator's loop delay p99", .microseconds, Double(a.generator.loopDelay.p99),
                Double(b.generator.loopDelay.p99)),
        ]
        return rows.filter { $0.a != nil || $0.b != nil }
    }
}
