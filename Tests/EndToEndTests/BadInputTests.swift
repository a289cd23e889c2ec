import Foundation
import TestKit
import Testing

/// What comes that no device would send. Each ends with its counted reason, and harms nothing else.
@Suite("Bad input", .serialized)
struct BadInputTests {
    @Test("Plain bytes to the TLS port")
    func notTLS() async throws {
        let gate = try await FleetGateProcess.start()
        let inputs: [(String, [UInt8])] = [
            ("plain MQTT", MQTTBytes.connect(.v3_1_1)),
            ("HTTP", Array("GET / HTTP/1.1\r\nHost: gate\r\n\r\n".utf8)),
            ("SSH", Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)),
            ("zeros", Array(repeating: 0, count: 4_096)),
            ("the PROXY protocol", Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".utf8)),
        ]
        for (name, bytes) in inputs {
            let start = gate.process.lines.count
            let socket = try LocalSocket(port: gate.port)
            try socket.send(bytes)
            _ = try await socket.bytesUntilClosed()
            try await gate.logEntry("handshake failed", ["reason": "not-tls", "fault": "peer"], from: start)
            #expect(gate.process.isRunning, "\(name)")
        }
        let metrics = try await gate.metrics()
        #expect(metrics.refusedHandshakes("not-tls") == inputs.count)
        #expect(metrics.sum("fleetgate_handshakes_total") == inputs.count)
        try await gate.letsAGoodDeviceIn()
    }

