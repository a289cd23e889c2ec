/// Builds a `TopicIndex`: a tree first, then the flat arrays.
struct TopicIndexBuilder {
    private struct Branch {
        var literals: [[UInt8]: Int] = [:]
        /// The keys of `literals` in the order in which they came, so that the same filters give the same index.
        var literalOrder: [[UInt8]] = []
        var composed: [(level: [FilterLevel.Part], child: Int)] = []
        var anyLevel: Int?
        var end: TopicIndex.Marks = 0
        var deeper: TopicIndex.Marks = 0
    }

    private var branches = [Branch()]

    static func index(of filters: [(filter: FilterTemplate, marks: TopicIndex.Marks)]) -> TopicIndex {
        var builder = TopicIndexBuilder()
        for (filter, marks) in filters { builder.insert(filter, marks) }
        return builder.index()
    }

    private mutating func insert(_ filter: FilterTemplate, _ marks: TopicIndex.Marks) {
        var place = 0
        for level in filter.levels {
            switch level {
            case .literal(let bytes): place = literalChild(of: place, bytes)
            case .composed(let parts): place = composedChild(of: place, parts)
            case .anyLevel: place = anyLevelChild(of: place)
            case .deeper:
                branches[place].deeper |= marks
                return
            }
        }
        branches[place].end |= marks
    }

    private mutating func newBranch() -> Int {
        branches.append(Branch())
        return branches.count - 1
    }

    private mutating func literalChild(of place: Int, _ bytes: [UInt8]) -> Int {
        if let child = branches[place].literals[bytes] { return child }
        let child = newBranch()
        branches[place].literals[bytes] = child
        branches[place].literalOrder.append(bytes)
        return child
    }

    private mutating func composedChild(of place: Int, _ parts: [FilterLevel.Part]) -> Int {
        if let known = branches[place].composed.first(where: { $0.level == parts }) { return known.child }
        let child = newBranch()
        branches[place].composed.append((parts, child))
        return child
    }

    private mutating func anyLevelChild(of place: Int) -> Int {
        if let child = branches[place].anyLevel { return child }
        let child = newBranch()
        branches[place].anyLevel = child
        return child
    }

    // MARK: Flattening

    private func index() -> TopicIndex {
        var nodes: [TopicIndex.Node] = []
        var edges: [TopicIndex.Edge] = []
        var text: [UInt8] = []
        nodes.reserveCapacity(branches.count)
        for branch in branches {
            var node = TopicIndex.Node()
            node.end = branch.end
            node.deeper = branch.deeper
            node.anyLevel = UInt32(branch.anyLevel ?? 0)
            node.hasChildren = branch.anyLevel != nil || !branch.literals.isEmpty || !branch.composed.isEmpty
            node.literalStart = UInt32(edges.count)
            if !branch.literals.isEmpty {
                node.literalBits = Self.tableBits(for: branch.literals.count)
                edges += Self.table(
                    branch.literalOrder.map { ($0, branch.literals[$0] ?? 0) }, bits: node.literalBits, text: &text)
            }
            node.composedStart = UInt32(edges.count)
            edges += branch.composed.map { Self.edge(.composed($0.level), Self.encoded($0.level), $0.child, &text) }
            node.composedEnd = UInt32(edges.count)
            nodes.append(node)
        }
        // A child always stands behind its parent, so backwards every child is ready before its parent.
        for place in branches.indices.reversed() {
            let branch = branches[place]
            var marks = branch.end | branch.deeper
            for child in branch.literals.values { marks |= nodes[child].subtree }
            for edge in branch.composed { marks |= nodes[edge.child].subtree }
            if let child = branch.anyLevel { marks |= nodes[child].subtree }
            nodes[place].subtree = marks
        }
        return TopicIndex(nodes: nodes, edges: edges, text: text)
    }

    /// At least half of a table stays free, so that a search ends soon; at least 2 places, because 0 bits mean none.
    private static func tableBits(for count: Int) -> UInt8 {
        var bits: UInt8 = 1
        while 1 << bits < count * 2 { bits += 1 }
        return bits
    }

    private static func table(
        _ levels: [(bytes: [UInt8], child: Int)], bits: UInt8, text: inout [UInt8]
    ) -> [TopicIndex.Edge] {
        var table = [TopicIndex.Edge](repeating: TopicIndex.Edge(), count: 1 << bits)
        for (bytes, child) in levels {
            var edge = edge(.literal(bytes), bytes, child, &text)
            edge.key = bytes.reduce(0, TopicIndex.key)
            var place = TopicIndex.place(of: edge.key, bits: bits)
            while table[place].child != 0 { place = (place + 1) & (table.count - 1) }
            table[place] = edge
        }
        return table
    }

    private static func edge(
        _ level: FilterLevel, _ encoded: [UInt8], _ child: Int, _ text: inout [UInt8]
    ) -> TopicIndex.Edge {
        var edge = TopicIndex.Edge()
        edge.textStart = UInt32(text.count)
        edge.textCount = UInt32(encoded.count)
        edge.child = UInt32(child)
        edge.isReserved = level.isReserved
        text += encoded
        return edge
    }

    /// The parts of a level as `TopicIndex.Edge` has them. There are far fewer than 256 placeholders
    /// (`PolicyBounds.capturesPerProfileMax`).
    private static func encoded(_ parts: [FilterLevel.Part]) -> [UInt8] {
        var encoded: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes):
                for start in stride(from: 0, to: bytes.count, by: 255) {
                    let piece = bytes[start..<min(bytes.count, start + 255)]
                    encoded.append(UInt8(piece.count))
                    encoded += piece
                }
            case .placeholder(let slot):
                encoded += [0, UInt8(slot)]
            }
        }
        return encoded
    }
}
