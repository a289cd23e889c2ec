/// The conditions of all profiles as they are judged: packed into arrays that all of them share. Of ten thousand
/// profiles nearly every one is cold in the processor's caches when a certificate of its own comes, so what counts is
/// how many places in memory a judgement touches.
struct MatchTable: Sendable {
    private struct Profile: Sendable {
        let firstCondition: UInt32
        let conditionCount: UInt32
        let captureCount: UInt32
    }

    private struct Condition: Sendable {
        enum Test: Sendable {
            /// Exactly one value fits the pattern.
            case pattern(PatternTable.Row)
            /// Some value is one of `listed`, from a place on.
            case oneOf(first: UInt32, count: UInt32)
            /// The number is within one of `ranges`.
            case range(UInt32)
        }

        let source: MatchContext.Source
        let fieldCode: UInt8
        let test: Test
    }

    /// What one condition says.
    enum Step: Equatable {
        case holds
        case fails
        /// It holds by itself, but captures another value for the capture at this place than a condition before it.
        case contradicts(Int)
        case severalValues
        case severalReadings
    }

    enum Outcome {
        case noMatch
        case matched
        case ambiguous(String)
    }

    /// Where the values of a profile's captures stand.
    struct Captures {
        fileprivate struct Place {
            var source: MatchContext.Source
            var isTaken: Bool
            var start: UInt32
            var count: UInt32
        }

        // As many as `PolicyBounds.capturesPerProfileMax`.
        fileprivate var places = InlineArray<32, Place>(
            repeating: Place(source: .certificate, isTaken: false, start: 0, count: 0))

        /// The value at a place; empty when nothing was captured.
        func value(_ slot: Int, in context: MatchContext) -> ArraySlice<UInt8> {
            let place = places[slot]
            guard place.isTaken else { return [] }
            return context.bytes(of: place.source)[Int(place.start)..<Int(place.start) + Int(place.count)]
        }
    }

    private var profiles: [Profile] = []
    private var conditions: [Condition] = []
    /// Of each condition.
    private var fields: [MatchField] = []
    private var patterns = PatternTable()
    /// Those of one condition stand together, in the order of their bytes.
    private var listed: [[UInt8]] = []
    private var ranges: [ClosedRange<Int>] = []

    /// - Parameter matchers: of all profiles; a profile's place in the table is its index here.
    init(_ matchers: [CertificateMatcher]) {
        profiles.reserveCapacity(matchers.count)
        for matcher in matchers {
            profiles.append(
                Profile(
                    firstCondition: UInt32(conditions.count), conditionCount: UInt32(matcher.conditions.count),
                    captureCount: UInt32(matcher.captureNames.count)))
            for condition in matcher.conditions {
                let test: Condition.Test
                switch condition.test {
                case .pattern(let pattern, let slots):
                    test = .pattern(patterns.append(pattern, slots: slots))
                case .oneOf(let values):
                    test = .oneOf(first: UInt32(listed.count), count: UInt32(values.count))
                    listed += values.sorted { $0.lexicographicallyPrecedes($1) }
                case .range(let range):
                    test = .range(UInt32(ranges.count))
                    ranges.append(range)
                }
                conditions.append(
                    Condition(
                        source: MatchContext.Source(condition.field), fieldCode: condition.field.key.code, test: test))
                fields.append(condition.field)
            }
        }
    }

    /// Judges all conditions of a profile.
    func match(_ profile: Int, _ context: MatchContext, _ captures: inout Captures) -> Outcome {
        let count = Int(profiles[profile].conditionCount)
        var ambiguity: String?
        for condition in 0..<count {
            let step = step(condition, of: profile, in: context, &captures)
            switch step {
            case .holds: continue
            case .fails, .contradicts: return .noMatch
            // Goes on: if another condition fails, the profile does not match at all.
            case .severalValues, .severalReadings:
                if ambiguity == nil { ambiguity = ambiguityText(of: step, condition, of: profile) }
            }
        }
        return ambiguity.map { .ambiguous($0) } ?? .matched
    }

    /// What a match of a profile captured.
    func values(of captures: Captures, _ profile: Int, in context: MatchContext) -> CapturedValues {
        CapturedValues(
            values: (0..<Int(profiles[profile].captureCount)).map { captures.value($0, in: context) })
    }

    /// What an ambiguous condition is called in explanations.
    func ambiguityText(of step: Step, _ condition: Int, of profile: Int) -> String {
        let field = fields[Int(profiles[profile].firstCondition) + condition]
        return step == .severalValues
            ? "more than one value of \(field) matches" : "the value of \(field) can be read in more than one way"
    }

    /// Judges one condition of a profile and takes up its captures. Both a decision and its explanation go through here.
    func step(_ condition: Int, of profile: Int, in context: MatchContext, _ captures: inout Captures) -> Step {
        let index = Int(profiles[profile].firstCondition) + condition
        switch conditions[index].test {
        case .pattern(let row):
            return read(row, at: index, in: context, &captures)
        case .oneOf(let first, let count):
            let condition = conditions[index]
            var isOne = false
            context.forEachValue(of: condition.source, condition.fieldCode, field: fields[index]) { bytes, range in
                isOne = isListed(bytes.span.extracting(range), first: Int(first), count: Int(count))
                return !isOne
            }
            return isOne ? .holds : .fails
        case .range(let place):
            guard let number = context.number(of: conditions[index].source) else { return .fails }
            return ranges[Int(place)].contains(number) ? .holds : .fails
        }
    }

    /// Looks for the one value that matches. When several do, none is chosen: which of two names a device goes by must
    /// not depend on the order in which its certificate lists them.
    private func read(
        _ row: PatternTable.Row, at index: Int, in context: MatchContext, _ captures: inout Captures
    ) -> Step {
        let condition = conditions[index]
        var result = Step.fails
        var found = PatternTable.noRanges
        var start = 0
        context.forEachValue(of: condition.source, condition.fieldCode, field: fields[index]) { bytes, range in
            var ranges = PatternTable.noRanges
            switch patterns.match(row, bytes.span.extracting(range), &ranges) {
            case .none: return true
            case .one where result == .fails:
                result = .holds
                found = ranges
                start = range.lowerBound
                return true
            case .several where result == .fails:
                result = .severalReadings
                return true
            case .one, .several:
                result = .severalValues
                return false
            }
        }
        guard result == .holds else { return result }
        for capture in 0..<patterns.captureCount(of: row) {
            let slot = patterns.slot(capture, of: row)
            let place = Captures.Place(
                source: condition.source, isTaken: true, start: UInt32(start + found[capture].lowerBound),
                count: UInt32(found[capture].count))
            if captures.places[slot].isTaken {
                let before = captures.places[slot]
                guard context.areEqual(before.source, before.range, place.source, place.range) else {
                    return .contradicts(slot)
                }
            } else {
                captures.places[slot] = place
            }
        }
        return .holds
    }

    /// Whether a value is among those of a condition, byte for byte.
    private func isListed(_ value: Span<UInt8>, first: Int, count: Int) -> Bool {
        var (low, high) = (first, first + count)
        while low < high {
            let middle = (low + high) / 2
            let candidate = listed[middle]
            switch Self.order(candidate.span, value) {
            case 0: return true
            case ..<0: low = middle + 1
            case _: high = middle
            }
        }
        return false
    }

    /// Negative when the left one comes first, 0 when they are equal.
    private static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        for position in 0..<min(left.count, right.count) where left[position] != right[position] {
            return Int(left[position]) - Int(right[position])
        }
        return left.count - right.count
    }
}

extension MatchTable.Captures.Place {
    fileprivate var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}
