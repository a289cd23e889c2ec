import Testing

@testable import FleetPolicy

@Suite struct SpellingTests {
    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "", 3), ("kitten", "sitting", 3),
    ])
    func distance(left: String, right: String, expected: Int) {
        #expect(Spelling.distance(from: Array(left), to: Array(right)) == expected)
        #expect(Spelling.distance(from: Array(right), to: Array(left)) == expected)
    }

    @Test(
        arguments: [
            ("subscirbe", "subscribe"), ("Publish", "publish"), ("limit", "limits"), ("wil", "will"),
            ("keepalive", nil),
            ("x", nil), (String(repeating: "p", count: 65), nil),
        ] as [(String, String?)])
    func nearest(word: String, expected: String?) {
        #expect(Spelling.nearest(to: word, among: ["publish", "subscribe", "limits", "will"]) == expected)
    }
}
