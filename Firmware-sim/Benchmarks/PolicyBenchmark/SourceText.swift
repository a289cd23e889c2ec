import FleetPolicy

/// The profiles that are measured, as text and as trees.
enum SourceText {
    static func name(_ number: Int) -> String { "meter-\(number)" }

    static func organisation(_ number: Int) -> String { "Utility \(number)" }

    private static let topics: [(key: String, filters: [String])] = [
        (
            "publish",
            ["telemetry", "reading", "events/#", "status", "diagnostics/+/report"].map { "m/{tenant}/{device}/\($0)" }
        ),
        ("subscribe", ["m/{tenant}/{device}/commands/#", "m/{tenant}/tariff", "m/{tenant}/{device}/config/+"]),
        ("deny-publish", ["m/{tenant}/{device}/events/internal/#"]),
    ]

    static func yaml(_ number: Int) -> String {
        var text = """
            profile: \(name(number))
            description: Meters of utility \(number)
            match:
              subject:
                O: "\(organisation(number))"
                OU: "{site:slug}"
                CN: "meter-{serial:digits}"
            device: "meter-{serial}"
            tenant: "{site}"
            limits: { packet-bytes: 16KiB, keep-alive: { min: 30s, max: 1h }, subscriptions: 8 }

            """
        for (key, filters) in topics {
            text += "\(key):\n" + filters.map { "  - \"\($0)\"\n" }.joined()
        }
        return text
    }

    /// The same profile as a tree.
    static func tree(_ number: Int) -> SourceNode {
        profile(name: name(number), organisation: organisation(number), lists: topics.map { ($0.key, $0.filters) })
    }

    static func profile(name: String, organisation: String, lists: [(String, [String])]) -> SourceNode {
        let file = "\(name).yaml"
        var line = 0
        func place() -> SourceLocation {
            line += 1
            return SourceLocation(file: file, line: line, column: 1)
        }
        func scalar(_ text: String, quoted: Bool = true) -> SourceNode { .scalar(text, quoted: quoted, place()) }
        func mapping(_ entries: [(String, SourceNode)]) -> SourceNode {
            .mapping(entries.map { (key: $0.0, keyLocation: place(), value: $0.1) }, place())
        }
        let subject = mapping([
            ("O", scalar(organisation)), ("OU", scalar("{site:slug}")), ("CN", scalar("meter-{serial:digits}")),
        ])
        let limits = mapping([
            ("packet-bytes", scalar("16KiB", quoted: false)),
            (
                "keep-alive",
                mapping([("min", scalar("30s", quoted: false)), ("max", scalar("1h", quoted: false))])
            ), ("subscriptions", scalar("8", quoted: false)),
        ])
        return mapping(
            [
                ("profile", scalar(name)), ("match", mapping([("subject", subject)])),
                ("device", scalar("meter-{serial}")), ("tenant", scalar("{site}")), ("limits", limits),
            ] + lists.map { ($0.0, .sequence($0.1.map { scalar($0) }, place())) })
    }
}
