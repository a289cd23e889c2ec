import Testing

@testable import FleetPolicy

@Suite struct TopicTextTests {
    // `#expect` does not take apart calls with spans.
    private func isTopicName(_ text: String) -> Bool { TopicText.isTopicName(Array(text.utf8).span) }
    private func isTopicFilter(_ text: String) -> Bool { TopicText.isTopicFilter(Array(text.utf8).span) }
    private func start(_ text: String) -> Int? { TopicText.start(ofFilterIn: Array(text.utf8).span) }

    @Test(arguments: ["a", "/", "a/b", "/a/", "a//b", "$SYS/x", " ", "é/東"])
    func topicNames(topic: String) {
        #expect(isTopicName(topic))
    }

    @Test(arguments: ["", "+", "#", "a/+", "a/#", "a+b", "a#", "a\0b", "\0"])
    func notTopicNames(topic: String) {
        #expect(!isTopicName(topic))
    }

    @Test(arguments: ["a", "/", "#", "+", "+/+", "a/#", "/#", "+/a/#", "a/+/b", "/+", "+/", "$SYS/#"])
    func topicFilters(filter: String) {
        #expect(isTopicFilter(filter))
    }

    @Test(arguments: [
        "", "a#", "#/", "#/a", "a/#/b", "a+", "+a", "a/+b", "a/b+/c", "++", "##", "+#", "#+", "a\0", "a/##",
    ])
    func notTopicFilters(filter: String) {
        #expect(!isTopicFilter(filter))
    }

    @Test(arguments: [
        ("a", 0), ("$SYS/a", 0), ("$shared/g/a", 0), ("$shar", 0), ("$share/g/a", 9), ("$share/group/#", 13),
        ("$share/g//a", 9), ("$Share/g/a", 0),
    ])
    func filterStart(requested: String, expected: Int) {
        #expect(start(requested) == expected)
    }

    @Test(arguments: [
        "$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/g+/a",
        "$share/g\0/a",
    ])
    func malformedShares(requested: String) {
        #expect(start(requested) == nil)
    }
}
