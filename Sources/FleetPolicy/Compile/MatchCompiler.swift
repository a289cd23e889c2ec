/// A compiled `match`, and what the rest of the profile needs to know of it.
struct CompiledMatch {
    /// What is known of a capture when templates are compiled.
    struct Capture {
        let name: String
        /// What its value may consist of, over all the places that capture it.
        var bytes: ByteSet
        /// Whether the value comes from the device's own names, and not only from its issuer's.
        var isOfHolder: Bool
        /// Whether the value was verified in one place at least: SNI alone is whatever the device wrote there.
        var isProven: Bool
    }

    let matcher: CertificateMatcher
    let specificity: Specificity
    /// In the order of `matcher.captureNames`.
    let captures: [Capture]
    /// Whether the match is for the holder of one name: a whole subject, one fingerprint, or a literal common name,
    /// serial number, UID, e-mail address or alternative name.
    let namesOneHolder: Bool
    /// The attributes of the registry that the profile's topics use.
    let registry = RegistryPlaceholders()
    /// The profile whose match it is, where a quarantine profile is compiled with it; nil: the profile's own.
    var quarantineOf: String?

    /// The same match, for a quarantine profile to be compiled with.
    func forQuarantine(of name: String) -> CompiledMatch {
        CompiledMatch(
            matcher: matcher, specificity: specificity, captures: captures, namesOneHolder: namesOneHolder,
            quarantineOf: name)
    }
}

/// One condition without the names of its captures and the spelling of its operator.
struct MatchShape: Hashable {
    private let field: MatchField
    private let prefix: [UInt8]
    private let captures: [PatternShape]
    private let captureIndexes: [Int]
    private let values: Set<[UInt8]>
    private let range: ClosedRange<Int>?

    private struct PatternShape: Hashable {
        let bytes: ByteSet
        let lengths: ClosedRange<Int>
        let following: [UInt8]
    }

    init(_ condition: MatchCondition) {
        field = condition.field
        switch condition.test {
        case .pattern(let pattern, let indexes):
            prefix = pattern.prefix
            captures = pattern.captures.map {
                PatternShape(bytes: $0.bytes, lengths: $0.lengths, following: $0.following)
            }
            captureIndexes = indexes
            values = []
            range = nil
        case .oneOf(let all):
            (prefix, captures, captureIndexes, values, range) = ([], [], [], all, nil)
        case .range(let limits):
            (prefix, captures, captureIndexes, values, range) = ([], [], [], [], limits)
        }
    }
}

/// Compiles the `match` of a profile.
struct MatchCompiler {
    private let mistakes: MistakeCollector
    private var patterns: [(field: MatchField, order: String, text: Located<String>, pattern: ValuePattern)] = []
    private var conditions: [MatchCondition] = []
    private var isSound = true

    /// Nil when something is wrong, which has been reported.
    static func compile(_ document: MatchDocument, reporting mistakes: MistakeCollector) -> CompiledMatch? {
        let before = mistakes.mistakes.count
        var compiler = MatchCompiler(mistakes: mistakes)
        let match = compiler.compile(document)
        return mistakes.mistakes.count == before ? match : nil
    }

    private init(mistakes: MistakeCollector) {
        self.mistakes = mistakes
    }

    private mutating func compile(_ document: MatchDocument) -> CompiledMatch? {
        takeUp(document.subject, whole: .wholeSubject) { .subject($0) }
        takeUp(document.issuer, whole: .wholeIssuer) { .issuer($0) }
        takeUp(document.directoryName, whole: .wholeDirectoryName) { .directoryName($0) }
        if let anchor = document.trustAnchor { takeUp(anchor, whole: .trustAnchor) }
        for (field, pattern) in document.patterns { takeUp(pattern, as: field) }
        for plain in document.plain {
            conditions.append(MatchCondition(field: plain.field, test: plain.test, wanted: plain.wanted))
        }
        guard isSound else { return nil }
        guard !patterns.isEmpty || !conditions.isEmpty else {
            mistakes.report(
                .missingKey, at: document.location, key: "match", "nothing here says which certificates are meant",
                hint: "give at least one attribute of `subject` or one `san`")
            return nil
        }
        return assemble(document)
    }

