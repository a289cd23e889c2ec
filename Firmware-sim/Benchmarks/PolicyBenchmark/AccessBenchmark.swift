import FleetPolicy

/// Questions about topics, answered for a device whose profile has 50 filters in each direction.
enum AccessBenchmark {
    private static let goalNanoseconds = 150.0

    static func run(into report: inout BenchmarkReport) throws {
        let set = try ProfileCompiler.compile([profile]).get()
        let grant = try DecisionBenchmark.grant(
            PolicySnapshot(profiles: set), DecisionBenchmark.certificate(organisation: "Elbe Netz", serial: 4_711))
        let base = "meters/site-1/meter-4711/"
        let published = Texts((0..<8).flatMap { ["\(base)channel-\($0 * 4)", "\(base)log/\($0)/x/y"] })
        let refused = Texts((0..<8).flatMap { ["\(base)channel-\($0 * 9)/x", "meters/site-1/m-\($0)"] })
        let delivered = Texts((0..<8).flatMap { ["\(base)command-\($0 * 4)", "\(base)set/\($0)/value"] })
        let filters = Texts((0..<8).flatMap { ["\(base)command-\($0 * 4)", "\(base)set/\($0)/value"] })
        let wildcards = Texts((0..<16).map { "\(base)set/\($0)/+" })
        add("publish permitted", allPermitted: true, to: &report) { calls in
            let bytes = published.bytes.span
            return (0..<calls).count {
                let topic = bytes.extracting(published.ranges[$0 & 15])
                return grant.permitsPublish(topic: topic, qos: 1, retain: false) == .granted
            }
        }
        add("publish refused", allPermitted: false, to: &report) { calls in
            let bytes = refused.bytes.span
            return (0..<calls).count {
                let topic = bytes.extracting(refused.ranges[$0 & 15])
                return grant.permitsPublish(topic: topic, qos: 1, retain: false) == .granted
            }
        }
        add("delivery permitted", allPermitted: true, to: &report) { calls in
            let bytes = delivered.bytes.span
            return (0..<calls).count { grant.permitsDelivery(topic: bytes.extracting(delivered.ranges[$0 & 15])) }
        }
        add("subscribe permitted", allPermitted: true, to: &report) { calls in
            let bytes = filters.bytes.span
            return (0..<calls).count {
                let filter = bytes.extracting(filters.ranges[$0 & 15])
                return grant.permitsSubscribe(filter: filter, qos: 1) == .granted(maximumQoS: 1)
            }
        }
        // With a wildcard, what allows a filter and what denies a part of it are two questions.
        add("subscribe with wildcard", allPermitted: true, goal: 2 * goalNanoseconds, to: &report) { calls in
            let bytes = wildcards.bytes.span
            return (0..<calls).count {
                let filter = bytes.extracting(wildcards.ranges[$0 & 15])
                return grant.permitsSubscribe(filter: filter, qos: 1) == .granted(maximumQoS: 1)
            }
        }
    }

    /// Sixteen texts in one buffer, as texts stand in packets.
    private struct Texts {
        let bytes: [UInt8]
        let ranges: [Range<Int>]

        init(_ texts: [String]) {
            var bytes: [UInt8] = []
            ranges = texts.map { text in
                let start = bytes.count
                bytes += text.utf8
                return start..<bytes.count
            }
            self.bytes = bytes
        }
    }

    private static func add(
        _ what: String, allPermitted: Bool, goal: Double = goalNanoseconds, to report: inout BenchmarkReport,
        _ batch: (_ calls: Int) -> Int
    ) {
        let permitted = batch(16)
        precondition(permitted == (allPermitted ? 16 : 0), "\(what): \(permitted) of 16 are permitted")
        let measured = Measurement.of(batch)
        report.add("\(what), 50 filters", measured.median, "ns", goal: goal)
        report.add("\(what), allocations", measured.allocations, "each", goal: 0)
    }

    /// 45 entries that allow and five that deny, for each direction.
    private static var profile: SourceNode {
        let base = "meters/{tenant}/{device}"
        var publish = (0..<40).map { "\(base)/channel-\($0)" }
        publish += [
            "\(base)/log/#", "\(base)/state/+", "shared/{tenant}/+/{device}", "alarm/+/{serial}/#", "echo-{serial}",
        ]
        var subscribe = (0..<40).map { "\(base)/command-\($0)" }
        subscribe += [
            "\(base)/set/#", "\(base)/ask/+", "news/{tenant}/+/{device}", "all/+/{serial}/#", "to-{serial}",
        ]
        let denyPublish = [
            "\(base)/log/secret/#", "\(base)/+/key", "meters/+/{device}/boot", "alarm/+/+/off", "$test/#",
        ]
        let denySubscribe = [
            "\(base)/set/secret/#", "\(base)/+/key", "meters/+/{device}/boot", "all/+/+/off", "$test/#",
        ]
        return SourceText.profile(
            name: "access", organisation: "Elbe Netz",
            lists: [
                ("publish", publish), ("subscribe", subscribe), ("deny-publish", denyPublish),
                ("deny-subscribe", denySubscribe),
            ])
    }
}
