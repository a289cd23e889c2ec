import Dispatch
import FleetPolicy
import Foundation
import Synchronization
import Yams

/// Reads YAML files into the tree that configuration and device profiles are read from.
///
/// The part of YAML that is taken: mappings with text keys, sequences, scalars; one document for each file. Anchors,
/// aliases and tags are refused: nobody needs them here, and aliases can make a small file enormous.
enum YAMLDocument {
    /// Bytes of one file. The largest profile or configuration by hand has some tens of thousands.
    static let fileBytesMax = 1 << 20
    /// Levels of nesting; the deepest key of ours is on the fourth.
    static let depthMax = 32
    /// What looks like an alias, in a file, before it is parsed. The parser compares keys by value, through aliases,
    /// so a few dozen of them as keys would keep it busy for years; sixteen cannot.
    static let aliasesMax = 16

    /// Reads a file. Nil, with mistakes reported, when it cannot be read or is not YAML.
    static func read(_ path: String, reporting mistakes: MistakeCollector) -> SourceNode? {
        do {
            let text = try BoundedFile.readText(path, bytesMax: fileBytesMax)
            return parse(text, file: path, reporting: mistakes)
        } catch {
            let place = SourceLocation(file: path, line: 1, column: 1)
            mistakes.report(
                OperatorMistake.Code(error.reason.rawValue), at: place, key: "", error.description, hint: error.hint)
            return nil
        }
    }

