import Testing

@testable import FleetPolicy

@Suite struct MatchAnalysisTests {
    static func pattern(_ field: String, _ text: String) throws -> MatchAnalysis.Condition {
        MatchAnalysis.Condition(
            field: field, allowed: .pattern(try ValuePattern(parsing: text)))
    }

    static func values(_ field: String, _ texts: String...) -> MatchAnalysis.Condition {
        MatchAnalysis.Condition(
            field: field, allowed: .oneOf(Set(texts.map { Array($0.utf8) })))
    }

    static func range(_ field: String, _ range: ClosedRange<Int>) -> MatchAnalysis.Condition {
        MatchAnalysis.Condition(field: field, allowed: .range(range))
    }

    static func subject(_ rank: Int, _ conditions: [MatchAnalysis.Condition]) -> MatchAnalysis.Subject {
        MatchAnalysis.Subject(
            name: "p", location: SourceLocation(file: "p.yaml", line: 1, column: 1),
            rank: Rank(priority: rank, specificity: Specificity()), conditions: conditions)
    }

    @Test func whatOverlaps() throws {
        let meter = try Self.subject(0, [Self.pattern("CN", "m-{x}"), Self.pattern("O", "Elbe")])
        for other in [
            [try Self.pattern("CN", "{y}")], [try Self.pattern("O", "Elbe")], [try Self.pattern("OU", "any")],
            [try Self.pattern("CN", "{y}-1"), try Self.pattern("O", "{z}")], [Self.values("O", "Weser", "Elbe")],
            [Self.range("bits", 1...2)],
        ] {
            #expect(MatchAnalysis.findings([meter, Self.subject(0, other)]) == [.overlapping(0, 1)])
            #expect(!MatchAnalysis.findings([meter, Self.subject(1, other)]).contains(.overlapping(0, 1)))
        }
    }

    @Test func whatDoesNotOverlap() throws {
        let meter = try Self.subject(
            0, [Self.pattern("CN", "m-{x}"), Self.pattern("O", "Elbe"), Self.range("bits", 1...9)])
        for other in [
            [try Self.pattern("CN", "t-{y}")], [try Self.pattern("CN", "{y}"), try Self.pattern("O", "Weser")],
            [Self.values("O", "Weser", "Oder")], [Self.range("bits", 10...12)],
        ] {
            #expect(MatchAnalysis.findings([meter, Self.subject(0, other)]).isEmpty)
        }
    }

    @Test func whatIsUnreachable() throws {
        let all = try Self.subject(1, [Self.pattern("O", "Elbe")])
        let some = try Self.subject(0, [Self.pattern("CN", "m-{x}"), Self.pattern("O", "Elbe")])
        #expect(MatchAnalysis.findings([some, all]) == [.unreachable(0, by: 1)])
        #expect(MatchAnalysis.findings([all, some]) == [.unreachable(1, by: 0)])
        // The one of lower rank may be the wider one: that is what a fallback is.
        #expect(
            MatchAnalysis.findings([Self.subject(0, all.conditions), Self.subject(1, some.conditions)]).isEmpty)
    }

    @Test func whatIsNotSurelyUnreachable() throws {
        let upper = try Self.subject(1, [Self.pattern("CN", "{x:digits}"), Self.pattern("OU", "{x:digits}")])
        let lower = try Self.subject(0, [Self.pattern("CN", "{x:digits}"), Self.pattern("OU", "{y:digits}")])
        // The upper one wants both values to be equal.
        #expect(MatchAnalysis.findings([upper, lower]).isEmpty)
        #expect(MatchAnalysis.findings([Self.subject(0, upper.conditions), upper]) == [.unreachable(0, by: 1)])
        let narrow = try Self.subject(1, [Self.pattern("CN", "{x:digits(4)}")])
        #expect(MatchAnalysis.findings([narrow, lower]).isEmpty)
    }

    @Test func ofSeveralThatTakeAllTheHighestIsNamed() throws {
        let subjects = try [0, 3, 5, 5].map { try Self.subject($0, [Self.pattern("O", "Elbe")]) }
        #expect(
            MatchAnalysis.findings(subjects) == [
                .unreachable(0, by: 2), .unreachable(1, by: 2), .overlapping(2, 3),
            ])
    }

    @Test func theSearchEnds() throws {
        let subjects = try (0..<3_000).map { _ in try Self.subject(0, [Self.pattern("O", "Elbe")]) }
        #expect(MatchAnalysis.findings(subjects).count == MatchAnalysis.overlapsMax)
    }

    static func random(_ random: inout SeededRandom) throws -> MatchAnalysis.Subject {
        var conditions: [MatchAnalysis.Condition] = []
        for field in ["CN", "O", "dns"] where Bool.random(using: &random) {
            let texts = [
                "a{x}", "ab{x:digits}", "a{x}b", "{x}", "ab", "abc", "b{x}c{y}", "b", "a1b", "{x:hex(2)}", "{x}b",
            ]
            conditions.append(try pattern(field, texts.randomElement(using: &random) ?? "a"))
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let chosen = [["x"], ["y"], ["x", "y"], ["xy"]].randomElement(using: &random) ?? []
            conditions.append(
                MatchAnalysis.Condition(
                    field: "policy", allowed: .oneOf(Set(chosen.map { Array($0.utf8) }))))
        }
        if conditions.isEmpty || Int.random(in: 0..<5, using: &random) == 0 {
            let low = Int.random(in: 0...5, using: &random)
            conditions.append(range("bits", low...low + Int.random(in: 0...3, using: &random)))
        }
        return subject(Int.random(in: 0...4, using: &random), conditions)
    }

    /// Buckets leave nothing out.
    @Test(arguments: [401, 402, 403] as [UInt64])
    func bucketsFindWhatComparingAllFinds(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<40 {
            let subjects = try (0..<Int.random(in: 2...40, using: &random)).map { _ in try Self.random(&random) }
            #expect(MatchAnalysis.findings(subjects) == MatchAnalysis.findingsByComparingAll(subjects))
        }
    }

    /// A fleet of one profile for each site: too many to compare each with each in a test.
    @Test func manyProfiles() throws {
        var subjects = try (0..<5_000).map { number in
            try Self.subject(0, [Self.pattern("CN", "{id}"), Self.pattern("OU", "site-\(number)")])
        }
        #expect(MatchAnalysis.findings(subjects).isEmpty)
        subjects.append(try Self.subject(0, [Self.pattern("CN", "x{id}"), Self.pattern("OU", "site-77")]))
        #expect(MatchAnalysis.findings(subjects) == [.overlapping(77, 5_000)])
    }
}
