/// One level of a topic filter of a profile.
enum FilterLevel: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        /// Never empty.
        case literal([UInt8])
        /// A place in `PlaceholderValues`.
        case placeholder(Int)
    }

    /// Text, possibly none.
    case literal([UInt8])
    /// A level with at least one placeholder.
    case composed([Part])
    /// `+`.
    case anyLevel
    /// `#`, the last level.
    case deeper

    /// Whether the level begins with `$` for every device. A placeholder's value never does (`PlaceholderValue`).
    var isReserved: Bool {
        switch self {
        case .literal(let bytes): bytes.first == UInt8(ascii: "$")
        case .composed(let parts): parts.first.map(Self.isReserved) ?? false
        case .anyLevel, .deeper: false
        }
    }

    private static func isReserved(_ part: Part) -> Bool {
        switch part {
        case .literal(let bytes): bytes.first == UInt8(ascii: "$")
        case .placeholder: false
        }
    }
}

extension FilterTemplate {
    /// The filter level by level.
    var levels: [FilterLevel] {
        var levels: [FilterLevel] = []
        var parts: [FilterLevel.Part] = []
        func finished() -> FilterLevel {
            switch (parts.first, parts.count) {
            case (nil, _): .literal([])
            case (.literal(let bytes), 1): .literal(bytes)
            case (.literal, _), (.placeholder, _): .composed(parts)
            }
        }
        // Whether a level is at hand that has not been taken up; not so behind a wildcard.
        var isOpen = true
        for token in tokens {
            switch token {
            case .literal(let start, let count):
                let texts = literals[Int(start)..<Int(start + count)]
                    .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                for (index, text) in texts.enumerated() {
                    if index > 0 {
                        if isOpen { levels.append(finished()) }
                        parts = []
                        isOpen = true
                    }
                    if !text.isEmpty { parts.append(.literal(Array(text))) }
                }
            case .placeholder(let slot):
                parts.append(.placeholder(slot))
            case .anyLevel:
                levels.append(.anyLevel)
                isOpen = false
            case .anyDeeper:
                if isOpen { levels.append(finished()) }
                levels.append(.deeper)
                return levels
            case .anyTopic:
                return [.deeper]
            }
        }
        if isOpen { levels.append(finished()) }
        return levels
    }
}

extension FilterLevel {
    /// Whether a filter with the levels `mine` matches, for every device, every topic that one with `theirs` matches: what
    /// can be said before any device's values are known. Levels with placeholders are only the same when they are written
    /// the same.
    static func covers(_ mine: [FilterLevel], _ theirs: [FilterLevel]) -> Bool {
        if let first = mine.first, first == .anyLevel || first == .deeper, theirs.first?.isReserved == true {
            return false
        }
        for (index, level) in mine.enumerated() {
            if level == .deeper { return true }
            guard index < theirs.count, theirs[index] != .deeper else { return false }
            guard level == .anyLevel || level == theirs[index] else { return false }
        }
        return mine.count == theirs.count
    }
}
