/// The values of a profile's captures, by their place in `CertificateMatcher.captureNames`.
struct CapturedValues {
    var values: [ArraySlice<UInt8>]
}

/// One condition of a match. A class, so that going through conditions counts one reference each.
final class MatchCondition: Sendable {
    /// What has to hold of the field.
    enum Test: Sendable, Hashable {
        /// Exactly one value fits the pattern; the places of its captures are those in `captureNames`.
        case pattern(ValuePattern, captureIndexes: [Int])
        /// Some value is one of these, byte for byte.
        case oneOf(Set<[UInt8]>)
        /// The number is within the range.
        case range(ClosedRange<Int>)
    }

    let field: MatchField
    let fieldHash: ValueHash
    let test: Test
    /// What the operator asked for, as explanations show it.
    let wanted: String

    init(field: MatchField, test: Test, wanted: String) {
        self.field = field
        fieldHash = field.hash
        self.test = test
        self.wanted = wanted
    }
}

/// Decides whether a certificate is one of a profile's, and reads the captures.
struct CertificateMatcher: Sendable {
    enum Outcome {
        case noMatch
        case matched(CapturedValues)
        case ambiguous(String)
    }

    /// What one condition says.
    enum Reading {
        case holds
        /// With what it captured; its captures are taken up one by one.
        case value([UInt8], [Range<Int>])
        case noValue
        case severalValues
        case severalReadings
    }

    let conditions: [MatchCondition]
    let captureNames: [String]

    func match(_ context: MatchContext) -> Outcome {
        var captured = [ArraySlice<UInt8>?](repeating: nil, count: captureNames.count)
        var ambiguity: String?
        for condition in conditions {
            switch step(condition, in: context, &captured) {
            case .holds: continue
            case .fails, .contradicts: return .noMatch
            // Goes on: if another condition fails, the profile does not match at all.
            case .ambiguous(let detail): ambiguity = ambiguity ?? detail
            }
        }
        if let ambiguity { return .ambiguous(ambiguity) }
        return .matched(CapturedValues(values: captured.map { $0 ?? [] }))
    }

    /// The outcome of one condition, beside the captures of those before it.
    enum Step {
        case holds
        case fails
        /// It holds by itself, but captures another value for this name than a condition before it.
        case contradicts(String)
        case ambiguous(String)
    }

    /// Judges one condition and takes up its captures. Both a decision and its explanation go through here.
    func step(
        _ condition: MatchCondition, in context: MatchContext, _ captured: inout [ArraySlice<UInt8>?]
    ) -> Step {
        switch read(condition, in: context) {
        case .holds: return .holds
        case .noValue: return .fails
        case .severalValues: return .ambiguous("more than one value of \(condition.field) matches")
        case .severalReadings: return .ambiguous("the value of \(condition.field) can be read in more than one way")
        case .value(let value, let ranges):
            guard case .pattern(_, let indexes) = condition.test else { return .holds }
            for (index, range) in zip(indexes, ranges) {
                if let before = captured[index] {
                    guard before == value[range] else { return .contradicts(captureNames[index]) }
                } else {
                    captured[index] = value[range]
                }
            }
            return .holds
        }
    }

    private func read(_ condition: MatchCondition, in context: MatchContext) -> Reading {
        switch condition.test {
        case .pattern(let pattern, _):
            return read(pattern, condition, in: context)
        case .oneOf(let values):
            var isOne = false
            context.forEachValue(of: condition.field, condition.fieldHash) { value in
                isOne = values.contains(value)
                return !isOne
            }
            return isOne ? .holds : .noValue
        case .range(let range):
            return context.number(of: condition.field).map(range.contains) == true ? .holds : .noValue
        }
    }

    /// Looks for the one value that matches. When several do, none is chosen: which of two names a device goes by must
    /// not depend on the order in which its certificate lists them.
    private func read(_ pattern: ValuePattern, _ condition: MatchCondition, in context: MatchContext) -> Reading {
        var reading = Reading.noValue
        context.forEachValue(of: condition.field, condition.fieldHash) { value in
            switch (pattern.match(value), reading) {
            case (.noMatch, _):
                return true
            case (.matched(let ranges), .noValue):
                reading = .value(value, ranges)
                return true
            case (.ambiguous, .noValue):
                reading = .severalReadings
                return true
            case (.matched, _), (.ambiguous, _):
                reading = .severalValues
                return false
            }
        }
        return reading
    }
}
