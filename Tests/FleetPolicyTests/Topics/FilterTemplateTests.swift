import Testing

@testable import FleetPolicy

/// A filter for device `d1` of tenant `t1`.
struct FilledTemplate {
    let template: FilterTemplate
    let values: PlaceholderValues

    init(_ text: String, device: String = "d1", tenant: String = "t1") throws {
        template = try FilterTemplate(BracedText(parsing: text).pieces) { ["device": 0, "tenant": 1][$0] }
        values = PlaceholderValues([Array(device.utf8), Array(tenant.utf8)])
    }

    func covers(_ requested: String) -> Bool {
        template.covers(Array(requested.utf8).span, with: values)
    }

    func overlaps(_ requested: String) -> Bool {
        template.overlaps(Array(requested.utf8).span, with: values)
    }
}

@Suite struct FilterTemplateTests {
    @Test(arguments: [
        // The examples of MQTT 4.7.1.
        ("sport/tennis/player1/#", "sport/tennis/player1"), ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"), ("sport/#", "sport"), ("#", "a/b/c"),
        ("sport/tennis/+", "sport/tennis/player1"), ("sport/+", "sport/"), ("+/+", "/finance"), ("/+", "/finance"),
        ("+/monitor/Clients", "x/monitor/Clients"), ("$SYS/#", "$SYS/"), ("$SYS/#", "$SYS"),
        ("$SYS/monitor/+", "$SYS/monitor/Clients"),
        ("a/{device}/x", "a/d1/x"), ("{tenant}/{device}", "t1/d1"), ("m-{device}-x/#", "m-d1-x"), ("{device}", "d1"),
        ("{tenant}/+/{device}/#", "t1/any/d1/b/c"), ("+", "a"), ("a/+/c", "a//c"), ("a/", "a/"), ("/", "/"),
        ("/#", "/a"),
        ("a/+/$x", "a/b/$x"), ("a/+", "a/$x"), ("a/#", "a/$x"), ("+/#", "a"), ("é/#", "é/x"),
    ])
    func matches(filter: String, topic: String) throws {
        #expect(try FilledTemplate(filter).covers(topic))
        #expect(try FilledTemplate(filter).overlaps(topic))
    }

    @Test(arguments: [
        ("sport/tennis/+", "sport/tennis/player1/ranking"), ("sport/+", "sport"), ("+", "/finance"), ("#", "$SYS/a"),
        ("+/monitor/Clients", "$SYS/monitor/Clients"), ("+/#", "$SYS"), ("+/+", "$a/b"), ("+", "$a"), ("a/b", "a/B"),
        ("a/{device}/x", "a/d2/x"), ("a/{device}/x", "a/d1/xy"), ("a/{device}/x", "a/d1"), ("a/{device}", "a/d1/"),
        ("a/{device}", "a/d"), ("a/{device}", "a/d11"), ("a", "a/"), ("a/", "a"), ("a//b", "a/b"),
        ("sport/#", "sports"),
        ("sport/#", "spor"), ("sport/tennis/#", "sport"), ("/#", "a"), ("a/+/c", "a/c"), ("a/+/c", "a/b/b/c"),
        ("a", "b"), ("ab", "a"), ("m-{device}-x", "m-d1"),
    ])
    func doesNotMatch(filter: String, topic: String) throws {
        #expect(try !FilledTemplate(filter).covers(topic))
        #expect(try !FilledTemplate(filter).overlaps(topic))
    }

    @Test(arguments: [
        ("a/#", "a/#"), ("a/#", "a"), ("a/#", "a/+"), ("a/#", "a/+/#"), ("a/#", "a/b/#"), ("#", "#"), ("#", "+"),
        ("#", "+/#"), ("+/#", "#"), ("#", "a/#"), ("+", "+"), ("+/+", "+/a"), ("a/+/c", "a/+/c"), ("a/+/c", "a/b/c"),
        ("a/+/#", "a/b/#"), ("a/+/#", "a/+/+"), ("a/{device}/#", "a/d1/+/#"), ("$SYS/#", "$SYS/+"), ("/#", "/+"),
    ])
    func covers(allowed: String, requested: String) throws {
        #expect(try FilledTemplate(allowed).covers(requested))
    }

    @Test(arguments: [
        ("a/+", "a/#"), ("a/b", "a/+"), ("a/b/#", "a/#"), ("a/+/#", "a/#"), ("+", "#"), ("a/#", "#"), ("a/#", "+/b"),
        ("a/#", "+/#"), ("#", "$SYS/#"), ("#", "$SYS/a"), ("+/a", "$SYS/a"), ("+/#", "$SYS/#"),
        ("a/{device}/#", "a/+/#"),
        ("a/{device}/#", "a/d2/#"), ("a/{device}/#", "a/#"), ("+/+/#", "#"), ("a/+/c", "a/+/+"), ("a/+/c", "a/+"),
        ("/#", "+"), ("/#", "+/#"), ("a/+", "a"), ("a/{device}", "a/+"), ("a/{device}", "a/#"),
    ])
    func doesNotCover(allowed: String, requested: String) throws {
        #expect(try !FilledTemplate(allowed).covers(requested))
    }

    @Test(arguments: [
        ("a/b", "a/+"), ("a/b", "#"), ("a/b", "a/#"), ("a/b", "+/b"), ("a/#", "a"), ("a", "a/#"), ("a/+/c", "a/b/+"),
        ("a/#", "+/b/c"), ("+/b", "a/+"), ("a/{device}/x", "a/+/x"), ("$SYS/#", "$SYS/a"), ("#", "#"),
        ("a/b/c", "a/b/#"),
        ("a/b/#", "a/#"), ("+", "a"), ("/#", "/+"), ("/a", "+/a"),
    ])
    func overlaps(denied: String, requested: String) throws {
        #expect(try FilledTemplate(denied).overlaps(requested))
    }

    @Test(arguments: [
        ("a/b", "a/c"), ("a/b", "a"), ("a", "a/b"), ("a/+", "a/b/c"), ("a/+", "b/+"), ("a/b/#", "a/c/#"),
        ("a/b/#", "a"),
        ("$SYS/a", "#"), ("$SYS/a", "+/a"), ("#", "$SYS/a"), ("+/a", "$SYS/a"), ("$SYS/#", "+/#"),
        ("a/{device}", "a/d2"),
        ("+/+", "a"), ("+/+/#", "a"), ("a/b", "a/b/+"), ("ab", "a"), ("a", "ab"),
    ])
    func doesNotOverlap(denied: String, requested: String) throws {
        #expect(try !FilledTemplate(denied).overlaps(requested))
    }

    @Test(arguments: [
        "", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+", "{device}+", "+{device}", "{device}#", "#{device}",
        "a/#{device}",
        "a/{device}/b#", "a/+{device}/b", "{device}/a+", "{missing}", "+\u{301}", "a/\u{301}+",
    ])
    func refusesMalformedFilters(text: String) {
        #expect(throws: BracedText.Malformed.self) { _ = try FilledTemplate(text) }
    }
}

@Suite struct PlaceholderValuesTests {
    @Test func everyValueIsFoundAgain() {
        let lists: [[[UInt8]]] = [
            [], [[1]], [[], [2, 3], []], (0..<34).map { [UInt8](repeating: UInt8($0), count: 128) },
        ]
        for list in lists {
            let values = PlaceholderValues(list)
            for (index, value) in list.enumerated() { #expect(Array(values.value(index)) == value) }
        }
    }
}
