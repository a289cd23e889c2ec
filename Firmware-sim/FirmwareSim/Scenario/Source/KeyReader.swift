/// Reads one mapping key by key, and collects every mistake instead of stopping at the first.
///
/// Every method that asks for a key makes it known; keys nobody asked for are reported when the reading ends. So a
/// reading asks for all its keys, whatever it finds, and only then puts its result together. A method returns nil when
/// the key is absent, or when its value is wrong, which has then been reported.
struct KeyReader {
    /// Of the mapping; empty for the document itself.
    let path: String
    let place: SourcePlace
    let mistakes: MistakeCollector
    private let entries: [SourceNode.Entry]
    private var known: [String] = []

    /// Runs `body` over the node's keys, then reports those it did not ask for. Nil, with a mistake reported, when the
    /// node is not a mapping.
    static func read<Value>(
        _ node: SourceNode, path: String, reporting mistakes: MistakeCollector, _ body: (inout KeyReader) -> Value
    ) -> Value? {
        guard case .mapping(let entries) = node.content else {
            mistakes.report(
                .wrongKind, at: node.place, key: path, "keys and values are needed here, not \(node.kind)",
                hint: "write 'key: value' lines")
            return nil
        }
        var reader = KeyReader(path: path, place: node.place, mistakes: mistakes, entries: entries)
        let value = body(&reader)
        for entry in entries where !reader.known.contains(entry.key) {
            mistakes.report(
                .unknownKey, at: entry.place, key: reader.path(of: entry.key), "unknown key",
                hint: NearestName.hint(for: entry.key, among: reader.known))
        }
        return value
    }

    private init(path: String, place: SourcePlace, mistakes: MistakeCollector, entries: [SourceNode.Entry]) {
        self.path = path
        self.place = place
        self.mistakes = mistakes
        self.entries = entries
    }

    /// The keys that are there, in the order of the file; for mappings whose keys are free names.
    var keys: [String] { entries.map(\.key) }

    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Of the value, or of the mapping when the key is absent.
    func place(of key: String) -> SourcePlace { entries.first { $0.key == key }?.value.place ?? place }

    func report(_ code: SourceMistake.Code, _ key: String, _ problem: String, hint: String? = nil) {
        mistakes.report(code, at: place(of: key), key: path(of: key), problem, hint: hint)
    }

    /// A key without a value is a mistake: who wrote it meant something.
    mutating func node(_ key: String) -> SourceNode? {
        if !known.contains(key) { known.append(key) }
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        guard !entry.value.isNull else {
            mistakes.report(
                .missingKey, at: entry.place, key: path(of: key), "this key needs a value",
                hint: "leave the key out when it is not needed")
            return nil
        }
        return entry.value
    }

    /// Reports the key as missing if it is absent; what it holds is read by the other methods.
    mutating func require(_ key: String, hint: String? = nil) {
        if !known.contains(key) { known.append(key) }
        if !has(key) {
            mistakes.report(.missingKey, at: place, key: path(of: key), "this key is needed", hint: hint)
        }
    }

    mutating func nested<Value>(_ key: String, _ body: (inout KeyReader) -> Value) -> Value? {
        guard let node = node(key) else { return nil }
        return KeyReader.read(node, path: path(of: key), reporting: mistakes, body)
    }

    /// The items of a list with the path of each; nil when the key is absent or no list.
    mutating func list(_ key: String, countMax: Int) -> [(node: SourceNode, path: String)]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            report(.wrongKind, key, "a list is needed here, not \(node.kind)", hint: "begin each item with '- '")
            return nil
        }
        guard items.count <= countMax else {
            report(.outOfRange, key, "\(items.count) items are too many", hint: "at most \(countMax)")
            return nil
        }
        return items.enumerated().map { (node: $1, path: "\(path(of: key))[\($0)]") }
    }

    /// A list of texts with the place of each.
    mutating func texts(_ key: String, countMax: Int) -> [Located<String>]? {
        list(key, countMax: countMax)?.compactMap { item in
            ScalarReader(mistakes: mistakes).text(item.node, path: item.path)
        }
    }
}

@available(*, unavailable) extension KeyReader: Sendable {}

/// A value with the place it was read from, for mistakes that show only later.
struct Located<Value> {
    var value: Value
    var place: SourcePlace
    var path: String
}
