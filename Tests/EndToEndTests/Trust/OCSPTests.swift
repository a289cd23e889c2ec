import FleetPKI
import Foundation
import TestKit
import Testing

/// A real responder, asked about devices between CONNECT and CONNACK, and about those that live.
@Suite(
    "OCSP", .serialized, .enabled(if: Program.installed("openssl") != nil, "openssl is not installed"))
struct OCSPTests {
    /// - Parameter maximumAge: how old an answer may be until the responder is asked again.
    private static func start(
        _ policy: String, port: Int, maximumAge: String = "10m"
    ) async throws -> FleetGateProcess {
        try await FleetGateProcess.start(
            changing: [
                ConfigurationChange(
                    "log:\n",
                    """
                    trust:
                      anchors:
                        default:
                          ocsp:
                            policy: \(policy)
                            responder: "http://127.0.0.1:\(port)/"
                            allow-private-responders: true
                            timeout: 30s
                            max-age: \(maximumAge)
                    log:

                    """)
            ])
    }

    /// Connects with MQTT 5 and expects no session: the reason that the log gives.
    private static func refusal(
        _ gate: FleetGateProcess, _ credentials: DeviceCredentials, answer: UInt8,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> String? {
        let start = gate.process.lines.count
        let device = try DeviceConnection(to: gate, as: credentials)
        let connack = try await device.connect(MQTTBytes.connect(.v5))
        #expect(connack.first == 0x20 && connack.dropFirst(3).first == answer, "\(connack)", sourceLocation: location)
        try await device.ended()
        let entry = try await gate.logEntry("session ended", from: start)
        return entry["reason"]
    }

    private static func isLetIn(_ gate: FleetGateProcess, _ credentials: DeviceCredentials) async throws -> Bool {
        let start = gate.process.lines.count
        let device = try DeviceConnection(to: gate, as: credentials)
        let connack = try await device.connect(MQTTBytes.connect(.v5))
        guard connack.dropFirst(3).first == 0 else { return false }
        try device.send(MQTTBytes.disconnect)
        try await device.ended()
        // Not to be taken for the end of the next one.
        try await gate.logEntry("session ended", from: start)
        return true
    }

    @Test(
        "Good is let in; revoked and unknown are refused before CONNACK, each with its reason",
        arguments: ["soft-fail", "hard-fail"])
    func answers(policy: String) async throws {
        let port = try unusedPort()
        let gate = try await Self.start(policy, port: port)
        let good = try gate.credentials(DeviceName.meter("1"))
        let revoked = try gate.credentials(DeviceName.meter("2"))
        let unknown = try gate.credentials(DeviceName.meter("3"))
        let responder = try await OpenSSLResponder(port: port, for: gate, [(good, .good), (revoked, .revoked)])
        #expect(try await Self.isLetIn(gate, good))
        #expect(try await Self.refusal(gate, revoked, answer: 0x87) == "certificate-revoked")
        #expect(try await Self.refusal(gate, unknown, answer: 0x88) == "revocation-unknown")

        // What the responder has said is known from then on: the next one ends in the handshake.
        try await gate.logEntry("certificate revoked, says its OCSP responder")
        let again = try await DeviceConnection(to: gate, as: revoked).ended()
        #expect(again.standardError.contains("certificate revoked"), "\(again.standardError)")
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_ocsp_requests_total", ["outcome": "answered"]) == 3)
        #expect(metrics.refusedHandshakes("certificate-revoked") == 1)
        try await responder.stop()
    }

    @Test("Nobody answers: soft-fail lets in and counts it, hard-fail refuses")
    func nobodyAnswers() async throws {
        let soft = try await Self.start("soft-fail", port: unusedPort())
        #expect(try await Self.isLetIn(soft, soft.credentials(DeviceName.meter("1"))))
        #expect(try await soft.metrics().sum("fleetgate_ocsp_total", ["outcome": "unavailable-let-in"]) == 1)

        let port = try unusedPort()
        let hard = try await Self.start("hard-fail", port: port)
        let meter = try hard.credentials(DeviceName.meter("1"))
        #expect(try await Self.refusal(hard, meter, answer: 0x88) == "revocation-unknown")
        #expect(try await hard.metrics().sum("fleetgate_ocsp_total", ["outcome": "unavailable-let-in"]) == 0)
        // The same device, as soon as somebody answers.
        let responder = try await OpenSSLResponder(port: port, for: hard, [(meter, .good)])
        #expect(try await Self.isLetIn(hard, meter))
        try await responder.stop()
    }

    @Test("A live session ends when the responder says revoked, and no other does")
    func live() async throws {
        let port = try unusedPort()
        let gate = try await Self.start("soft-fail", port: port, maximumAge: "10s")
        let good = try gate.credentials(DeviceName.meter("1"))
        let stolen = try gate.credentials(DeviceName.meter("2"))
        let before = try await OpenSSLResponder(port: port, for: gate, [(good, .good), (stolen, .good)])
        let quiet = try DeviceConnection(to: gate, as: good)
        #expect(try await quiet.connect(MQTTBytes.connect(.v5))[3] == 0)
        let device = try DeviceConnection(to: gate, as: stolen)
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        try await before.stop()

        let after = try await OpenSSLResponder(port: port, for: gate, [(good, .good), (stolen, .revoked)])
        let packet = try await device.packet()
        #expect(packet.starts(with: [0xE0]) && packet.dropFirst(2).first == 0x87, "\(packet)")
        try await device.ended()
        try await gate.logEntry("session ended", ["device": "meter-2", "reason": "certificate-revoked"])
        try quiet.send(MQTTBytes.pingRequest)
        #expect(try await quiet.packet() == [0xD0, 0])
        #expect(try await gate.metrics().sum("fleetgate_sessions_ended_total") == 1)
        try await after.stop()
    }
}
