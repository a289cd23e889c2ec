import Foundation
import Yams

/// Turns YAML into ``SourceNode``s.
///
/// The part of YAML that is taken: mappings with text keys, lists, scalars, one document for each file. Anchors, aliases
/// and tags are refused: nobody needs them here, and aliases can make a small file enormous.
enum YAMLSource {
    /// Bytes of one file; the largest scenario that ships has under ten thousand.
    static let fileBytesMax = 256 * 1_024
    /// Levels of nesting; the deepest key of ours is on the sixth.
    static let depthMax = 24
    /// What looks like an alias, before the text is parsed. The parser compares keys through aliases, which takes it
    /// exponentially long in their number; so few cannot hurt. Those that turn out to be aliases are refused afterwards.
    static let possibleAliasesMax = 8

    /// - Parameter path: As the operator wrote it; mistakes name it so.
    /// - Returns: Nil, with mistakes reported, when it cannot be read or is not YAML of the kind above.
    static func read(path: String, reporting mistakes: MistakeCollector) -> SourceNode? {
        func refuse(_ problem: String) -> SourceNode? {
            mistakes.report(.unreadable, at: SourcePlace(file: path, line: 1, column: 1), key: "", problem)
            return nil
        }
        guard let values = try? URL(fileURLWithPath: path).resourceValues(forKeys: [.isDirectoryKey]) else {
            return refuse("there is no such file")
        }
        guard values.isDirectory != true else { return refuse("this is a folder") }
        guard let handle = FileHandle(forReadingAtPath: path) else { return refuse("the file cannot be opened") }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: fileBytesMax + 1) ?? Data() else {
            return refuse("the file cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else { return refuse("the file is not UTF-8 text") }
        return parse(text, file: path, reporting: mistakes)
    }

    static func parse(_ text: String, file: String, reporting mistakes: MistakeCollector) -> SourceNode? {
        let start = SourcePlace(file: file, line: 1, column: 1)
        guard text.utf8.count <= fileBytesMax else {
            mistakes.report(.unreadable, at: start, key: "", "the file has more than \(fileBytesMax) bytes")
            return nil
        }
        if let line = lineOfExcessAlias(text) {
            let place = SourcePlace(file: file, line: line, column: 1)
            mistakes.report(
                .unsupportedYAML, at: place, key: "", Unsupported.alias.rawValue, hint: Unsupported.alias.hint)
            return nil
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            // Nodes refer to their anchors weakly: those are gone with the parser.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else {
                    mistakes.report(.missingKey, at: start, key: "", "the file is empty")
                    return nil
                }
                return Conversion(file: file, mistakes: mistakes).node(root, key: "", depth: 1)
            }
        } catch {
            report(error, text: text, file: file, to: mistakes)
            return nil
        }
    }

    private enum Unsupported: String {
        case alias = "anchors and aliases are not taken"
        case tag = "tags are not taken"
        case key = "a key must be a text"
        case depth = "nested too deeply"

        var hint: String {
            switch self {
            case .alias: "write the value where it is used; a text that begins with & or * needs quotes"
            case .tag: "a text that begins with ! needs quotes"
            case .key: "a text with braces or brackets needs quotes"
            case .depth: "at most \(YAMLSource.depthMax) levels"
            }
        }
    }

    /// The line with the first star beyond ``possibleAliasesMax`` that stands where a value may begin.
    private static func lineOfExcessAlias(_ text: String) -> Int? {
        var count = 0
        var line = 1
        var isFirst = true
        var previous: UInt8?
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if byte == UInt8(ascii: "\n") { line += 1 }
                previous = nil
                isFirst = true
                continue
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                continue
            case UInt8(ascii: "*") where previous.map(mayPrecedeValue) ?? isFirst:
                count += 1
                if count > possibleAliasesMax { return line }
            default:
                break
            }
            previous = byte
            isFirst = false
        }
        return nil
    }

    /// An indicator of YAML; or a byte of a character beyond ASCII, some of which end a line for the parser.
    private static func mayPrecedeValue(_ byte: UInt8) -> Bool {
        ":-[{,?".utf8.contains(byte) || byte >= 0x80
    }

    private struct Conversion {
        let file: String
        let mistakes: MistakeCollector

        func node(_ node: Node, key: String, depth: Int) -> SourceNode? {
            let place = place(node.mark)
            guard depth <= YAMLSource.depthMax else { return refuse(.depth, at: place, key: key) }
            guard node.anchor == nil else { return refuse(.alias, at: place, key: key) }
            switch node {
            case .alias:
                return refuse(.alias, at: place, key: key)
            case .scalar(let scalar):
                let isQuoted = scalar.style != .plain && scalar.style != .any
                // The parser itself gives every scalar in quotes the tag of a text.
                guard isAbsent(scalar.tag) || isQuoted && scalar.tag.description == Tag.Name.str.rawValue else {
                    return refuse(.tag, at: place, key: key)
                }
                return SourceNode(content: .scalar(scalar.string, isQuoted: isQuoted), place: place)
            case .sequence(let sequence):
                guard isAbsent(sequence.tag) else { return refuse(.tag, at: place, key: key) }
                let items = sequence.enumerated().compactMap { index, item in
                    self.node(item, key: "\(key)[\(index)]", depth: depth + 1)
                }
                return SourceNode(content: .sequence(items), place: place)
            case .mapping(let mapping):
                guard isAbsent(mapping.tag) else { return refuse(.tag, at: place, key: key) }
                var entries: [SourceNode.Entry] = []
                for (name, value) in mapping {
                    // A key's tag is not looked at: the parser fills it in when it compares keys.
                    guard case .scalar(let scalar) = name, name.anchor == nil else {
                        _ = refuse(name.anchor == nil ? .key : .alias, at: self.place(name.mark), key: key)
                        continue
                    }
                    let path = key.isEmpty ? scalar.string : "\(key).\(scalar.string)"
                    guard let value = self.node(value, key: path, depth: depth + 1) else { continue }
                    entries.append(.init(key: scalar.string, place: self.place(name.mark), value: value))
                }
                return SourceNode(content: .mapping(entries), place: place)
            }
        }

        private func isAbsent(_ tag: Tag) -> Bool { tag.description.isEmpty }

        private func refuse(_ problem: Unsupported, at place: SourcePlace, key: String) -> SourceNode? {
            mistakes.report(.unsupportedYAML, at: place, key: key, problem.rawValue, hint: problem.hint)
            return nil
        }

        private func place(_ mark: Mark?) -> SourcePlace { YAMLSource.place(mark, file: file) }
    }

    private static func place(_ mark: Mark?, file: String) -> SourcePlace {
        SourcePlace(file: file, line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
    }

    private static func report(_ error: any Error, text: String, file: String, to mistakes: MistakeCollector) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            mistakes.report(
                .badYAML, at: place(mark, file: file), key: "", "not valid YAML: \(problem)",
                hint: context.map { "\($0.text), line \(max(1, $0.mark.line))" })
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            mistakes.report(
                .duplicateKey, at: place(context.mark, file: file), key: "", "given more than once: \(keys)",
                hint: "keep one of them")
        case .reader(_, let offset, _, _):
            let line = text.utf8.prefix(offset ?? 0).count { $0 == UInt8(ascii: "\n") } + 1
            mistakes.report(
                .badYAML, at: SourcePlace(file: file, line: line, column: 1), key: "",
                "not valid YAML: a character that it does not allow")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded, nil:
            mistakes.report(.badYAML, at: place(nil, file: file), key: "", "not valid YAML")
        }
    }
}
