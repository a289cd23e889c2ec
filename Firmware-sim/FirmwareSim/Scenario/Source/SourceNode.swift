/// A value in a file, with its place: what YAML is turned into before it is read.
struct SourceNode: Sendable {
    indirect enum Content: Sendable {
        /// `isQuoted`: written in quotes or as a block, so that it is a text and never null.
        case scalar(String, isQuoted: Bool)
        case sequence([SourceNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var place: SourcePlace
        var value: SourceNode
    }

    var content: Content
    var place: SourcePlace

    /// For messages: `a text`, `a list`, `keys and values`.
    var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a text"
        case .sequence: "a list"
        case .mapping: "keys and values"
        }
    }

    /// A key without a value, or `null` in one of YAML's spellings.
    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}
