/// Patterns as they are matched: packed into two arrays that all of them share, so that a match touches little memory
/// and no reference counts.
struct PatternTable: Sendable {
    /// One pattern, by its places in the table.
    struct Row: Sendable {
        fileprivate let prefixStart: UInt32
        fileprivate let prefixCount: UInt32
        fileprivate let firstCapture: UInt32
        fileprivate let captureCount: UInt32
    }

    private struct Capture: Sendable {
        let bytes: ByteSet
        let lengthMin: UInt16
        let lengthMax: UInt16
        /// The place of its value among those of a profile.
        let slot: UInt16
        let followingStart: UInt32
        let followingCount: UInt32
    }

    /// In how many ways a value can be read.
    enum Fit: Equatable {
        case none
        case one
        case several
    }

    /// Where the captures of one pattern stand in a value, in the order of the pattern.
    typealias Ranges = InlineArray<8, Range<Int>>

    static let noRanges = Ranges(repeating: 0..<0)

    private var text: [UInt8] = []
    private var captures: [Capture] = []

    /// - Parameter slots: the place of each capture's value among those of a profile.
    mutating func append(_ pattern: ValuePattern, slots: [Int]) -> Row {
        let row = Row(
            prefixStart: append(pattern.prefix), prefixCount: UInt32(pattern.prefix.count),
            firstCapture: UInt32(captures.count), captureCount: UInt32(pattern.captures.count))
        for (capture, slot) in zip(pattern.captures, slots) {
            captures.append(
                Capture(
                    bytes: capture.bytes, lengthMin: UInt16(capture.lengths.lowerBound),
                    lengthMax: UInt16(capture.lengths.upperBound), slot: UInt16(slot),
                    followingStart: append(capture.following), followingCount: UInt32(capture.following.count)))
        }
        return row
    }

    private mutating func append(_ literal: [UInt8]) -> UInt32 {
        text.append(contentsOf: literal)
        return UInt32(text.count - literal.count)
    }

    func captureCount(of row: Row) -> Int { Int(row.captureCount) }

    /// The place of a capture's value among those of a profile.
    func slot(_ index: Int, of row: Row) -> Int { Int(captures[Int(row.firstCapture) + index].slot) }

    // MARK: Matching

    /// Reads a value. Takes time in proportion to the value's length times the number of captures, whatever the value:
    /// there is no backtracking. A value longer than `PolicyBounds.matchedValueBytesMax` does not match.
    ///
    /// - Parameter ranges: those of the captures, when there is one way to read the value.
    func match(_ row: Row, _ value: Span<UInt8>, _ ranges: inout Ranges) -> Fit {
        guard value.count <= PolicyBounds.matchedValueBytesMax,
            holds(row.prefixStart, row.prefixCount, in: value, at: 0)
        else { return .none }
        switch row.captureCount {
        case 0: return value.count == Int(row.prefixCount) ? .one : .none
        case 1: return matchSingle(row, value, &ranges)
        case _: return matchSeveral(row, value, &ranges)
        }
    }

    private func matchSingle(_ row: Row, _ value: Span<UInt8>, _ ranges: inout Ranges) -> Fit {
        let capture = captures[Int(row.firstCapture)]
        let start = Int(row.prefixCount)
        let end = value.count - Int(capture.followingCount)
        guard end - start >= Int(capture.lengthMin), end - start <= Int(capture.lengthMax),
            holds(capture.followingStart, capture.followingCount, in: value, at: end)
        else { return .none }
        for position in start..<end where !capture.bytes.contains(value[position]) { return .none }
        ranges[0] = start..<end
        return .one
    }

    /// Counts, from the last capture to the first, in how many ways the rest of the value can be read from each
    /// position: none, one, or several (two). Then follows the only way there is.
    private func matchSeveral(_ row: Row, _ value: Span<UInt8>, _ ranges: inout Ranges) -> Fit {
        let end = value.count
        let count = Int(row.captureCount)
        let width = end + 1
        // At `k * width + e`: the ways in which capture k may end at e and everything after it be read.
        var endings = [UInt8](repeating: 0, count: count * width)
        // The ways to read everything after the capture at hand; after the last one only the end of the value remains.
        var waysAfter = [UInt8](repeating: 0, count: width)
        waysAfter[end] = 1
        // `waysFrom[e]`: the sum of a capture's endings at e and later.
        var waysFrom = [Int32](repeating: 0, count: end + 2)
        for index in stride(from: count - 1, through: 0, by: -1) {
            let capture = captures[Int(row.firstCapture) + index]
            var ways = [UInt8](repeating: 0, count: width)
            // How many bytes from the position on the capture may take.
            var run = 0
            for position in stride(from: end, through: 0, by: -1) {
                let next = position + Int(capture.followingCount)
                var ending: UInt8 = 0
                if next <= end, waysAfter[next] > 0,
                    holds(capture.followingStart, capture.followingCount, in: value, at: position)
                {
                    ending = waysAfter[next]
                    endings[index * width + position] = ending
                }
                waysFrom[position] = waysFrom[position + 1] + Int32(ending)
                guard position < end, capture.bytes.contains(value[position]) else {
                    run = 0
                    continue
                }
                run += 1
                let first = position + Int(capture.lengthMin)
                let last = position + min(Int(capture.lengthMax), run)
                if first <= last { ways[position] = UInt8(min(2, waysFrom[first] - waysFrom[last + 1])) }
            }
            waysAfter = ways
        }
        var start = Int(row.prefixCount)
        guard start <= end, waysAfter[start] > 0 else { return .none }
        guard waysAfter[start] == 1 else { return .several }
        for index in 0..<count {
            let capture = captures[Int(row.firstCapture) + index]
            let first = start + Int(capture.lengthMin)
            let last = min(end, start + Int(capture.lengthMax))
            guard first <= last, let stop = (first...last).first(where: { endings[index * width + $0] > 0 }) else {
                return .none
            }
            ranges[index] = start..<stop
            start = stop + Int(capture.followingCount)
        }
        return .one
    }

    /// Whether a literal of the table stands in the value at a position.
    private func holds(_ start: UInt32, _ count: UInt32, in value: Span<UInt8>, at position: Int) -> Bool {
        let count = Int(count)
        guard position >= 0, value.count - position >= count else { return false }
        let literal = text.span.extracting(Int(start)..<Int(start) + count)
        for offset in 0..<count where literal[offset] != value[position + offset] { return false }
        return true
    }
}