    private mutating func assemble(_ document: MatchDocument) -> CompiledMatch? {
        // In a fixed order, so that the places of the captures do not depend on how the operator ordered the keys. What
        // one look decides comes first.
        conditions.sort { $0.field.description < $1.field.description }
        patterns.sort { $0.order < $1.order }
        var captures: [CompiledMatch.Capture] = []
        for (field, _, text, pattern) in patterns {
            let indexes = pattern.captures.map { Self.index(of: $0, in: field, among: &captures) }
            conditions.append(
                MatchCondition(
                    field: field, test: .pattern(pattern, captureIndexes: indexes), wanted: "`\(text.value)`"))
        }
        if captures.count > PolicyBounds.capturesPerProfileMax {
            mistakes.report(
                .outOfRange, at: document.location, key: "match",
                "\(captures.count) captures, at most \(PolicyBounds.capturesPerProfileMax) are allowed")
            return nil
        }
        return CompiledMatch(
            matcher: CertificateMatcher(conditions: conditions, captureNames: captures.map(\.name)),
            specificity: Self.specificity(of: conditions), captures: captures,
            namesOneHolder: conditions.contains(where: \.namesOneHolder))
    }

    private static func specificity(of conditions: [MatchCondition]) -> Specificity {
        var (exact, literals, patterns) = (0, 0, 0)
        for condition in conditions {
            switch condition.test {
            case .oneOf where condition.field == .fingerprint || condition.field == .wholeSubject: exact += 1
            case .oneOf: literals += 1
            case .pattern(let pattern, _) where pattern.isLiteral: literals += 1
            case .pattern, .range: patterns += 1
            }
        }
        return Specificity(exact: exact, literals: literals, patterns: patterns)
    }

    /// Takes up the patterns of a name, or the whole name that has to be equal.
    private mutating func takeUp(
        _ name: MatchDocument.Name?, whole: MatchField, attribute field: (String) -> MatchField
    ) {
        switch name {
        case nil: break
        case .exact(let text): takeUp(text, whole: whole)
        case .attributes(let attributes):
            for (oid, pattern) in attributes { takeUp(pattern, as: field(oid)) }
        }
    }

    private mutating func takeUp(_ text: Located<String>, whole field: MatchField) {
        guard text.value.utf8.count <= PolicyBounds.patternBytesMax,
            let name = DistinguishedName(rfc4514: text.value), !name.isEmpty
        else {
            isSound = false
            mistakes.report(
                .badPattern, about: text, "not a distinguished name in the form of RFC 4514",
                hint: field == .trustAnchor
                    ? "such as \"CN=Elbe Root,O=Elbe Netz\", or { sha256: … }"
                    : "such as \"CN=Device CA,O=Elbe Netz\", or a mapping with a pattern for each attribute")
            return
        }
        conditions.append(
            MatchCondition(
                field: field, test: .oneOf([Array(name.description.utf8)]), wanted: "`\(name.shown)`"))
    }

    private mutating func takeUp(_ text: Located<String>, as field: MatchField) {
        do throws(BracedText.Malformed) {
            let pattern = try ValuePattern(parsing: text.value)
            for capture in pattern.captures where TopicCompiler.reservedNames.contains(capture.name) {
                isSound = false
                mistakes.report(
                    .badPattern, about: text, "`{\(capture.name)}` is a placeholder of its own and cannot be captured",
                    hint: "choose another name")
            }
            patterns.append((field, field.description, text, pattern))
        } catch {
            isSound = false
            mistakes.report(.badPattern, about: text, error.message, hint: error.hint)
        }
    }

    private static func index(
        of capture: ValuePattern.Capture, in field: MatchField, among captures: inout [CompiledMatch.Capture]
    ) -> Int {
        if let index = captures.firstIndex(where: { $0.name == capture.name }) {
            captures[index].bytes = captures[index].bytes.intersection(capture.bytes)
            captures[index].isOfHolder = captures[index].isOfHolder || field.isOfHolder
            captures[index].isProven = captures[index].isProven || field.isProven
            return index
        }
        captures.append(
            CompiledMatch.Capture(
                name: capture.name, bytes: capture.bytes, isOfHolder: field.isOfHolder, isProven: field.isProven))
        return captures.count - 1
    }
}

extension MatchCondition {
    /// Whether the condition can hold for the certificates of one holder only.
    var namesOneHolder: Bool {
        switch test {
        case .pattern(let pattern, _): pattern.isLiteral && field.isOneHolders
        case .oneOf(let values): values.count == 1 && field.isOneHolders
        case .range: false
        }
    }
}
