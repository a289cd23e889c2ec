/// The values of a certificate that matches look at, as bytes with their hashes: made once when a certificate's
/// attributes are put together, so that a decision only compares.
///
/// Two arrays for all of it: of a certificate that was not looked at for a while, little has to come into the
/// processor's caches.
struct CertificateText: Sendable {
    struct Entry: Sendable {
        /// Of the field alone: the beginning of a hash over a part of the value.
        let fieldHash: ValueHash
        /// Of the field and the whole value.
        let hash: ValueHash
        fileprivate let start: UInt32
        fileprivate let count: UInt32
        /// The place in `otherFields`, when the code is 0.
        let otherField: UInt16
        /// The field's.
        let code: UInt8

        /// Where the value stands in `bytes`.
        var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    /// In the order of the certificate for each field.
    let entries: [Entry]
    let bytes: [UInt8]
    /// The fields that have no code.
    let otherFields: [MatchField]
    /// How many values there are beyond ``PolicyBounds/certificateValuesMax``; such a certificate gets nothing.
    let excess: Int

    init(
        subject: DistinguishedName, issuer: DistinguishedName, subjectAlternativeNames: [SubjectAlternativeName],
        serialNumber: [UInt8], fingerprint: [UInt8], publicKey: PublicKeyDescription, policyOIDs: [String]
    ) {
        var builder = Builder()
        builder.append(subject, whole: .wholeSubject) { .subject($0) }
        builder.append(issuer, whole: .wholeIssuer) { .issuer($0) }
        for name in subjectAlternativeNames { builder.append(name) }
        // The content of an INTEGER begins with a zero byte where the number itself does not.
        let number = serialNumber.drop { $0 == 0 }
        builder.append(.serialNumber, HexadecimalText.text(number.isEmpty ? [0] : number))
        builder.append(.fingerprint, fingerprint)
        for oid in policyOIDs { builder.append(.policy, oid) }
        switch publicKey.algorithm {
        case .ellipticCurve(let oid):
            builder.append(.keyType, KeyTypeName.ellipticCurve)
            builder.append(.keyCurve, oid)
        case .rsa: builder.append(.keyType, KeyTypeName.rsa)
        case .other(let oid): builder.append(.keyType, oid)
        }
        entries = builder.entries
        bytes = builder.bytes
        otherFields = builder.otherFields
        excess = builder.excess
    }

    private struct Builder {
        var entries: [Entry] = []
        var bytes: [UInt8] = []
        var otherFields: [MatchField] = []
        var excess = 0

        init() {
            // What an ordinary certificate needs.
            entries.reserveCapacity(16)
            bytes.reserveCapacity(256)
        }

        mutating func append(_ field: MatchField, _ value: some Collection<UInt8>) {
            guard entries.count < PolicyBounds.certificateValuesMax else {
                excess += 1
                return
            }
            let key = field.key
            entries.append(
                Entry(
                    fieldHash: key.hash, hash: key.hash.combining(value), start: UInt32(bytes.count),
                    count: UInt32(value.count), otherField: UInt16(otherFields.count), code: key.code))
            if key.code == 0 { otherFields.append(field) }
            bytes.append(contentsOf: value)
        }

        mutating func append(_ field: MatchField, _ text: String) { append(field, text.utf8) }

        mutating func append(
            _ name: DistinguishedName, whole: MatchField, attribute field: (String) -> MatchField
        ) {
            append(whole, name.description)
            for attribute in name.relativeNames.lazy.flatMap(\.attributes) {
                append(field(attribute.attributeType), attribute.value)
            }
        }

        mutating func append(_ name: SubjectAlternativeName) {
            switch name {
            case .dns(let text): append(.alternativeName(.dns), text)
            case .uri(let text): append(.alternativeName(.uri), text)
            case .email(let text): append(.alternativeName(.email), text)
            case .ip(let bytes):
                if let text = IPAddressText.text(of: bytes) { append(.alternativeName(.ip), text) }
            case .directoryName(let name): append(name, whole: .wholeDirectoryName) { .directoryName($0) }
            case .otherName(let oid, let value):
                if let text = OtherNameText.text(oid: oid, value: value) { append(.otherName(oid), text) }
            case .registeredID(let oid): append(.alternativeName(.registeredID), oid)
            case .unknown: break
            }
        }
    }
}

/// The types of public keys by their names in profiles.
enum KeyTypeName {
    static let ellipticCurve = "ec"
    static let rsa = "rsa"

    /// Elliptic curves that have a short name here, and their object identifiers (RFC 5480, RFC 5639, SEC 2).
    static let curves: [(name: String, oid: String)] = [
        ("P-256", "1.2.840.10045.3.1.7"), ("P-384", "1.3.132.0.34"), ("P-521", "1.3.132.0.35"),
        ("P-224", "1.3.132.0.33"), ("secp256k1", "1.3.132.0.10"), ("brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7"),
        ("brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"), ("brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13"),
    ]
}
