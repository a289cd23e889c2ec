import Testing

@testable import FleetPolicy

@Suite struct MatchTableTests {
    private func matcher(_ conditions: [MatchCondition], captures: [String] = []) -> CertificateMatcher {
        CertificateMatcher(conditions: conditions, captureNames: captures)
    }

    private func pattern(_ text: String, _ field: MatchField, _ slots: [Int] = []) throws -> MatchCondition {
        MatchCondition(
            field: field, test: .pattern(try ValuePattern(parsing: text), captureIndexes: slots), wanted: text)
    }

    private func context(_ subject: String, policies: [String] = []) throws -> MatchContext {
        let name = try #require(DistinguishedName(rfc4514: subject))
        let attributes = CertificateAttributes(
            subject: name, issuer: name, subjectAlternativeNames: [], serialNumber: [1], sha256Fingerprint: [],
            notBefore: 0, notAfter: 1, policyOIDs: policies)
        return MatchContext(attributes, .usual, readsServerName: true)
    }

    private func steps(_ matcher: CertificateMatcher, _ context: MatchContext) -> [MatchTable.Step] {
        // Another profile before it, so that its places do not begin at 0.
        let other = CertificateMatcher(
            conditions: [MatchCondition(field: .policy, test: .oneOf([[1], [2]]), wanted: "")], captureNames: [])
        let table = MatchTable([other, matcher])
        var captures = MatchTable.Captures()
        return matcher.conditions.indices.map { table.step($0, of: 1, in: context, &captures) }
    }

    /// Listed values are found whatever their order, also where one begins like another.
    @Test func findsEveryListedValueAndNoOther() throws {
        let listed = ["1.2", "1.2.3", "1.2.30", "1.10", "2.5.29.32.0", "1.2.4", "0.9"]
        let condition = MatchCondition(
            field: .policy, test: .oneOf(Set(listed.map { Array($0.utf8) })), wanted: "")
        for value in listed {
            #expect(try steps(matcher([condition]), context("CN=a", policies: ["9.9", value])) == [.holds], "\(value)")
        }
        for value in ["", "1", "1.2.", "1.2.300", "1.1", "0.8", "9.9", "1.2.31", "2.5.29.32"] {
            #expect(try steps(matcher([condition]), context("CN=a", policies: [value])) == [.fails], "\(value)")
        }
        #expect(try steps(matcher([condition]), context("CN=a")) == [.fails])
    }

    @Test func takesUpCapturesOfSeveralConditions() throws {
        let conditions = [
            try pattern("m-{a:digits}.{b}", .subject("2.5.4.3"), [1, 0]), try pattern("{a}", .subject("2.5.4.10"), [1]),
        ]
        let matcher = matcher(conditions, captures: ["b", "a"])
        #expect(try steps(matcher, context("CN=m-12.x,O=12")) == [.holds, .holds])
        #expect(try steps(matcher, context("CN=m-12.x,O=13")) == [.holds, .contradicts(1)])
        let table = MatchTable([matcher])
        let context = try context("CN=m-12.x,O=12")
        var captures = MatchTable.Captures()
        guard case .matched = table.match(0, context, &captures) else {
            Issue.record("does not match")
            return
        }
        #expect(
            table.values(of: captures, 0, in: context).values.map(Array.init) == [Array("x".utf8), Array("12".utf8)])
    }

    /// Values of several sources compare by their bytes.
    @Test func comparesCapturesOfCertificateAndAnchor() throws {
        let conditions = [
            try pattern("{a}", .subject("2.5.4.3"), [0]), try pattern("CN={a},O=Test", .trustAnchor, [0]),
        ]
        let matcher = matcher(conditions, captures: ["a"])
        #expect(try steps(matcher, context("CN=Test Root")) == [.holds, .holds])
        #expect(try steps(matcher, context("CN=Test Roo")) == [.holds, .contradicts(0)])
    }

    /// Attribute types without a short name share one code, and are told apart all the same.
    @Test func tellsUnknownAttributeTypesApart() throws {
        let context = try context("1.3.9.1=x,1.3.9.2=y,CN=z")
        #expect(MatchField.subject("1.3.9.1").key.code == 0)
        #expect(steps(matcher([try pattern("x", .subject("1.3.9.1"))]), context) == [.holds])
        #expect(steps(matcher([try pattern("y", .subject("1.3.9.1"))]), context) == [.fails])
        #expect(steps(matcher([try pattern("y", .subject("1.3.9.2"))]), context) == [.holds])
        #expect(steps(matcher([try pattern("x", .directoryName("1.3.9.1"))]), context) == [.fails])
        #expect(steps(matcher([try pattern("{a}", .subject("1.3.9.3"), [0])], captures: ["a"]), context) == [.fails])
    }

    @Test func reportsSeveralValuesAndSeveralReadings() throws {
        let matcher = matcher([try pattern("{a}-{b}", .subject("2.5.4.3"), [0, 1])], captures: ["a", "b"])
        #expect(try steps(matcher, context("CN=a-b")) == [.holds])
        #expect(try steps(matcher, context("CN=a-b-c")) == [.severalReadings])
        #expect(try steps(matcher, context("CN=a-b+CN=c-d")) == [.severalValues])
        #expect(try steps(matcher, context("CN=a-b-c+CN=c-d")) == [.severalValues])
        #expect(try steps(matcher, context("CN=ab+CN=c-d")) == [.holds])
    }
}
