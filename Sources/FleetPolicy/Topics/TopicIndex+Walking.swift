extension TopicIndex {
    /// The marks of all filters that match every topic which `requested` matches. A topic name is a filter that matches
    /// only itself, so this also answers which filters match a topic (MQTT 4.7).
    ///
    /// `requested` is a well-formed topic name or filter (`TopicText`). No allocation.
    func marks(covering requested: Span<UInt8>, with values: PlaceholderValues) -> Marks {
        // The arrays go along as spans, one by one: through `self`, each step would count references.
        let marks = Self.covering(requested, from: 0, at: 0, values.storage.span, nodes.span, edges.span, text.span)
        // A wildcard at the beginning does not match what begins with `$` [MQTT-4.7.2-1].
        return requested.begins(with: UInt8(ascii: "$")) ? marks : marks | nodes[0].deeper
    }

    /// The marks of all filters that match some topic which `requested` matches too.
    ///
    /// `requested` is a well-formed topic filter (`TopicText`). No allocation.
    func marks(overlapping requested: Span<UInt8>, with values: PlaceholderValues) -> Marks {
        let marks = Self.overlapping(requested, from: 0, at: 0, values.storage.span, nodes.span, edges.span, text.span)
        return requested.begins(with: UInt8(ascii: "$")) ? marks : marks | nodes[0].deeper
    }

    /// Follows the level that begins at `position` from a node to those of its children that match it, and so on.
    ///
    /// Where several children match, all but the last are followed by a call: the calls nest no deeper than the
    /// profile's filters have levels (`PolicyBounds.patternBytesMax`).
    private static func covering(
        _ requested: Span<UInt8>, from start: Int, at startPosition: Int, _ values: Span<UInt8>, _ nodes: Span<Node>,
        _ edges: Span<Edge>, _ text: Span<UInt8>
    ) -> Marks {
        var marks: Marks = 0
        var place = start
        var position = startPosition
        while true {
            // The end of the level; negative as long as nothing needed it.
            var end = -1
            // The child to go on from; 0 when there is none.
            var next = 0
            if nodes[place].literalBits > 0 {
                let level = level(of: requested, at: position)
                end = level.end
                let child = literalChild(of: nodes[place], level.key, requested, position, end, edges, text)
                if child != 0 { next = arrive(at: child, requested, end, nodes, &marks) }
            }
            for edge in nodes[place].composedStart..<nodes[place].composedEnd {
                let match = self.end(of: edges[Int(edge)], requested, position, values, text)
                guard match >= 0 else { continue }
                end = match
                let other = arrive(at: edges[Int(edge)].child, requested, end, nodes, &marks)
                guard other != 0 else { continue }
                if next != 0 { marks |= covering(requested, from: next, at: end &+ 1, values, nodes, edges, text) }
                next = other
            }
            if nodes[place].anyLevel != 0, takesAnyLevel(requested, position) {
                if end < 0 { end = requested.endOfLevel(from: position) }
                let other = arrive(at: nodes[place].anyLevel, requested, end, nodes, &marks)
                if other != 0, next != 0 {
                    marks |= covering(requested, from: other, at: end &+ 1, values, nodes, edges, text)
                } else if other != 0 {
                    next = other
                }
            }
            guard next != 0 else { return marks }
            place = next
            position = end &+ 1
        }
    }

    /// As `covering`, where a wildcard of `requested` meets every child. Every child that matches is followed by a
    /// call.
    private static func overlapping(
        _ requested: Span<UInt8>, from place: Int, at position: Int, _ values: Span<UInt8>, _ nodes: Span<Node>,
        _ edges: Span<Edge>, _ text: Span<UInt8>
    ) -> Marks {
        let node = nodes[place]
        var marks: Marks = 0
        if isTail(requested, position) || isAnyLevel(requested, position) {
            for edge in Int(node.literalStart)..<Int(node.composedEnd) where edges[edge].child != 0 {
                // At the beginning, a wildcard does not meet what begins with `$`.
                guard place != 0 || !edges[edge].isReserved else { continue }
                marks |= met(edges[edge].child, requested, position, position &+ 1, values, nodes, edges, text)
            }
            if node.anyLevel != 0 {
                marks |= met(node.anyLevel, requested, position, position &+ 1, values, nodes, edges, text)
            }
            return marks
        }
        let (end, key) = level(of: requested, at: position)
        if node.literalBits > 0 {
            let child = literalChild(of: node, key, requested, position, end, edges, text)
            if child != 0 { marks |= met(child, requested, position, end, values, nodes, edges, text) }
        }
        for edge in Int(node.composedStart)..<Int(node.composedEnd)
        where self.end(of: edges[edge], requested, position, values, text) >= 0 {
            marks |= met(edges[edge].child, requested, position, end, values, nodes, edges, text)
        }
        if node.anyLevel != 0, takesAnyLevel(requested, position) {
            marks |= met(node.anyLevel, requested, position, end, values, nodes, edges, text)
        }
        return marks
    }

    /// The marks of a node, and of those below it, that is met by the level `requested[position..<end]`.
    private static func met(
        _ child: UInt32, _ requested: Span<UInt8>, _ position: Int, _ end: Int, _ values: Span<UInt8>,
        _ nodes: Span<Node>, _ edges: Span<Edge>, _ text: Span<UInt8>
    ) -> Marks {
        // `#` stands for the level before it and everything below.
        if isTail(requested, position) || end < requested.count && isTail(requested, end &+ 1) {
            return nodes[Int(child)].subtree
        }
        var marks: Marks = 0
        let next = arrive(at: child, requested, end, nodes, &marks)
        return next == 0
            ? marks : marks | overlapping(requested, from: next, at: end &+ 1, values, nodes, edges, text)
    }

    /// The end and the key of the level that begins at `position`.
    @inline(__always)
    private static func level(of requested: Span<UInt8>, at position: Int) -> (end: Int, key: UInt64) {
        var key: UInt64 = 0
        for end in position..<requested.count {
            let byte = requested[end]
            if byte == UInt8(ascii: "/") { return (end, key) }
            key = Self.key(key, byte)
        }
        return (requested.count, key)
    }

    /// Takes up the marks of a node that has been reached by the level that ends at `end`. Returns the node when there
    /// are levels to go on with, and children to go on to; 0 otherwise.
    @inline(__always)
    private static func arrive(
        at place: UInt32, _ requested: Span<UInt8>, _ end: Int, _ nodes: Span<Node>, _ marks: inout Marks
    ) -> Int {
        let place = Int(place)
        marks |= nodes[place].deeper
        guard end == requested.count else { return nodes[place].hasChildren ? place : 0 }
        marks |= nodes[place].end
        return 0
    }

    /// Whether `#` stands at `position`.
    @inline(__always)
    private static func isTail(_ requested: Span<UInt8>, _ position: Int) -> Bool {
        position < requested.count && requested[position] == UInt8(ascii: "#")
    }

    /// Whether `+` stands at `position`: in a well-formed filter, it is the whole level then.
    @inline(__always)
    private static func isAnyLevel(_ requested: Span<UInt8>, _ position: Int) -> Bool {
        position < requested.count && requested[position] == UInt8(ascii: "+")
    }

    /// Whether `+` of the profile takes the level at `position`: not `#`, which reaches further than one level can; and
    /// not `$` at the beginning.
    @inline(__always)
    private static func takesAnyLevel(_ requested: Span<UInt8>, _ position: Int) -> Bool {
        guard position < requested.count else { return true }
        return requested[position] != UInt8(ascii: "#") && (position > 0 || requested[0] != UInt8(ascii: "$"))
    }

    /// The literal child for the level `requested[position..<end]`; 0 when there is none.
    @inline(__always)
    private static func literalChild(
        of node: Node, _ key: UInt64, _ requested: Span<UInt8>, _ position: Int, _ end: Int, _ edges: Span<Edge>,
        _ text: Span<UInt8>
    ) -> UInt32 {
        let start = Int(node.literalStart)
        let mask = (1 &<< Int(node.literalBits)) &- 1
        var place = Self.place(of: key, bits: node.literalBits)
        while true {
            let edge = edges[start &+ place]
            if edge.child == 0 { return 0 }
            if edge.key == key, Int(edge.textCount) == end &- position,
                isSame(requested, position, text, Int(edge.textStart), Int(edge.textCount) &- keyBytes)
            {
                return edge.child
            }
            place = (place &+ 1) & mask
        }
    }

    /// The end of the level that begins at `position` when it is, for the device, this one with placeholders; negative
    /// when it is not.
    @inline(__always)
    private static func end(
        of edge: Edge, _ requested: Span<UInt8>, _ position: Int, _ values: Span<UInt8>, _ text: Span<UInt8>
    ) -> Int {
        var end = position
        var part = Int(edge.textStart)
        let partsEnd = part &+ Int(edge.textCount)
        while part < partsEnd {
            let count = Int(text[part])
            if count == 0 {
                let range = PlaceholderValues.range(of: Int(text[part &+ 1]), in: values)
                guard isSame(requested, end, values, range.lowerBound, range.count) else { return -1 }
                end &+= range.count
                part &+= 2
            } else {
                guard isSame(requested, end, text, part &+ 1, count) else { return -1 }
                end &+= count
                part &+= 1 &+ count
            }
        }
        return end == requested.count || requested[end] == UInt8(ascii: "/") ? end : -1
    }

    /// Whether `count` bytes stand in both; a negative count is none.
    @inline(__always)
    private static func isSame(
        _ left: Span<UInt8>, _ leftStart: Int, _ right: Span<UInt8>, _ rightStart: Int, _ count: Int
    ) -> Bool {
        guard count > 0 else { return true }
        guard count <= left.count &- leftStart else { return false }
        // Cut out first, so that the loop needs no look at the bounds.
        let left = left.extracting(leftStart..<leftStart &+ count)
        let right = right.extracting(rightStart..<rightStart &+ count)
        for offset in left.indices where left[offset] != right[offset] { return false }
        return true
    }
}
