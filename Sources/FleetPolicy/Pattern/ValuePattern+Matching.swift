extension ValuePattern {
    enum Outcome: Equatable {
        case noMatch
        /// The ranges of the captures in the value, in the order of the pattern.
        case matched([Range<Int>])
        /// The value can be read in more than one way.
        case ambiguous
    }

    /// Reads a value by itself; a decision reads it with the table of all patterns. See ``PatternTable/match(_:_:_:)``.
    func match(_ value: [UInt8]) -> Outcome {
        var table = PatternTable()
        let row = table.append(self, slots: Array(captures.indices))
        var ranges = PatternTable.noRanges
        switch table.match(row, value.span, &ranges) {
        case .none: return .noMatch
        case .one: return .matched(captures.indices.map { ranges[$0] })
        case .several: return .ambiguous
        }
    }
}
