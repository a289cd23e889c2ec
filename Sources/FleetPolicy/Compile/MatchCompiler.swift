/// A compiled `match`, and what the rest of the profile needs to know of it.
struct CompiledMatch {
    /// What is known of a capture when templates are compiled.
    struct Capture {
        let name: String
        /// What its value may consist of, over all the places that capture it.
        var bytes: ByteSet
        /// Whether the value comes from the device's own names, and not only from its issuer's.
        var isOfHolder: Bool
    }

    let matcher: CertificateMatcher
    let shape: MatchShape
    /// In the order of `matcher.captureNames`.
    let captures: [Capture]
    /// Whether the match is for the holder of one name: a whole subject, or a literal common name, serial number, UID,
    /// e-mail address or alternative name.
    let namesOneHolder: Bool
}

/// What a match accepts, whatever its captures are called: two matches of one shape match the same certificates.
struct MatchShape: Hashable {
    struct Condition: Hashable {
        let field: CertificateMatcher.Field
        let prefix: [UInt8]
        let captureBytes: [ByteSet]
        let following: [[UInt8]]
        let captureIndexes: [Int]
    }

    let exactSubject: DistinguishedName?
    let exactIssuer: DistinguishedName?
    let conditions: [Condition]
}

/// Compiles the `match` of a profile.
struct MatchCompiler {
    private let mistakes: MistakeCollector
    private var patterns: [(field: CertificateMatcher.Field, pattern: ValuePattern)] = []
    private var isSound = true

    /// Nil when something is wrong, which has been reported.
    static func compile(_ document: MatchDocument, reporting mistakes: MistakeCollector) -> CompiledMatch? {
        var compiler = MatchCompiler(mistakes: mistakes)
        return compiler.compile(document)
    }

    private init(mistakes: MistakeCollector) {
        self.mistakes = mistakes
    }

    private mutating func compile(_ document: MatchDocument) -> CompiledMatch? {
        let exactIssuer = takeUp(document.issuer) { .issuer($0) }
        let issuerPatterns = patterns.count
        let exactSubject = takeUp(document.subject) { .subject($0) }
        for (kind, pattern) in document.alternativeNames { takeUp(pattern, as: .alternativeName(kind)) }
        if isSound, exactSubject == nil, patterns.count == issuerPatterns {
            mistakes.report(
                .missingKey, at: document.location, key: "match", "nothing here is about the device itself",
                hint: "give at least one attribute of `subject` or one `san`")
            return nil
        }
        // In a fixed order, so that the places of the captures do not depend on how the operator ordered the keys.
        patterns.sort { ("\($0.field)") < ("\($1.field)") }
        var captures: [CompiledMatch.Capture] = []
        var conditions: [CertificateMatcher.Condition] = []
        for (field, pattern) in patterns {
            let indexes = pattern.captures.map { Self.index(of: $0, in: field, among: &captures) }
            conditions.append(CertificateMatcher.Condition(field: field, pattern: pattern, captureIndexes: indexes))
        }
        if captures.count > PolicyBounds.capturesPerProfileMax {
            mistakes.report(
                .outOfRange, at: document.location, key: "match",
                "\(captures.count) captures, at most \(PolicyBounds.capturesPerProfileMax) are allowed")
            return nil
        }
        guard isSound else { return nil }
        return CompiledMatch(
            matcher: CertificateMatcher(
                exactSubject: exactSubject, exactIssuer: exactIssuer, conditions: conditions,
                captureNames: captures.map(\.name)),
            shape: MatchShape(
                exactSubject: exactSubject, exactIssuer: exactIssuer,
                conditions: conditions.map(MatchShape.Condition.init)),
            captures: captures,
            namesOneHolder: exactSubject != nil || conditions.contains { $0.pattern.isLiteral && $0.field.isOneHolders }
        )
    }

    /// Takes up the patterns of a name, or returns the whole name that has to be equal.
    private mutating func takeUp(
        _ name: MatchDocument.Name?, field: (String) -> CertificateMatcher.Field
    ) -> DistinguishedName? {
        switch name {
        case nil:
            return nil
        case .exact(let text):
            if let name = DistinguishedName(rfc4514: text.value), !name.isEmpty { return name }
            isSound = false
            mistakes.report(
                .badPattern, about: text, "not a distinguished name in the form of RFC 4514",
                hint: "such as \"CN=Device CA,O=Elbe Netz\", or a mapping with a pattern for each attribute")
            return nil
        case .attributes(let attributes):
            for (oid, pattern) in attributes { takeUp(pattern, as: field(oid)) }
            return nil
        }
    }

    private mutating func takeUp(_ text: Located<String>, as field: CertificateMatcher.Field) {
        do throws(BracedText.Malformed) {
            let pattern = try ValuePattern(parsing: text.value)
            for capture in pattern.captures where TopicCompiler.reservedNames.contains(capture.name) {
                isSound = false
                mistakes.report(
                    .badPattern, about: text, "`{\(capture.name)}` is a placeholder of its own and cannot be captured",
                    hint: "choose another name")
            }
            patterns.append((field, pattern))
        } catch {
            isSound = false
            mistakes.report(.badPattern, about: text, error.message, hint: error.hint)
        }
    }

    private static func index(
        of capture: ValuePattern.Capture, in field: CertificateMatcher.Field,
        among captures: inout [CompiledMatch.Capture]
    ) -> Int {
        if let index = captures.firstIndex(where: { $0.name == capture.name }) {
            captures[index].bytes = captures[index].bytes.intersection(capture.bytes)
            captures[index].isOfHolder = captures[index].isOfHolder || field.isOfHolder
            return index
        }
        captures.append(
            CompiledMatch.Capture(name: capture.name, bytes: capture.bytes, isOfHolder: field.isOfHolder))
        return captures.count - 1
    }
}

extension MatchShape.Condition {
    init(_ condition: CertificateMatcher.Condition) {
        field = condition.field
        prefix = condition.pattern.prefix
        captureBytes = condition.pattern.captures.map(\.bytes)
        following = condition.pattern.captures.map(\.following)
        captureIndexes = condition.captureIndexes
    }
}

extension CertificateMatcher.Field {
    /// Whether the field belongs to the certificate's holder.
    var isOfHolder: Bool {
        switch self {
        case .subject, .alternativeName: true
        case .issuer: false
        }
    }

    /// Whether a value of this field is, by its meaning, that of one holder and not of a group of them.
    var isOneHolders: Bool {
        switch self {
        case .subject(let type):
            ["CN", "serialNumber", "UID", "emailAddress"].contains(AttributeType.shortName(ofOID: type) ?? "")
        case .alternativeName: true
        case .issuer: false
        }
    }
}
