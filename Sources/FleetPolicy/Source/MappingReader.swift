/// Reads one mapping of an operator's document key by key, and collects every mistake instead of stopping at the
/// first.
///
/// Every method that asks for a key makes that key known; keys that were never asked for are reported as unknown when
/// the reading ends, with the nearest known key as a hint. So a reading asks for **all** its keys, whatever it finds,
/// and only then puts its result together. A method returns nil when the key is absent, or when its value is wrong,
/// which has then been reported.
///
/// ```swift
/// let mistakes = MistakeCollector()
/// let listener = MappingReader.read(node, reporting: mistakes) { reader in
///     (reader.requiredString("address"), reader.int("port", in: 1...65_535) ?? 8_883)
/// }
/// try mistakes.throwIfAny()
/// ```
public struct MappingReader {
    /// The dotted path of the mapping; empty for the document itself.
    public let path: String
    /// Where the mapping begins.
    public let location: SourceLocation
    /// Where to report what only the caller can know to be wrong.
    public let mistakes: MistakeCollector

    private var entries: [(key: String, keyLocation: SourceLocation, value: SourceNode)] = []
    private var knownKeys: [String] = []

    /// Reads `node` as a mapping: runs `body`, then reports the keys it did not ask for. Returns nil, with a mistake
    /// reported, when the node is not a mapping.
    public static func read<Value>(
        _ node: SourceNode, path: String = "", reporting mistakes: MistakeCollector,
        _ body: (inout MappingReader) -> Value
    ) -> Value? {
        guard case .mapping(let entries, let location) = node else {
            mistakes.report(
                .wrongKind, at: node.location, key: path, "expected keys and values, found \(node.kind)",
                hint: "write `key: value` lines")
            return nil
        }
        var reader = MappingReader(entries, path: path, location: location, mistakes: mistakes)
        let value = body(&reader)
        reader.reportUnknownKeys()
        return value
    }

    private init(
        _ entries: [(key: String, keyLocation: SourceLocation, value: SourceNode)], path: String,
        location: SourceLocation, mistakes: MistakeCollector
    ) {
        self.path = path
        self.location = location
        self.mistakes = mistakes
        var firstPlaces: [String: SourceLocation] = [:]
        for entry in entries {
            if let first = firstPlaces[entry.key] {
                mistakes.report(
                    .duplicateKey, at: entry.keyLocation, key: keyPath(entry.key),
                    "this key was given before, at line \(first.line)", hint: "keep one of the two")
            } else {
                firstPlaces[entry.key] = entry.keyLocation
                self.entries.append(entry)
            }
        }
    }

    /// The dotted path of a key of this mapping.
    public func keyPath(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// The keys that are there, in the order of the file. For mappings whose keys are free names.
    public var keys: [String] { entries.map(\.key) }

    /// Where a key stands, or where the mapping begins when it is absent.
    public func location(of key: String) -> SourceLocation {
        entries.first { $0.key == key }?.keyLocation ?? location
    }

    /// The value of a key as it stands; nil when absent. A key without a value is a mistake: whoever wrote
    /// `deny-publish:` and nothing below it meant something.
    public mutating func node(_ key: String) -> SourceNode? {
        if !knownKeys.contains(key) { knownKeys.append(key) }
        guard let value = entries.first(where: { $0.key == key })?.value else { return nil }
        guard !value.isNull else {
            mistakes.report(
                .missingKey, at: location(of: key), key: keyPath(key), "this key needs a value",
                hint: "remove the key when it is not needed")
            return nil
        }
        return value
    }

    /// The value of a key as it stands; absent or null is a mistake.
    public mutating func requiredNode(_ key: String, hint: String? = nil) -> SourceNode? {
        if entries.contains(where: { $0.key == key }) { return node(key) }
        knownKeys.append(key)
        mistakes.report(.missingKey, at: location, key: keyPath(key), "this key is required", hint: hint)
        return nil
    }

    /// Reads the value of a key as a mapping.
    public mutating func nested<Value>(_ key: String, _ body: (inout MappingReader) -> Value) -> Value? {
        guard let value = node(key) else { return nil }
        return MappingReader.read(value, path: keyPath(key), reporting: mistakes, body)
    }

    /// Reads the value of a key as a mapping that has to be there.
    public mutating func requiredNested<Value>(
        _ key: String, hint: String? = nil, _ body: (inout MappingReader) -> Value
    ) -> Value? {
        guard let value = requiredNode(key, hint: hint) else { return nil }
        return MappingReader.read(value, path: keyPath(key), reporting: mistakes, body)
    }

    /// The items of a list with the path of each; empty when the key is absent. More than `countMax` items are a
    /// mistake.
    public mutating func list(_ key: String, countMax: Int) -> [(node: SourceNode, path: String)] {
        guard let value = node(key) else { return [] }
        guard case .sequence(let items, let location) = value else {
            mistakes.report(
                .wrongKind, at: value.location, key: keyPath(key), "expected a list, found \(value.kind)",
                hint: "begin each item with `- `")
            return []
        }
        guard items.count <= countMax else {
            mistakes.report(
                .outOfRange, at: location, key: keyPath(key), "\(items.count) items, at most \(countMax) are allowed")
            return []
        }
        return items.enumerated().map { (node: $1, path: "\(keyPath(key))[\($0)]") }
    }

    /// A list of texts; empty when the key is absent.
    public mutating func strings(_ key: String, countMax: Int) -> [Located<String>] {
        list(key, countMax: countMax).compactMap { ScalarReader(mistakes).text($0.node, key: $0.path) }
    }

    private func reportUnknownKeys() {
        for entry in entries where !knownKeys.contains(entry.key) {
            let hint =
                if let nearest = Spelling.nearest(to: entry.key, among: knownKeys) {
                    "did you mean `\(nearest)`?"
                } else {
                    "known here: \(knownKeys.joined(separator: ", "))"
                }
            mistakes.report(.unknownKey, at: entry.keyLocation, key: keyPath(entry.key), "unknown key", hint: hint)
        }
    }
}

@available(*, unavailable) extension MappingReader: Sendable {}
