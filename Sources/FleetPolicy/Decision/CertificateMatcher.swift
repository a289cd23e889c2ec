/// The values of a profile's captures, by their place in `CertificateMatcher.captureNames`.
struct CapturedValues {
    var values: [ArraySlice<UInt8>]
}

/// One condition of a match.
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
        fieldHash = field.key.hash
        self.test = test
        self.wanted = wanted
    }
}

/// Says which certificates are a profile's, and what is captured of them. ``MatchTable`` judges it.
struct CertificateMatcher: Sendable {
    let conditions: [MatchCondition]
    let captureNames: [String]
}