    @Test("Garbage, of any length and content, is refused")
    func garbage() async throws {
        let gate = try await FleetGateProcess.start()
        let count = 40
        for round in 0..<count {
            let socket = try LocalSocket(port: gate.port)
            var bytes = (0..<(1 + round * 97)).map { _ in UInt8.random(in: 0...255) }
            // Half of them look like the beginning of a handshake record, so that the parser is reached.
            if round.isMultiple(of: 2) { bytes = [22, 3, 1, 0, UInt8.random(in: 1...255), 1] + bytes }
            // A gateway that has refused the beginning does not have to take the rest.
            try? socket.send(bytes)
            socket.finishSending()
            _ = try await socket.bytesUntilClosed()
        }
        try await gate.letsAGoodDeviceIn()
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "refused"]) == count)
    }

    @Test("A port scanner and half a hello")
    func closedEarly() async throws {
        let gate = try await FleetGateProcess.start()
        for bytes in [[], [22], [22, 3, 1, 1, 0], [22, 3, 1, 1, 0, 1, 0, 0]] as [[UInt8]] {
            let start = gate.process.lines.count
            let socket = try LocalSocket(port: gate.port)
            try socket.send(bytes)
            socket.finishSending()
            _ = try await socket.bytesUntilClosed()
            try await gate.logEntry("handshake failed", ["reason": "eof-during-handshake"], from: start)
        }
        #expect(try await gate.metrics().refusedHandshakes("eof-during-handshake") == 4)
        try await gate.letsAGoodDeviceIn()
    }

    @Test("A client that sends one byte and waits is ended by the handshake's deadline")
    func slowHandshake() async throws {
        let gate = try await FleetGateProcess.start(changing: [
            ConfigurationChange("handshake-timeout: 30s", "handshake-timeout: 1s")
        ])
        let half = try LocalSocket(port: gate.port)
        try half.send([22])
        let silent = try LocalSocket(port: gate.port)
        _ = try await half.bytesUntilClosed()
        _ = try await silent.bytesUntilClosed()
        try await gate.logEntry("handshake failed", ["reason": "handshake-timeout"])
        // A good device needs more than a second where many tests run.
        let configuration = try String(contentsOfFile: gate.configurationPath, encoding: .utf8)
        try gate.directory.write(
            "gate/fleetgate.yaml",
            configuration.replacingOccurrences(of: "handshake-timeout: 1s", with: "handshake-timeout: 30s"))
        try await gate.reload()
        try await gate.letsAGoodDeviceIn()
        #expect(try await gate.metrics().refusedHandshakes("handshake-timeout") == 2)
    }

    @Test("A device that says nothing, or half a CONNECT, after its handshake is ended by its deadline")
    func slowConnect() async throws {
        let gate = try await FleetGateProcess.start(changing: [
            ConfigurationChange("connect-timeout: 30s", "connect-timeout: 1s")
        ])
        for bytes in [[], [0x10], [0x10, 0x20, 0, 4]] as [[UInt8]] {
            let start = gate.process.lines.count
            let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
            try device.send(bytes)
            try await device.ended()
            try await gate.logEntry("session ended", ["reason": "connect-timeout", "fault": "device"], from: start)
        }
        #expect(try await gate.readiness().hasPrefix("HTTP/1.1 200"))
    }

    /// Bytes instead of a CONNECT, and the reason they have to end with.
    static let firstPackets: [(name: String, bytes: [UInt8], reason: String)] = [
        ("PUBLISH", MQTTBytes.publish(.v3_1_1, topic: "a"), "connect-expected"),
        ("PINGREQ", MQTTBytes.pingRequest, "connect-expected"),
        ("garbage", [0x00, 0xFF, 0xFF], "connect-expected"),
        ("reserved bits", [0x1F, 0x00], "connect-expected"),
        ("a remaining length of five bytes", [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "bad-variable-byte-integer"),
        ("a remaining length of 256 MiB", [0x10, 0xFF, 0xFF, 0xFF, 0x7F], "packet-too-large"),
        (
            "another protocol", MQTTBytes.packet(0x10, MQTTBytes.text("HTTP") + [4, 2, 0, 60, 0, 0]),
            "bad-protocol-name"
        ),
        (
            "a reserved connect flag", MQTTBytes.packet(0x10, MQTTBytes.text("MQTT") + [4, 3, 0, 60, 0, 1, 97]),
            "reserved-bits"
        ),
        (
            "MQTT 3.1", MQTTBytes.packet(0x10, MQTTBytes.text("MQIsdp") + [3, 2, 0, 60, 0, 1, 97]),
            "unsupported-protocol-version"
        ),
        (
            "a cut client id", MQTTBytes.packet(0x10, MQTTBytes.text("MQTT") + [4, 2, 0, 60, 0, 9, 97]),
            "truncated-packet"
        ),
        (
            "a NUL in the client id", MQTTBytes.packet(0x10, MQTTBytes.text("MQTT") + [4, 2, 0, 60, 0, 1, 0]),
            "bad-utf8"
        ),
    ]

    @Test("Something other than a CONNECT first")
    func firstPacket() async throws {
        let gate = try await FleetGateProcess.start()
        for (name, bytes, reason) in Self.firstPackets {
            let start = gate.process.lines.count
            let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
            try device.send(bytes)
            try await device.ended()
            let entry = try await gate.logEntry("session ended", ["device": "meter-1"], from: start)
            #expect(entry["reason"] == reason, "\(name)")
            #expect(entry["fault"] == "device", "\(name)")
        }
        try await gate.letsAGoodDeviceIn()
        let ended = try await gate.metrics().sum("fleetgate_sessions_ended_total", ["fault": "device"])
        #expect(ended == Self.firstPackets.count)
    }

    /// Bytes within a session, and the reason they have to end with; for MQTT 5 also the code in DISCONNECT.
    static let laterPackets: [(name: String, bytes: [UInt8], reason: String, code: UInt8)] = [
        ("a second CONNECT", MQTTBytes.connect(.v5), "connect-misplaced", 0x82),
        ("a CONNACK", [0x20, 3, 0, 0, 0], "unexpected-packet", 0x82),
        ("a SUBACK", [0x90, 4, 0, 1, 0, 0], "unexpected-packet", 0x82),
        ("invalid UTF-8 in a topic", MQTTBytes.packet(0x30, [0, 2, 0xC3, 0x28, 0]), "bad-utf8", 0x81),
        ("a wildcard in a topic", MQTTBytes.publish(.v5, topic: "meters/+"), "bad-topic", 0x90),
        ("QoS 3", MQTTBytes.packet(0x36, MQTTBytes.text("a") + [0, 1, 0]), "bad-qos", 0x81),
        (
            "packet identifier 0", MQTTBytes.publish(.v5, topic: "a", qos: 1, identifier: 0), "bad-packet-identifier",
            0x82
        ),
        (
            "a longer packet than the profile allows", [0x30] + MQTTBytes.variableByteInteger(16_385),
            "packet-too-large", 0x95
        ),
        ("SUBSCRIBE without a filter", MQTTBytes.packet(0x82, [0, 1, 0]), "empty-payload", 0x82),
        (
            "a topic alias that was not set", MQTTBytes.publish(.v5, topic: "", properties: [0x23, 0, 9]),
            "topic-alias-invalid", 0x94
        ),
        (
            "a property twice", MQTTBytes.publish(.v5, topic: "a", properties: [0x01, 0, 0x01, 0]),
            "duplicate-property", 0x82
        ),
        ("an unknown property", MQTTBytes.publish(.v5, topic: "a", properties: [0x7F, 0]), "bad-property", 0x81),
        ("AUTH", [0xF0, 0], "unexpected-packet", 0x82),
        ("zeros", [0, 0, 0], "bad-packet-type", 0x81),
    ]

    @Test("Malformed packets within a session, and the answer MQTT 5 has for them")
    func laterPacket() async throws {
        let gate = try await FleetGateProcess.start()
        for (name, bytes, reason, code) in Self.laterPackets {
            let start = gate.process.lines.count
            let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
            try #require(await device.connect(MQTTBytes.connect(.v5))[3] == 0)
            try device.send(bytes)
            let disconnect = try await device.packet()
            #expect(disconnect.first == 0xE0 && disconnect.dropFirst(2).first == code, "\(name): \(disconnect)")
            // The reason string names what the log does.
            let reasonString = [0x1F] + MQTTBytes.text(reason)
            #expect(disconnect.dropFirst(4).elementsEqual(reasonString), "\(name): \(disconnect)")
            try await device.ended()
            let entry = try await gate.logEntry("session ended", ["device": "meter-1"], from: start)
            #expect(entry["reason"] == reason, "\(name)")
        }
        try await gate.letsAGoodDeviceIn()
        #expect(try await gate.metrics().sum("fleetgate_sessions") == 0)
    }

    @Test("A flood of half-open connections is bounded, and counted")
    func tooManyConnections() async throws {
        let gate = try await FleetGateProcess.start(
            changing: [ConfigurationChange("handshakes-in-flight-max: 2000", "handshakes-in-flight-max: 8")]
        )
        var sockets: [LocalSocket] = []
        for _ in 0..<20 { sockets.append(try LocalSocket(port: gate.port)) }
        let entry = try await gate.logEntry("connections refused before their handshake")
        #expect(entry["reason"] == "too-many-handshakes-from-address")
        try await gate.until { $0.sum("fleetgate_connections_refused_total") >= 12 }
        let start = gate.process.lines.count
        sockets.removeAll()
        try await gate.logEntry("handshake failed", ["reason": "eof-during-handshake"], from: start, count: 4)
        try await gate.letsAGoodDeviceIn()
    }
}
