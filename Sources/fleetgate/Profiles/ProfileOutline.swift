import FleetPolicy

/// What one profile says in the end, after `extends`: every value with its place and the profile that it is from.
struct ProfileOutline {
    /// Longer chains and rings of `extends` are mistakes of the language; an outline stops here.
    private static let basesMax = 8
    /// The lists that are added to those of the base.
    private static let addedLists: Set<String> = ["publish", "subscribe", "deny-publish", "deny-subscribe"]
    /// What says something of a profile itself, and not of those that extend it.
    private static let ownKeys: Set<String> = ["profile", "abstract", "extends"]

    struct Value: Encodable, Hashable {
        /// The dotted path, such as `limits.packet-bytes` or `publish[0].topic`.
        let key: String
        let value: String
        /// The profile that says so.
        let profile: String
        let file: String
        let line: Int
    }

    let name: String
    /// From the profile itself to its last base.
    let lineage: [String]
    let values: [Value]
    /// The document with what the bases add.
    let merged: SourceNode
    let file: String

    /// The outlines of all documents that have a name, in their order.
    static func all(_ documents: [SourceNode]) -> [ProfileOutline] {
        var byName: [String: SourceNode] = [:]
        for document in documents {
            if let name = document.text(at: "profile"), byName[name] == nil { byName[name] = document }
        }
        return documents.compactMap { document in
            document.text(at: "profile").map { ProfileOutline($0, document, among: byName) }
        }
    }

    private init(_ name: String, _ document: SourceNode, among documents: [String: SourceNode]) {
        var chain = [document]
        var names = [name]
        while let base = chain.last?.text(at: "extends"), let node = documents[base], !names.contains(base),
            names.count <= Self.basesMax
        {
            chain.append(node)
            names.append(base)
        }
        var owners: [String: String] = [:]
        for (name, node) in zip(names, chain) { owners[node.location.file] = name }
        var merged = chain.reversed().first ?? document
        for node in chain.dropLast().reversed() { merged = Self.merge(node, over: merged, isTop: true) }
        var values: [Value] = []
        Self.flatten(merged, key: "", owners: owners, into: &values)
        self.name = name
        self.lineage = names
        self.values = values
        self.merged = merged
        self.file = document.location.file
    }

    private static func merge(_ node: SourceNode, over base: SourceNode, isTop: Bool) -> SourceNode {
        guard case .mapping(let own, let location) = node, case .mapping(let inherited, _) = base else { return node }
        var entries = own
        for entry in inherited where !(isTop && ownKeys.contains(entry.key)) {
            guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
                entries.append(entry)
                continue
            }
            if isTop, addedLists.contains(entry.key), case .sequence(let items, let place) = entries[index].value,
                case .sequence(let baseItems, _) = entry.value
            {
                entries[index].value = .sequence(baseItems + items, place)
            } else {
                entries[index].value = merge(entries[index].value, over: entry.value, isTop: false)
            }
        }
        return .mapping(entries, location)
    }

    private static func flatten(_ node: SourceNode, key: String, owners: [String: String], into values: inout [Value]) {
        switch node {
        case .scalar(let text, _, let place):
            values.append(
                Value(
                    key: key, value: text, profile: owners[place.file] ?? "", file: place.file, line: place.line))
        case .sequence(let items, _):
            for (index, item) in items.enumerated() {
                flatten(item, key: "\(key)[\(index)]", owners: owners, into: &values)
            }
        case .mapping(let entries, _):
            for entry in entries {
                flatten(
                    entry.value, key: key.isEmpty ? entry.key : "\(key).\(entry.key)", owners: owners, into: &values)
            }
        }
    }

    /// The value of a top-level key as one text; nil when nobody says it.
    func text(_ key: String) -> String? { merged.text(at: key) }

    /// Lines for a person: `key: value`, and the place behind it.
    var text: String {
        var rows: [[String]] = []
        for value in values {
            let source = value.profile == name ? "" : " (\(value.profile))"
            rows.append(["\(value.key):", value.value, "\(value.file):\(value.line)\(source)"])
        }
        return AlignedColumns.text(rows)
    }
}

extension SourceNode {
    /// The value of a key of this mapping.
    func value(at key: String) -> SourceNode? {
        guard case .mapping(let entries, _) = self else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The text of a key of this mapping, when it is a single value.
    func text(at key: String) -> String? {
        guard case .scalar(let text, _, _) = value(at: key), !(value(at: key)?.isNull ?? true) else { return nil }
        return text
    }
}
