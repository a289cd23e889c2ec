import Testing

@testable import FleetPolicy

@Suite struct MatchFieldTests {
    /// A code stands for one field: a certificate's attribute never counts as another.
    @Test func codesAreUnique() {
        var fields: [MatchField] = [
            .wholeSubject, .wholeIssuer, .wholeDirectoryName, .serialNumber, .fingerprint, .policy, .keyType, .keyCurve,
            .trustAnchor, .trustAnchorFingerprint, .tlsVersion, .listener, .serverName, .keyBits, .daysLeft,
        ]
        fields += AlternativeNameKind.allCases.map { .alternativeName($0) }
        fields += OtherNameText.table.map { .otherName($0.oid) }
        for (_, oid) in AttributeType.table { fields += [.subject(oid), .issuer(oid), .directoryName(oid)] }
        #expect(Set(fields.map(\.key.code)).count == fields.count)
        #expect(fields.allSatisfy { $0.key.code != 0 })
        #expect(Set(fields.map(\.key.hash)).count == fields.count)
    }

    @Test(arguments: [MatchField.subject("1.2.3"), .issuer("1.2.3"), .directoryName("1.2.3"), .otherName("1.2.3")])
    func fieldsOfOtherIdentifiersHaveNoCode(field: MatchField) {
        #expect(field.key.code == 0)
    }
}
