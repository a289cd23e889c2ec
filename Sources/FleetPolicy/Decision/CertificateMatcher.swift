/// The values of a certificate as bytes, made once for each decision.
struct CertificateText {
    let subject: [(type: String, value: [UInt8])]
    let issuer: [(type: String, value: [UInt8])]
    let alternativeNames: [(kind: AlternativeNameKind, value: [UInt8])]
    let subjectName: DistinguishedName
    let issuerName: DistinguishedName

    init(_ certificate: CertificateAttributes) {
        subjectName = certificate.subject
        issuerName = certificate.issuer
        subject = Self.attributes(of: certificate.subject)
        issuer = Self.attributes(of: certificate.issuer)
        alternativeNames = certificate.subjectAlternativeNames.compactMap(AlternativeNameKind.text)
    }

    private static func attributes(of name: DistinguishedName) -> [(type: String, value: [UInt8])] {
        name.relativeNames.flatMap { $0.attributes.map { ($0.attributeType, Array($0.value.utf8)) } }
    }
}

/// The alternative names that patterns can read, by their keys in a profile.
enum AlternativeNameKind: String, Sendable, CaseIterable {
    case uri, dns, email, ip

    /// The text of a name that patterns can read; nil for the others.
    static func text(_ name: SubjectAlternativeName) -> (kind: AlternativeNameKind, value: [UInt8])? {
        switch name {
        case .uri(let text): (.uri, Array(text.utf8))
        case .dns(let text): (.dns, Array(text.utf8))
        case .email(let text): (.email, Array(text.utf8))
        case .ip(let bytes): IPAddressText.text(of: bytes).map { (.ip, Array($0.utf8)) }
        case .directoryName, .otherName, .registeredID, .unknown: nil
        }
    }
}

/// The values of a profile's captures, by their place in `CertificateMatcher.captureNames`.
struct CapturedValues {
    var values: [[UInt8]]
}

/// Decides whether a certificate is one of a profile's, and reads the captures.
struct CertificateMatcher: Sendable {
    enum Outcome {
        case noMatch
        case matched(CapturedValues)
        case ambiguous(String)
    }

    /// Where a condition looks.
    enum Field: Sendable, Hashable {
        /// An attribute type as a dotted object identifier.
        case subject(String)
        case issuer(String)
        case alternativeName(AlternativeNameKind)
    }

    struct Condition: Sendable, Hashable {
        let field: Field
        let pattern: ValuePattern
        /// Places of the pattern's captures in `captureNames`.
        let captureIndexes: [Int]
    }

    /// Names that have to be equal as a whole.
    let exactSubject: DistinguishedName?
    let exactIssuer: DistinguishedName?
    let conditions: [Condition]
    let captureNames: [String]

    func match(_ certificate: CertificateText) -> Outcome {
        if let exactSubject, exactSubject != certificate.subjectName { return .noMatch }
        if let exactIssuer, exactIssuer != certificate.issuerName { return .noMatch }
        var captured = [[UInt8]?](repeating: nil, count: captureNames.count)
        var ambiguity: String?
        for condition in conditions {
            switch read(condition, in: certificate) {
            case .noValue:
                return .noMatch
            case .severalValues:
                // Goes on: if another condition fails, the profile does not match at all.
                ambiguity = ambiguity ?? "more than one value of \(condition.field) matches"
            case .severalReadings:
                ambiguity = ambiguity ?? "the value of \(condition.field) can be read in more than one way"
            case .value(let value, let ranges):
                for (index, range) in zip(condition.captureIndexes, ranges) {
                    if let before = captured[index] {
                        guard before.elementsEqual(value[range]) else { return .noMatch }
                    } else {
                        captured[index] = Array(value[range])
                    }
                }
            }
        }
        if let ambiguity { return .ambiguous(ambiguity) }
        return .matched(CapturedValues(values: captured.map { $0 ?? [] }))
    }

    private enum Reading {
        case noValue
        case value([UInt8], [Range<Int>])
        case severalValues
        case severalReadings
    }

    /// Looks for the one value that matches. When several do, none is chosen: which of two names a device goes by must
    /// not depend on the order in which its certificate lists them.
    private func read(_ condition: Condition, in certificate: CertificateText) -> Reading {
        var reading = Reading.noValue
        func consider(_ value: [UInt8]) {
            switch (condition.pattern.match(value), reading) {
            case (.noMatch, _): break
            case (.matched(let ranges), .noValue): reading = .value(value, ranges)
            case (.ambiguous, .noValue): reading = .severalReadings
            case (.matched, .value), (.matched, .severalValues), (.matched, .severalReadings),
                (.ambiguous, .value), (.ambiguous, .severalValues), (.ambiguous, .severalReadings):
                reading = .severalValues
            }
        }
        switch condition.field {
        case .subject(let type):
            for attribute in certificate.subject where attribute.type == type { consider(attribute.value) }
        case .issuer(let type):
            for attribute in certificate.issuer where attribute.type == type { consider(attribute.value) }
        case .alternativeName(let kind):
            for name in certificate.alternativeNames where name.kind == kind { consider(name.value) }
        }
        return reading
    }
}

extension CertificateMatcher.Field: CustomStringConvertible {
    /// As the operator writes it.
    var description: String {
        switch self {
        case .subject(let type): "subject \(AttributeType.shortName(ofOID: type) ?? type)"
        case .issuer(let type): "issuer \(AttributeType.shortName(ofOID: type) ?? type)"
        case .alternativeName(let kind): "san \(kind.rawValue)"
        }
    }
}
