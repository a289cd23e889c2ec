import Dispatch
import FleetPolicy
import Foundation
import Synchronization
import Yams

/// Profiles from text to what decides.
enum LoadingBenchmark {
    private static let goalSeconds = 2.0

    static func run(profiles count: Int, into report: inout BenchmarkReport) throws -> ProfileSet {
        let texts = (0..<count).map(SourceText.yaml)
        // By the clock, because the files are parsed on all processors: on a busy machine the figure is too high.
        let clock = ContinuousClock()
        let start = clock.now
        let nodes = try parseAll(texts)
        let parsed = clock.now
        let set = try ProfileCompiler.compile(nodes).get()
        report.add(
            "load \(count.grouped) profiles: parse YAML and compile", seconds(clock.now - start), "s",
            goal: goalSeconds)
        report.add("load \(count.grouped) profiles: of that, YAML", seconds(parsed - start), "s")
        let trees = (0..<count).map(SourceText.tree)
        let compileStart = clock.now
        _ = try ProfileCompiler.compile(trees).get()
        report.add("compile \(count.grouped) profiles", seconds(clock.now - compileStart), "s")
        return set
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// As `fleetgate` reads a folder: each processor takes a part.
    private static func parseAll(_ texts: [String]) throws -> [SourceNode] {
        let parts = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let results = Mutex([Result<[SourceNode], any Error>](repeating: .success([]), count: parts))
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let range = texts.count * part / parts..<texts.count * (part + 1) / parts
            let parsed = Result { try range.map { try parse(texts[$0], file: "\(SourceText.name($0)).yaml") } }
            results.withLock { $0[part] = parsed }
        }
        return try results.withLock { $0 }.flatMap { try $0.get() }
    }

    /// What `fleetgate` does with a file of profiles, without the refusal of YAML's rarer parts.
    private static func parse(_ text: String, file: String) throws -> SourceNode {
        let parser = try Parser(yaml: text, encoding: .utf8)
        // Nodes refer to their anchors weakly: they are gone with the parser.
        return try withExtendedLifetime(parser) {
            guard let root = try parser.singleRoot() else { return .scalar("", quoted: false, place(nil, file)) }
            return tree(root, file)
        }
    }

    private static func tree(_ node: Node, _ file: String) -> SourceNode {
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return .scalar(scalar.string, quoted: !isPlain, place(scalar.mark, file))
        case .sequence(let sequence):
            return .sequence(sequence.map { tree($0, file) }, place(sequence.mark, file))
        case .mapping(let mapping):
            return .mapping(
                mapping.map { key, value in
                    (key: key.string ?? "", keyLocation: place(key.mark, file), value: tree(value, file))
                }, place(mapping.mark, file))
        case .alias:
            return .scalar("", quoted: false, place(node.mark, file))
        }
    }

    private static func place(_ mark: Mark?, _ file: String) -> SourceLocation {
        SourceLocation(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }
}
