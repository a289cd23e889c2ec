extension ValuePattern {
    enum Outcome: Equatable {
        case noMatch
        /// The ranges of the captures in the value, in the order of the pattern.
        case matched([Range<Int>])
        /// The value can be read in more than one way.
        case ambiguous
    }

    /// Reads a value. Takes time in proportion to the value's length times the number of captures, whatever the value:
    /// there is no backtracking. A value longer than `PolicyBounds.matchedValueBytesMax` does not match.
    func match(_ value: [UInt8]) -> Outcome {
        guard value.count <= PolicyBounds.matchedValueBytesMax, starts(with: prefix, in: value, at: 0) else {
            return .noMatch
        }
        switch captures.count {
        case 0: return value.count == prefix.count ? .matched([]) : .noMatch
        case 1: return matchSingle(captures[0], in: value)
        case _: return matchSeveral(in: value)
        }
    }

    private func matchSingle(_ capture: Capture, in value: [UInt8]) -> Outcome {
        let end = value.count - capture.following.count
        guard capture.lengths.contains(end - prefix.count), starts(with: capture.following, in: value, at: end) else {
            return .noMatch
        }
        guard value[prefix.count..<end].allSatisfy(capture.bytes.contains) else { return .noMatch }
        return .matched([prefix.count..<end])
    }

    /// Counts, from the last capture to the first, in how many ways the rest of the value can be read from each
    /// position: none, one, or several (two). Then follows the only way there is.
    private func matchSeveral(in value: [UInt8]) -> Outcome {
        let end = value.count
        // `endings[k][e]`: the ways in which capture k may end at e and everything after it be read.
        var endings = [[UInt8]](repeating: [], count: captures.count)
        // The ways to read everything after the capture at hand; after the last one only the end of the value remains.
        var waysAfter = [UInt8](repeating: 0, count: end + 1)
        waysAfter[end] = 1
        // `waysFrom[e]`: the sum of a capture's endings at e and later.
        var waysFrom = [Int32](repeating: 0, count: end + 2)
        for index in captures.indices.reversed() {
            let capture = captures[index]
            var ending = [UInt8](repeating: 0, count: end + 1)
            var ways = [UInt8](repeating: 0, count: end + 1)
            // How many bytes from the position on the capture may take.
            var run = 0
            for position in stride(from: end, through: 0, by: -1) {
                let next = position + capture.following.count
                if next <= end, waysAfter[next] > 0, starts(with: capture.following, in: value, at: position) {
                    ending[position] = waysAfter[next]
                }
                waysFrom[position] = waysFrom[position + 1] + Int32(ending[position])
                guard position < end, capture.bytes.contains(value[position]) else {
                    run = 0
                    continue
                }
                run += 1
                let first = position + capture.lengths.lowerBound
                let last = position + min(capture.lengths.upperBound, run)
                if first <= last { ways[position] = UInt8(min(2, waysFrom[first] - waysFrom[last + 1])) }
            }
            endings[index] = ending
            waysAfter = ways
        }
        guard prefix.count <= end, waysAfter[prefix.count] > 0 else { return .noMatch }
        guard waysAfter[prefix.count] == 1 else { return .ambiguous }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(captures.count)
        var start = prefix.count
        for (capture, ending) in zip(captures, endings) {
            let first = start + capture.lengths.lowerBound
            let last = min(end, start + capture.lengths.upperBound)
            guard first <= last, let stop = (first...last).first(where: { ending[$0] > 0 }) else { return .noMatch }
            ranges.append(start..<stop)
            start = stop + capture.following.count
        }
        return .matched(ranges)
    }

    private func starts(with literal: [UInt8], in value: [UInt8], at position: Int) -> Bool {
        guard position >= 0, value.count - position >= literal.count else { return false }
        for (offset, byte) in literal.enumerated() where value[position + offset] != byte { return false }
        return true
    }
}
