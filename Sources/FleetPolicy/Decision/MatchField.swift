/// Where a condition of a match looks: a part of the certificate, or of the connection it came on.
enum MatchField: Sendable, Hashable {
    // Of the certificate, as text.
    /// An attribute type as a dotted object identifier.
    case subject(String)
    case issuer(String)
    case alternativeName(AlternativeNameKind)
    /// An attribute of a directoryName among the alternative names.
    case directoryName(String)
    /// An otherName by its dotted object identifier.
    case otherName(String)
    case wholeSubject
    case wholeIssuer
    case wholeDirectoryName
    case serialNumber
    /// SHA-256 of the certificate: 32 bytes, not text.
    case fingerprint
    case policy
    case keyType
    case keyCurve
    // Of the connection.
    case trustAnchor
    /// SHA-256 of the trust anchor: 32 bytes, not text.
    case trustAnchorFingerprint
    case tlsVersion
    case listener
    case serverName
    // Numbers.
    case keyBits
    case daysLeft

    /// Whether the value belongs to the certificate's holder, and not only to its issuer or to the connection.
    var isOfHolder: Bool {
        switch self {
        case .subject, .alternativeName, .directoryName, .otherName, .wholeSubject, .wholeDirectoryName, .serialNumber,
            .fingerprint:
            true
        case .issuer, .wholeIssuer, .policy, .keyType, .keyCurve, .trustAnchor, .trustAnchorFingerprint, .tlsVersion,
            .listener, .serverName, .keyBits, .daysLeft:
            false
        }
    }

    /// Whether a value of this field is, by its meaning, that of one holder and not of a group of them.
    var isOneHolders: Bool {
        switch self {
        case .subject(let type), .directoryName(let type):
            ["CN", "serialNumber", "UID", "emailAddress"].contains(AttributeType.shortName(ofOID: type) ?? "")
        case .alternativeName, .otherName, .wholeSubject, .wholeDirectoryName, .serialNumber, .fingerprint: true
        case .issuer, .wholeIssuer, .policy, .keyType, .keyCurve, .trustAnchor, .trustAnchorFingerprint, .tlsVersion,
            .listener, .serverName, .keyBits, .daysLeft:
            false
        }
    }

    /// Whether the value was verified. SNI is whatever the device wrote there.
    var isProven: Bool { self != .serverName }

    /// Whether values are 32 bytes of a hash, shown in hexadecimal.
    var isHash: Bool { self == .fingerprint || self == .trustAnchorFingerprint }

    /// What a field is compared and hashed by in a decision.
    struct Key {
        /// 0: the field has an object identifier without a short name. Else no other field has this code.
        let code: UInt8
        /// The beginning of every hash over a value of this field.
        let hash: ValueHash
    }

    var key: Key { Self.keys[self] ?? Key(code: 0, hash: describedHash) }

    private var describedHash: ValueHash {
        ValueHash().combining(description.utf8).combining(CollectionOfOne(UInt8(0)))
    }

    /// Every field but those with an object identifier that has no short name: some hundred.
    private static let keys: [MatchField: Key] = {
        var fields: [MatchField] = []
        for (_, oid) in AttributeType.table { fields += [.subject(oid), .issuer(oid), .directoryName(oid)] }
        fields += AlternativeNameKind.allCases.map { .alternativeName($0) }
        fields += OtherNameText.table.map { .otherName($0.oid) }
        fields += [
            .wholeSubject, .wholeIssuer, .wholeDirectoryName, .serialNumber, .fingerprint, .policy, .keyType, .keyCurve,
            .trustAnchor, .trustAnchorFingerprint, .tlsVersion, .listener, .serverName, .keyBits, .daysLeft,
        ]
        var keys: [MatchField: Key] = [:]
        for (field, code) in zip(fields, 1...UInt8.max) { keys[field] = Key(code: code, hash: field.describedHash) }
        return keys
    }()
}

extension MatchField: CustomStringConvertible {
    /// As the operator writes it. Different fields have different descriptions.
    var description: String {
        switch self {
        case .subject(let type): "subject \(AttributeType.shortName(ofOID: type) ?? type)"
        case .issuer(let type): "issuer \(AttributeType.shortName(ofOID: type) ?? type)"
        case .alternativeName(let kind): "san \(kind.rawValue)"
        case .directoryName(let type): "san directory-name \(AttributeType.shortName(ofOID: type) ?? type)"
        case .otherName(let oid): "san other-name \(OtherNameText.shortName(ofOID: oid) ?? oid)"
        case .wholeSubject: "subject"
        case .wholeIssuer: "issuer"
        case .wholeDirectoryName: "san directory-name"
        case .serialNumber: "serial-number"
        case .fingerprint: "fingerprint"
        case .policy: "policy"
        case .keyType: "key type"
        case .keyCurve: "key curve"
        case .trustAnchor: "trust-anchor"
        case .trustAnchorFingerprint: "trust-anchor sha256"
        case .tlsVersion: "tls-version"
        case .listener: "listener"
        case .serverName: "sni"
        case .keyBits: "key bits"
        case .daysLeft: "days-left"
        }
    }
}

/// The alternative names with a text of their own that patterns can read, by their keys in a profile.
enum AlternativeNameKind: String, Sendable, Hashable, CaseIterable {
    case uri, dns, email, ip
    case registeredID = "registered-id"
}
