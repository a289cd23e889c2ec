import FleetPKI
import Foundation
import TestKit
import Testing

/// One certificate in two places: two networks take the session from each other, to and fro.
@Suite(
    "Copied keys", .serialized, .enabled(if: Program.installed("openssl") != nil, "openssl is not installed"))
struct CloneTests {
    private static let profiles = [
        "profiles/sensor.yaml": """
        profile: sensor
        match:
          subject: { O: "Example Ltd", CN: "sensor-{serial:digits}" }
        device: "sensor-{serial}"
        publish: [ "sensors/{device}/#" ]
        quarantine:
          profile: sensor-rescue
          cloned: true
        """,
        "profiles/sensor-rescue.yaml": """
        profile: sensor-rescue
        abstract: true
        publish: [ "rescue/{device}/request" ]
        """,
    ]

    private static func sensor(_ gate: FleetGateProcess, _ serial: String) throws -> DeviceCredentials {
        try gate.credentials([("O", "Example Ltd"), ("CN", "sensor-\(serial)")])
    }

    /// A session from an address of this machine.
    private static func session(
        _ gate: FleetGateProcess, _ credentials: DeviceCredentials, from address: String
    ) async throws -> DeviceConnection {
        let device = try DeviceConnection(to: gate, as: credentials, arguments: ["-bind", address])
        let connack = try await device.connect(MQTTBytes.connect(.v5))
        #expect(connack.starts(with: [0x20]) && connack[3] == 0, "\(connack)")
        return device
    }

    /// Eight sessions in turn, each while the one before is open: six returns, with both sides contending. The last
    /// one is still open.
    private static func alternate(
        _ gate: FleetGateProcess, _ credentials: DeviceCredentials, between addresses: [String]
    ) async throws -> DeviceConnection {
        let start = gate.process.lines.count
        var device = try await Self.session(gate, credentials, from: addresses[0])
        for turn in 1..<8 {
            let next = try await Self.session(gate, credentials, from: addresses[turn % addresses.count])
            try await device.ended()
            device = next
        }
        // Not to be taken for the next one's.
        try await gate.logEntry("session established", from: start, count: 8)
        return device
    }

    private struct Clone: Decodable {
        let sha256: String
        let kind: String
        let device: String
        let networks: [String]
    }

    private static func clones(_ gate: FleetGateProcess) async throws -> [Clone] {
        let text = try await gate.run("certs", "clones", "--json").standardOutput
        return try JSONDecoder().decode([Clone].self, from: Data(text.utf8))
    }

    @Test("Two networks to and fro are suspected, two addresses of one network are not")
    func suspected() async throws {
        let gate = try await FleetGateProcess.start()
        let moving = try gate.credentials(DeviceName.meter("1"))
        let copied = try gate.credentials(DeviceName.meter("2"))
        let neighbour = try await Self.alternate(gate, moving, between: ["127.0.1.1", "127.0.1.2"])
        let last = try await Self.alternate(gate, copied, between: ["127.0.1.1", "127.0.2.1"])
        let sign = try await gate.logEntry("a certificate seems to be in use in two places")
        #expect(sign["fingerprint"] == copied.issued.sha256Fingerprint)
        #expect(sign["reason"] == "alternating")
        try await gate.until { $0.sum("fleetgate_suspected_clones") == 1 }
        let clones = try await Self.clones(gate)
        #expect(clones.map(\.sha256) == [copied.issued.sha256Fingerprint])
        #expect(clones.map(\.kind) == ["alternating"])
        #expect(clones.first.map { Set($0.networks) } == ["127.0.1.0/24", "127.0.2.0/24"])
        #expect(clones.first?.device.contains("meter-2") == true)
        #expect(try await gate.metrics().sum("fleetgate_clone_signs_total", ["kind": "alternating"]) == 1)

        // The profile says nothing of clones: whoever copied a key must not shut the genuine device out with it.
        for device in [neighbour, last] {
            try device.send(MQTTBytes.pingRequest)
            #expect(try await device.packet() == [0xD0, 0])
        }
        #expect(try await gate.metrics().sum("fleetgate_sessions_quarantined") == 0)
    }

    @Test("A profile puts a suspected certificate into quarantine, over a restart, until it is cleared")
    func quarantined() async throws {
        let first = try await FleetGateProcess.start(files: Self.profiles)
        let copied = try Self.sensor(first, "1")
        let other = try Self.sensor(first, "2")
        _ = try await Self.alternate(first, copied, between: ["127.0.1.1", "127.0.2.1"])
        try await first.until { $0.sum("fleetgate_suspected_clones") == 1 }
        try await Self.checkQuarantine(first, copied, isOn: true)
        try await Self.checkQuarantine(first, other, isOn: false)

        let gate = try await first.restarted()
        try await Self.checkQuarantine(gate, copied, isOn: true)
        try await gate.run("certs", "clones", "--clear", copied.issued.sha256Fingerprint)
        #expect(try await Self.clones(gate).isEmpty)
        let audited = try await gate.run("audit", "search", "--kind", "administration", "--json").standardOutput
        #expect(audited.contains("\"clone-clear\"") && audited.contains(copied.issued.sha256Fingerprint))
        try await Self.checkQuarantine(gate, copied, isOn: false)
    }

    /// Connects anew, and finds out by what may be published which profile is in force.
    private static func checkQuarantine(
        _ gate: FleetGateProcess, _ credentials: DeviceCredentials, isOn: Bool,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let start = gate.process.lines.count
        let device = try await Self.session(gate, credentials, from: "127.0.1.1")
        let entry = try await gate.logEntry("session established", from: start)
        #expect(entry["profile"] == (isOn ? "sensor-rescue" : "sensor"), sourceLocation: location)
        #expect(entry["quarantine"] == (isOn ? "cloned" : nil), sourceLocation: location)
        let name = try #require(entry["device"])
        for (topic, isAllowed) in [("sensors/\(name)/t", !isOn), ("rescue/\(name)/request", isOn)] {
            try device.send(MQTTBytes.publish(.v5, topic: topic, qos: 1))
            let puback = try await device.packet()
            #expect(
                (puback.dropFirst(4).first == 0x87) == !isAllowed, "\(topic): \(puback)", sourceLocation: location)
        }
        try device.send(MQTTBytes.disconnect)
        try await device.ended()
    }
}
