import FleetPolicy

/// What one profile says in the end, after `extends`: every value with its place and the profile that it is from.
struct ProfileOutline {
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
        return zip(documents, ProfileCompiler.withInheritance(documents)).compactMap { document, merged in
            document.text(at: "profile").map { ProfileOutline($0, document, merged ?? document, among: byName) }
        }
    }

    private init(_ name: String, _ document: SourceNode, _ merged: SourceNode, among documents: [String: SourceNode]) {
        var chain = [document]
        var names = [name]
        while let base = chain.last?.text(at: "extends"), let node = documents[base], !names.contains(base) {
            chain.append(node)
            names.append(base)
        }
        var owners: [String: String] = [:]
        for (name, node) in zip(names, chain) { owners[node.location.file] = name }
        var values: [Value] = []
        Self.flatten(merged, key: "", owners: owners, into: &values)
        self.name = name
        self.lineage = names
        self.values = values
        self.merged = merged
        self.file = document.location.file
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
