extension FilterTemplate {
    /// Whether this filter matches every topic that `requested` matches. A topic name is a filter that matches only
    /// itself, so this also answers whether the filter matches a topic (MQTT 4.7).
    ///
    /// The empty topic name counts as one here, though nobody can publish to it: `/#` is not covered by `/+/#`.
    ///
    /// `requested` is a well-formed topic name or filter (`TopicText`). No allocation.
    func covers(_ requested: Span<UInt8>, with values: PlaceholderValues) -> Bool {
        var position = 0
        for (index, token) in tokens.enumerated() {
            switch token {
            case .literal(let start, let count):
                guard requested.holds(literals.span, Int(start)..<Int(start + count), at: position) else {
                    return false
                }
                position += Int(count)
            case .placeholder(let slot):
                let range = values.range(of: slot)
                guard requested.holds(values.storage.span, range, at: position) else { return false }
                position += range.count
            case .anyLevel:
                // A wildcard at the beginning does not match what begins with `$` [MQTT-4.7.2-1].
                if index == 0, requested.begins(with: UInt8(ascii: "$")) { return false }
                // `#` reaches further than one level can.
                if position < requested.count, requested[position] == UInt8(ascii: "#") { return false }
                position = requested.endOfLevel(from: position)
            case .anyDeeper:
                return position == requested.count || requested[position] == UInt8(ascii: "/")
            case .anyTopic:
                return !requested.begins(with: UInt8(ascii: "$"))
            }
        }
        return position == requested.count
    }

    /// Whether there is a topic that both this filter and `requested` match.
    ///
    /// `requested` is a well-formed topic filter (`TopicText`). No allocation.
    func overlaps(_ requested: Span<UInt8>, with values: PlaceholderValues) -> Bool {
        var cursor = Cursor(self, values)
        // A wildcard at the beginning does not match what begins with `$` [MQTT-4.7.2-1].
        let requestedIsReserved = requested.begins(with: UInt8(ascii: "$"))
        if requestedIsReserved != (cursor.current == .byte(UInt8(ascii: "$"))) {
            let otherIsWildcard =
                requestedIsReserved
                ? cursor.current == .anyLevel || cursor.current == .anyTopic
                : requested.begins(with: UInt8(ascii: "+")) || requested.begins(with: UInt8(ascii: "#"))
            if otherIsWildcard { return false }
        }
        var position = 0
        while true {
            // Both at the beginning of a level.
            if cursor.current == .anyTopic { return true }
            if position < requested.count, requested[position] == UInt8(ascii: "#") { return true }
            let requestedIsWildcard = position < requested.count && requested[position] == UInt8(ascii: "+")
            if requestedIsWildcard || cursor.current == .anyLevel {
                position = requested.endOfLevel(from: position)
                cursor.skipLevel()
            } else {
                while position < requested.count, requested[position] != UInt8(ascii: "/") {
                    guard cursor.current == .byte(requested[position]) else { return false }
                    cursor.advance()
                    position += 1
                }
                guard cursor.isAtEndOfLevel else { return false }
            }
            // Both at the end of a level.
            if cursor.current == .anyDeeper { return true }
            if position == requested.count { return cursor.current == .end }
            position += 1
            if cursor.current == .end {
                // `a/#` also matches `a`.
                return position < requested.count && requested[position] == UInt8(ascii: "#")
            }
            cursor.advance()
        }
    }
}

/// Reads a template symbol by symbol, with the placeholders filled in.
private struct Cursor {
    enum Symbol: Equatable {
        case byte(UInt8)
        case anyLevel
        case anyDeeper
        case anyTopic
        case end
    }

    private let template: FilterTemplate
    private let values: PlaceholderValues
    private var tokenIndex = 0
    /// Bytes of the current token that were read.
    private var offset = 0

    init(_ template: FilterTemplate, _ values: PlaceholderValues) {
        self.template = template
        self.values = values
    }

    var current: Symbol {
        guard tokenIndex < template.tokens.count else { return .end }
        switch template.tokens[tokenIndex] {
        case .literal(let start, _): return .byte(template.literals[Int(start) + offset])
        case .placeholder(let slot): return .byte(values.storage[values.range(of: slot).lowerBound + offset])
        case .anyLevel: return .anyLevel
        case .anyDeeper: return .anyDeeper
        case .anyTopic: return .anyTopic
        }
    }

    var isAtEndOfLevel: Bool {
        switch current {
        case .end, .anyDeeper: true
        case .byte(let byte): byte == UInt8(ascii: "/")
        case .anyLevel, .anyTopic: false
        }
    }

    mutating func advance() {
        guard tokenIndex < template.tokens.count else { return }
        let count =
            switch template.tokens[tokenIndex] {
            case .literal(_, let count): Int(count)
            case .placeholder(let slot): values.range(of: slot).count
            case .anyLevel, .anyDeeper, .anyTopic: 1
            }
        offset += 1
        if offset >= count {
            offset = 0
            tokenIndex += 1
        }
    }

    mutating func skipLevel() {
        while !isAtEndOfLevel { advance() }
    }
}

extension Span<UInt8> {
    /// Whether `other[range]` stands at `position`.
    func holds(_ other: Span<UInt8>, _ range: Range<Int>, at position: Int) -> Bool {
        guard count - position >= range.count else { return false }
        for offset in 0..<range.count where self[position + offset] != other[range.lowerBound + offset] {
            return false
        }
        return true
    }

    func begins(with byte: UInt8) -> Bool {
        count > 0 && self[0] == byte
    }

    /// The position of the next level separator, or the end.
    func endOfLevel(from position: Int) -> Int {
        var end = position
        while end < count, self[end] != UInt8(ascii: "/") { end += 1 }
        return end
    }
}
