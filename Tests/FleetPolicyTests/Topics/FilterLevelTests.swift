import Testing

@testable import FleetPolicy

@Suite struct FilterLevelTests {
    @Test(
        arguments: [
            ("a", [.literal([97])]), ("/", [.literal([]), .literal([])]),
            ("a//b", [.literal([97]), .literal([]), .literal([98])]),
            ("+", [.anyLevel]), ("#", [.deeper]), ("+/#", [.deeper]), ("+/", [.anyLevel, .literal([])]),
            ("/+", [.literal([]), .anyLevel]), ("a/#", [.literal([97]), .deeper]),
            ("+/+/#", [.anyLevel, .anyLevel, .deeper]),
            ("{device}", [.composed([.placeholder(0)])]), ("{device}/", [.composed([.placeholder(0)]), .literal([])]),
            (
                "a{device}b/{tenant}",
                [.composed([.literal([97]), .placeholder(0), .literal([98])]), .composed([.placeholder(1)])]
            ),
            ("{device}{tenant}/#", [.composed([.placeholder(0), .placeholder(1)]), .deeper]),
            ("+/{device}/+", [.anyLevel, .composed([.placeholder(0)]), .anyLevel]),
        ] as [(String, [FilterLevel])])
    func levels(text: String, levels: [FilterLevel]) throws {
        #expect(try FilledTemplate(text).template.levels == levels)
    }

    @Test(arguments: [
        ("#", "a"), ("#", "{device}/x"), ("#", "#"), ("+", "{device}"), ("a/#", "a"), ("a/#", "a/+/{device}/#"),
        ("a/{device}/#", "a/{device}/x"), ("a/+/x", "a/m-{device}/x"), ("$a/#", "$a/b"), ("m{device}", "m{device}"),
    ])
    func covers(mine: String, theirs: String) throws {
        #expect(try FilterLevel.covers(FilledTemplate(mine).template.levels, FilledTemplate(theirs).template.levels))
    }

    @Test(arguments: [
        ("#", "$a"), ("+", "$a"), ("#", "${device}/x"), ("a", "{device}"), ("{device}", "a"), ("{device}", "{tenant}"),
        ("{device}", "+"), ("a/+", "a/#"), ("a/+/#", "a/#"), ("a/b/#", "a"), ("a", "a/b"), ("a/b", "a"),
        ("m{device}", "m-{device}"), ("+", "#"), ("a/#", "#"), ("+/+", "+"),
    ])
    func doesNotCover(mine: String, theirs: String) throws {
        #expect(try !FilterLevel.covers(FilledTemplate(mine).template.levels, FilledTemplate(theirs).template.levels))
    }

    /// Without placeholders the answer is exactly that of the topics.
    @Test func withoutPlaceholdersItIsCovering() throws {
        let templates = try FilterTemplatePropertyTests.filters.map {
            try FilledTemplate($0.joined(separator: "/")).template
        }
        for (row, mine) in templates.enumerated() {
            for (column, theirs) in templates.enumerated() where (row + column) % 7 == 0 {
                let isCovered = TopicIndexPropertyTests.relations.covers[row][column]
                if FilterLevel.covers(mine.levels, theirs.levels) != isCovered {
                    let filters = FilterTemplatePropertyTests.filters
                    Issue.record("\(filters[row]) covers \(filters[column]): should be \(isCovered)")
                }
            }
        }
    }
}
