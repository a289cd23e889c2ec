extension ValuePattern {
    /// The literal text that every value ends with.
    var suffix: [UInt8] { captures.last?.following ?? prefix }

    /// How many bytes the values have.
    private var lengths: ClosedRange<Int> {
        var low = prefix.count
        var high = prefix.count
        for capture in captures {
            low += capture.lengths.lowerBound + capture.following.count
            high += capture.lengths.upperBound + capture.following.count
        }
        return low...high
    }

    // MARK: A value of both

    /// Steps of a comparison: patterns have at most 1,024 bytes and eight captures, so this is beyond what anybody
    /// writes by hand.
    private static let statesMax = 50_000

    /// Whether a value exists that both patterns match.
    ///
    /// How it works: 1. what the texts at both ends and the lengths exclude is seen at once; 2. else both patterns are
    /// walked through together, byte by byte, over every pair of places that one value can bring them to. When that
    /// takes more than `statesMax` pairs the answer is no: a certificate that matches both is then refused as ambiguous
    /// when it comes, and no good set of profiles is refused for a guess.
    func intersects(_ other: ValuePattern) -> Bool {
        if isLiteral { return other.match(prefix) != .noMatch }
        if other.isLiteral { return match(other.prefix) != .noMatch }
        guard zip(prefix, other.prefix).allSatisfy({ $0 == $1 }),
            zip(suffix.reversed(), other.suffix.reversed()).allSatisfy({ $0 == $1 }),
            lengths.overlaps(other.lengths),
            max(lengths.lowerBound, other.lengths.lowerBound) <= PolicyBounds.matchedValueBytesMax
        else { return false }
        return PatternProduct(self, other).isInhabited(statesMax: Self.statesMax)
    }

    // MARK: All values of another

    /// Whether this matches every value that `other` matches. False when it is not sure.
    func includes(_ other: ValuePattern) -> Bool {
        if other.isLiteral { return match(other.prefix) != .noMatch }
        if isLiteral { return false }
        if hasForm(of: other) {
            return zip(captures, other.captures).allSatisfy { mine, theirs in
                theirs.bytes.intersection(mine.bytes) == theirs.bytes
                    && mine.lengths.lowerBound <= theirs.lengths.lowerBound
                    && theirs.lengths.upperBound <= mine.lengths.upperBound
            }
        }
        guard captures.count == 1, let capture = captures.first else { return false }
        return includes(other, by: capture)
    }

    /// Whether both have the same literal text at the same places.
    private func hasForm(of other: ValuePattern) -> Bool {
        prefix == other.prefix && captures.map(\.following) == other.captures.map(\.following)
    }

    /// Whether the one capture of this takes up all that the other's values have between this prefix and suffix.
    private func includes(_ other: ValuePattern, by capture: Capture) -> Bool {
        guard other.prefix.starts(with: prefix), other.suffix.reversed().starts(with: suffix.reversed()) else {
            return false
        }
        let ends = prefix.count + suffix.count
        let least = other.lengths.lowerBound - ends
        let most = min(other.lengths.upperBound, PolicyBounds.matchedValueBytesMax) - ends
        guard capture.lengths.lowerBound <= least, most <= capture.lengths.upperBound else { return false }
        guard other.prefix.dropFirst(prefix.count).allSatisfy(capture.bytes.contains) else { return false }
        for (index, theirs) in other.captures.enumerated() {
            let following =
                index == other.captures.count - 1 ? theirs.following.dropLast(suffix.count) : theirs.following[...]
            guard theirs.bytes.intersection(capture.bytes) == theirs.bytes,
                following.allSatisfy(capture.bytes.contains)
            else { return false }
        }
        return true
    }
}

/// Two patterns walked through together.
private struct PatternProduct {
    private enum Element {
        case byte(UInt8)
        /// Between `least` and `most` bytes of a set. `most` is nil where the length of the whole value is the bound.
        case run(ByteSet, least: Int, most: Int?)
    }

    /// A place in a pattern: the element, and how many bytes of a run have been taken.
    private struct Place: Hashable {
        var element = 0
        var taken = 0
    }

    private struct Pair: Hashable {
        var left = Place()
        var right = Place()
    }

    private let left: [Element]
    private let right: [Element]

    init(_ left: ValuePattern, _ right: ValuePattern) {
        self.left = Self.elements(of: left)
        self.right = Self.elements(of: right)
    }

    private static func elements(of pattern: ValuePattern) -> [Element] {
        var elements = pattern.prefix.map(Element.byte)
        for capture in pattern.captures {
            let most = capture.lengths.upperBound
            elements.append(
                .run(
                    capture.bytes, least: capture.lengths.lowerBound,
                    most: most >= PolicyBounds.matchedValueBytesMax ? nil : most))
            elements += capture.following.map(Element.byte)
        }
        return elements
    }

    /// Whether some value leads through both patterns to their ends.
    func isInhabited(statesMax: Int) -> Bool {
        var seen: Set<Pair> = [Pair()]
        var open = [Pair()]
        while let pair = open.popLast() {
            if pair.left.element == left.count, pair.right.element == right.count { return true }
            guard seen.count < statesMax else { return false }
            for next in successors(of: pair) where seen.insert(next).inserted { open.append(next) }
        }
        return false
    }

    private func successors(of pair: Pair) -> [Pair] {
        var next: [Pair] = []
        if let place = Self.skipped(pair.left, in: left) { next.append(Pair(left: place, right: pair.right)) }
        if let place = Self.skipped(pair.right, in: right) { next.append(Pair(left: pair.left, right: place)) }
        if let (leftBytes, leftPlace) = Self.step(pair.left, in: left),
            let (rightBytes, rightPlace) = Self.step(pair.right, in: right),
            leftBytes.intersection(rightBytes) != ByteSet()
        {
            next.append(Pair(left: leftPlace, right: rightPlace))
        }
        return next
    }

    /// The place behind a run that has what it needs.
    private static func skipped(_ place: Place, in elements: [Element]) -> Place? {
        guard place.element < elements.count else { return nil }
        switch elements[place.element] {
        case .byte: return nil
        case .run(_, let least, _): return place.taken >= least ? Place(element: place.element + 1) : nil
        }
    }

    /// The bytes that may come, and the place behind one of them.
    private static func step(_ place: Place, in elements: [Element]) -> (ByteSet, Place)? {
        guard place.element < elements.count else { return nil }
        switch elements[place.element] {
        case .byte(let byte):
            return (ByteSet(byte...byte), Place(element: place.element + 1))
        case .run(let bytes, let least, let most):
            guard let most else {
                // Beyond the least length, all lengths are the same.
                return (bytes, Place(element: place.element, taken: min(place.taken + 1, least)))
            }
            return place.taken < most ? (bytes, Place(element: place.element, taken: place.taken + 1)) : nil
        }
    }
}
