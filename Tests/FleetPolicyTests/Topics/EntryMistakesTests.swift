import FleetPolicy
import Testing

/// Entries of topic lists that mean nothing.
@Suite struct EntryMistakesTests {
    private func mistakes(_ lists: String) throws -> [String] {
        try FleetPolicyTests.mistakes(
            in: "profile: p\nmatch: { subject: { CN: \"{id}\", O: \"{org}\" } }\ndevice: \"{id}\"\n" + lists
        ).map { "\($0.code) \($0.key)" }
    }

    @Test(arguments: [
        ("publish: [\"a/b\"]\ndeny-publish: [\"a/#\"]", "impossible-filter publish[0]"),
        ("publish: [\"x\", \"a/{device}\"]\ndeny-publish: [\"y\", \"a/+\"]", "impossible-filter publish[1]"),
        ("publish: [{ topic: \"{org}/#\" }]\ndeny-publish: [\"{org}/#\"]", "impossible-filter publish[0].topic"),
        ("subscribe: [\"a/+\"]\ndeny-subscribe: [\"#\"]", "impossible-filter subscribe[0]"),
        ("will: { topic: \"a\" }\ndeny-publish: [\"+\"]", "impossible-filter will.topic"),
        ("publish: [\"a\", \"b\", \"a\"]", "duplicate-filter publish[2]"),
        ("publish: [{ topic: \"a\", qos: 0 }, { topic: \"a\", qos: 2 }]", "duplicate-filter publish[1].topic"),
        ("subscribe: [\"+/#\", \"#\"]", "duplicate-filter subscribe[1]"),
        ("deny-publish: [\"{device}\", \"{device}\"]", "duplicate-filter deny-publish[1]"),
        ("deny-subscribe: [\"a\", \"a\"]", "duplicate-filter deny-subscribe[1]"),
        ("will: [\"a\", \"a\"]", "duplicate-filter will[1]"),
    ])
    func reports(lists: String, mistake: String) throws {
        #expect(try mistakes(lists) == [mistake])
    }

    @Test(arguments: [
        "publish: [\"a/#\"]\ndeny-publish: [\"a/b\"]", "publish: [\"a/{device}\"]\ndeny-publish: [\"a/{org}\"]",
        "publish: [\"$a/b\"]\ndeny-publish: [\"#\"]", "subscribe: [\"a\"]\ndeny-publish: [\"a\"]",
        "publish: [\"a\"]\ndeny-subscribe: [\"a\"]", "publish: [\"a\"]\nwill: [\"a\"]",
        "publish: [{ topic: \"a\", qos: 0, retain: true }, { topic: \"a\", qos: 2 }]",
        "publish: [\"a\"]\ndeny-publish: [\"a/+\", \"a/+/#\"]",
    ])
    func doesNotReport(lists: String) throws {
        #expect(try mistakes(lists).isEmpty)
    }

    @Test func bothPlacesAreNamed() throws {
        let found = try FleetPolicyTests.mistakes(
            in: """
                profile: p
                match: { subject: { CN: "{id}" } }
                device: "{id}"
                publish:
                  - "a/b"
                deny-publish:
                  - "a/#"
                """)
        let mistake = try #require(found.first)
        #expect(mistake.location.line == 5)
        #expect(mistake.hint?.contains("test.yaml:7:") == true)
    }
}