    /// Reads files on all processors, in the order given; those that cannot be read, or are not YAML, are left out with
    /// their mistakes reported.
    static func readAll(_ paths: [String], reporting mistakes: MistakeCollector) -> [SourceNode] {
        let parts = min(paths.count, ProcessInfo.processInfo.activeProcessorCount)
        guard parts > 1 else { return paths.compactMap { read($0, reporting: mistakes) } }
        let results = Mutex([(documents: [SourceNode], mistakes: [OperatorMistake])](repeating: ([], []), count: parts))
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let own = MistakeCollector()
            let files = paths[paths.count * part / parts..<paths.count * (part + 1) / parts]
            let documents = files.compactMap { read($0, reporting: own) }
            let found = own.mistakes
            results.withLock { $0[part] = (documents, found) }
        }
        let all = results.withLock { $0 }
        for mistake in all.flatMap(\.mistakes) { mistakes.report(mistake) }
        return all.flatMap(\.documents)
    }

    /// Parses a text. Nil, with mistakes reported, when it is not YAML of the kind above.
    static func parse(_ text: String, file: String, reporting mistakes: MistakeCollector) -> SourceNode? {
        if let line = lineOfExcessAlias(text) {
            report(.alias, at: SourceLocation(file: file, line: line, column: 1), to: mistakes)
            return nil
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            // Nodes refer to their anchors weakly: they are gone with the parser.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else {
                    mistakes.report(
                        .missingKey, at: SourceLocation(file: file, line: 1, column: 1), key: "", "the file is empty")
                    return nil
                }
                let conversion = Conversion(file: file, mistakes: mistakes)
                return conversion.node(root, depth: 1)
            }
        } catch {
            report(error, text: text, file: file, to: mistakes)
            return nil
        }
    }

    private enum Unsupported: String {
        case alias = "anchors and aliases are not supported"
        case tag = "tags are not supported"
        case key = "a key has to be a text"
        case depth = "nested too deeply"

        var hint: String {
            switch self {
            case .alias: "write the value where it is used; a text that begins with & or * needs quotes"
            case .tag: "a text that begins with ! needs quotes"
            case .key: "a text with braces or brackets needs quotes"
            case .depth: "at most \(YAMLDocument.depthMax) levels"
            }
        }
    }

    private static func report(_ problem: Unsupported, at place: SourceLocation, to mistakes: MistakeCollector) {
        mistakes.report(.unsupportedYAML, at: place, key: "", problem.rawValue, hint: problem.hint)
    }

    /// The line of the first `*name` beyond ``aliasesMax`` that may be an alias: at the beginning of a value.
    private static func lineOfExcessAlias(_ text: String) -> Int? {
        var count = 0
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) == UInt8(ascii: "#") {
                continue
            }
            var previous = UInt8(ascii: " ")
            for byte in line {
                if previous == UInt8(ascii: "*"), byte != UInt8(ascii: " ") { count += 1 }
                // A star inside a word, or after one, cannot be an alias.
                let begins = " \t[{,".utf8.contains(previous)
                previous = byte == UInt8(ascii: "*") && !begins ? UInt8(ascii: "x") : byte
            }
            if count > aliasesMax { return index + 1 }
        }
        return nil
    }

    private struct Conversion {
        let file: String
        let mistakes: MistakeCollector

        func node(_ node: Node, depth: Int) -> SourceNode? {
            let place = location(node.mark)
            guard depth <= YAMLDocument.depthMax else { return refuse(.depth, at: place) }
            guard node.anchor == nil else { return refuse(.alias, at: place) }
            switch node {
            case .alias:
                return refuse(.alias, at: place)
            case .scalar(let scalar):
                let isPlain = scalar.style == .plain || scalar.style == .any
                // The parser itself gives every scalar in quotes the tag of a text.
                guard scalar.tag.isAbsent || !isPlain && scalar.tag.name(is: .str) else {
                    return refuse(.tag, at: place)
                }
                return .scalar(scalar.string, quoted: !isPlain, place)
            case .sequence(let sequence):
                guard sequence.tag.isAbsent else { return refuse(.tag, at: place) }
                var items: [SourceNode] = []
                for item in sequence {
                    if let item = self.node(item, depth: depth + 1) { items.append(item) }
                }
                return .sequence(items, place)
            case .mapping(let mapping):
                guard mapping.tag.isAbsent else { return refuse(.tag, at: place) }
                var entries: [(key: String, keyLocation: SourceLocation, value: SourceNode)] = []
                for (key, value) in mapping {
                    // The tag of a key is not looked at: the parser has filled it in when it compared keys.
                    guard case .scalar(let scalar) = key, key.anchor == nil else {
                        _ = refuse(key.anchor == nil ? .key : .alias, at: location(key.mark))
                        continue
                    }
                    if let value = self.node(value, depth: depth + 1) {
                        entries.append((key: scalar.string, keyLocation: location(key.mark), value: value))
                    }
                }
                return .mapping(entries, place)
            }
        }

        private func refuse(_ problem: Unsupported, at place: SourceLocation) -> SourceNode? {
            YAMLDocument.report(problem, at: place, to: mistakes)
            return nil
        }

        private func location(_ mark: Mark?) -> SourceLocation {
            SourceLocation(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
        }
    }

    private static func report(_ error: any Error, text: String, file: String, to mistakes: MistakeCollector) {
        func place(_ mark: Mark?) -> SourceLocation {
            SourceLocation(file: file, line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
        }
        func notYAML(_ place: SourceLocation, _ problem: String, hint: String? = nil) {
            mistakes.report(.badYAML, at: place, key: "", "not valid YAML: \(problem)", hint: hint)
        }
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            notYAML(place(mark), problem, hint: context.map { "\($0.text), line \(max(1, $0.mark.line))" })
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            mistakes.report(
                .duplicateKey, at: place(context.mark), key: "", "given more than once: \(keys)",
                hint: "keep one of them")
        case .reader(_, let offset, _, _):
            let line = text.utf8.prefix(offset ?? 0).count { $0 == UInt8(ascii: "\n") } + 1
            notYAML(SourceLocation(file: file, line: line, column: 1), "a character that YAML does not allow")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded, nil:
            notYAML(place(nil), "it cannot be parsed")
        }
    }
}

extension Tag {
    /// Whether the operator wrote none.
    fileprivate var isAbsent: Bool { description.isEmpty }

    fileprivate func name(is name: Name) -> Bool { description == name.rawValue }
}

extension OperatorMistake.Code {
    /// The text is not YAML.
    static let badYAML = Self("bad-yaml")
    /// YAML of a kind that is not taken here.
    static let unsupportedYAML = Self("unsupported-yaml")
}
