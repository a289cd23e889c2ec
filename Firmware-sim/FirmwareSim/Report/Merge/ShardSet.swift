/// Whether reports are all the parts of one run.
enum ShardSet {
    /// The parts in their order.
    ///
    /// - Throws: ``SimulatorError`` that names everything that keeps them from being one run.
    static func ordered(_ parts: [RunReport]) throws(SimulatorError) -> [RunReport] {
        guard let first = parts.first else { return [] }
        guard parts.count <= SimulatorLimits.shardsMax else {
            throw .options("too-many-parts", "at most \(SimulatorLimits.shardsMax) parts can be merged")
        }
        var problems: [String] = []
        var byIndex: [Int: RunReport] = [:]
        var counts: Set<Int> = []
        for part in parts {
            guard let (index, count) = place(part) else {
                problems.append(
                    "the run that began at \(part.startedAt) was no part of another (made with --shard I/N)")
                continue
            }
            counts.insert(count)
            if byIndex.updateValue(part, forKey: index) != nil {
                problems.append("part \(index)/\(count) is there twice")
            }
        }
        if counts.count > 1 {
            problems.append("the parts are of \(counts.sorted().map { "\($0)" }.joined(separator: " and of ")) parts")
        } else if let count = counts.first {
            let missing = (1...count).filter { byIndex[$0] == nil }.map { "\($0)/\(count)" }
            if !missing.isEmpty, missing.count < 20 {
                problems.append("parts are missing: \(missing.joined(separator: ", "))")
            }
            if missing.count >= 20 { problems.append("\(missing.count) of \(count) parts are missing") }
        }
        for part in parts.dropFirst() {
            problems += differences(first, part).map { "parts differ in \($0)" }
        }
        guard problems.isEmpty else {
            var seen: Set<String> = []
            let unique = problems.map(PrintableText.clean).filter { seen.insert($0).inserted }
            throw .file("other-run", "these are not the parts of one run: " + unique.joined(separator: "; "))
        }
        return byIndex.sorted { $0.key < $1.key }.map(\.value)
    }

    /// `2/4` as numbers; nil if it is nothing of the kind.
    private static func place(_ part: RunReport) -> (index: Int, count: Int)? {
        guard let pieces = part.parameters.shard?.split(separator: "/", omittingEmptySubsequences: false),
            pieces.count == 2, let index = Int(pieces[0]), let count = Int(pieces[1]),
            (1...SimulatorLimits.shardsMax).contains(count), (1...count).contains(index)
        else { return nil }
        return (index, count)
    }

    private static func differences(_ first: RunReport, _ other: RunReport) -> [String] {
        let left = first.parameters
        let right = other.parameters
        var differences: [String] = []
        func check(_ name: String, _ a: String, _ b: String) {
            if a != b { differences.append("\(name) (\(a) and \(b))") }
        }
        check("seed", "\(left.seed)", "\(right.seed)")
        check("scenario", left.scenario ?? "none", right.scenario ?? "none")
        check("mode", left.mode, right.mode)
        check("scale", "\(left.scale ?? 1)", "\(right.scale ?? 1)")
        check("time scale", "\(left.timeScale ?? 1)", "\(right.timeScale ?? 1)")
        check("TLS version", left.tls, right.tls)
        check("MQTT version", left.mqtt, right.mqtt)
        check("target", left.target, right.target)
        check("share of resumed handshakes", "\(left.resumeShare ?? -1)", "\(right.resumeShare ?? -1)")
        if first.assertions.map(\.text) != other.assertions.map(\.text) { differences.append("assertions") }
        return differences
    }
}
