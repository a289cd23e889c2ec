import Testing

@testable import MQTTCodec

@Suite struct MQTTTopicTests {
    // A span cannot pass through `#expect`, so the calls are made here.
    private func isValidName(_ bytes: Bytes) -> Bool { MQTTTopic.isValidName(bytes.span) }
    private func isValidFilter(_ bytes: Bytes) -> Bool { MQTTTopic.isValidFilter(bytes.span) }
    private func levelCount(_ topic: String) -> Int { MQTTTopic.levelCount(topic.utf8.span) }
    private func matches(_ filter: String, _ name: String) -> Bool {
        MQTTTopic.matches(filter: filter.utf8.span, name: name.utf8.span)
    }

    @Test(arguments: [
        "a", "/", "//", "a/b", " ", "$SYS/a", "a b/c", "\u{1F321}", "$share", String(repeating: "a", count: 65_535),
    ])
    func validNames(name: String) {
        #expect(isValidName(Bytes(name.utf8)))
    }

    @Test(arguments: ["", "#", "+", "a/#", "a/+/b", "a+", "a#b", "a\0", String(repeating: "a", count: 65_536)])
    func invalidNames(name: String) {
        #expect(!isValidName(Bytes(name.utf8)))
    }

    @Test(arguments: [
        "#", "+", "/", "+/+", "/+", "a/#", "a/+/#", "+/a/#", "a//b", "$SYS/#", "$share/g/#", "$share/g//", "$share/g/+",
        "$share/a b/c/+/#", "$shared", "$sharex/+", "$Share",
    ])
    func validFilters(filter: String) {
        #expect(isValidFilter(Bytes(filter.utf8)))
    }

    @Test(arguments: [
        "", "a#", "#a", "a/#/b", "##", "#/#", "a+", "+a", "a/b+", "a/+b/c", "++", "+#", "a/++", "$share", "$share/",
        "$share//", "$share//a", "$share/g", "$share/g/", "$share/#/a", "$share/g+/a", "$share/g/a#", "a\0b",
        String(repeating: "a", count: 65_536),
    ])
    func invalidFilters(filter: String) {
        #expect(!isValidFilter(Bytes(filter.utf8)))
    }

    @Test func notUTF8() {
        let bytes: Bytes = [0x61, 0xC0, 0xAF]
        #expect(!isValidName(bytes))
        #expect(!isValidFilter(bytes))
    }

    /// The examples of sections 4.7.1 to 4.7.3, and the edges around them.
    @Test(arguments: [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/tennis/player1/#", "sport/tennis/player10", false),
        ("sport/#", "sport", true), ("sport/#", "sports", false), ("#", "a/b", true), ("#", "/", true),
        ("sport/tennis/+", "sport/tennis/player1", true), ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false), ("sport/+", "sport/", true), ("+/+", "/finance", true), ("/+", "/finance", true),
        ("+", "/finance", false), ("+", "finance", true), ("#", "$SYS/a", false), ("+/monitor", "$SYS/monitor", false),
        ("$SYS/#", "$SYS/a", true), ("$SYS/monitor/+", "$SYS/monitor/clients", true), ("a/+/c", "a/$b/c", true),
        ("a", "A", false), ("a", "a/", false), ("a/", "a", false), ("/a", "a", false), ("a/b", "a/b", true),
        ("a/b", "a/bc", false), ("a/bc", "a/b", false), ("a/+/#", "a/b", true), ("a/+/#", "a", false),
    ])
    func matching(filter: String, name: String, expected: Bool) {
        #expect(matches(filter, name) == expected)
    }

    @Test func levels() {
        #expect(levelCount("a") == 1)
        #expect(levelCount("/") == 2)
        #expect(levelCount("a/b/c") == 3)
    }
}
