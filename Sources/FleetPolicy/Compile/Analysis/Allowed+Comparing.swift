extension MatchAnalysis.Allowed {
    /// Whether a value exists that both let through.
    func intersects(_ other: MatchAnalysis.Allowed) -> Bool {
        switch (self, other) {
        case (.pattern(let left), .pattern(let right)): left.intersects(right)
        case (.pattern(let pattern), .oneOf(let values)), (.oneOf(let values), .pattern(let pattern)):
            values.contains { pattern.match($0) != .noMatch }
        case (.oneOf(let left), .oneOf(let right)): !left.isDisjoint(with: right)
        case (.range(let left), .range(let right)): left.overlaps(right)
        // Text and numbers are never of one field.
        case (.range, .pattern), (.range, .oneOf), (.pattern, .range), (.oneOf, .range): false
        }
    }

    /// Whether this lets every value through that `other` lets through. False when it is not sure.
    func includes(_ other: MatchAnalysis.Allowed) -> Bool {
        switch (self, other) {
        case (.pattern(let mine), .pattern(let theirs)): mine.includes(theirs)
        case (.pattern(let pattern), .oneOf(let values)): values.allSatisfy { pattern.match($0) != .noMatch }
        case (.oneOf(let values), .pattern(let pattern)): pattern.isLiteral && values.contains(pattern.prefix)
        case (.oneOf(let mine), .oneOf(let theirs)): theirs.isSubset(of: mine)
        case (.range(let mine), .range(let theirs)):
            mine.lowerBound <= theirs.lowerBound && theirs.upperBound <= mine.upperBound
        case (.range, .pattern), (.range, .oneOf), (.pattern, .range), (.oneOf, .range): false
        }
    }
}
