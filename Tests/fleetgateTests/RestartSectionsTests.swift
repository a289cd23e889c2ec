import FleetPolicy
import Testing

@testable import fleetgate

@Suite struct RestartSectionsTests {
    @Test(arguments: [
        ("  port: 0", "  port: 18883", ["listener"]),
        ("  data: broker", "  data: other", ["upstream"]),
        ("  connack-timeout: 10s", "  connack-timeout: 11s", ["upstream"]),
        ("  packet-bytes-max: 256KiB", "  packet-bytes-max: 128KiB", ["limits"]),
        ("admin:\n  enabled: true", "admin:\n  enabled: false", ["admin"]),
        ("  lifetime: 2h ", "  lifetime: 3h ", ["tickets"]),
        ("  when-full: continue ", "  when-full: refuse ", ["audit"]),
        ("  journal-days: 90", "  journal-days: 91", ["observations"]),
        ("  client-ca: ca/ca.pem", "  client-ca: [ca/ca.pem]", []),
        ("  level: info", "  level: debug", ["log"]),
        ("# event-loops: 4", "event-loops: 3", ["event-loops"]),
        ("  handshake-timeout: 30s", "  handshake-timeout: 20s", []),
        ("profiles: profiles", "# A comment moves every line below it.\nprofiles: profiles", []),
    ])
    func whatDiffersIsNamed(line: String, replacement: String, sections: [String]) throws {
        let gate = try Gate()
        let before = try #require(gate.load().loaded)
        try gate.edit(line, to: replacement)
        let after = try #require(gate.load().loaded)
        #expect(RestartSections.differing(before, after) == sections)
        #expect(RestartSections.differing(after, after).isEmpty)
    }

    @Test func aChangedSecretOfTheUpstreamCounts() throws {
        let gate = try Gate()
        try gate.write("one\n", to: "pw")
        try gate.edit(
            "  url: embedded\n  embedded:\n    mosquitto: /usr/sbin/mosquitto\n    data: broker\n",
            to: "  url: tcp://b.example\n  user-name: fg\n  password-file: pw\n")
        let before = try #require(gate.load().loaded)
        try gate.write("two\n", to: "pw")
        let after = try #require(gate.load().loaded)
        #expect(RestartSections.differing(before, after) == ["upstream"])
    }
}
