import FleetPKI
import Foundation
import TestKit
import Testing

/// Sessions end when what they rest on does: the trust anchor, or the time of a certificate.
@Suite("The end of trust", .serialized)
struct TrustEndsTests {
    private static let plant = """
        trust:
          anchors:
            default: {}
            plant: {file: [plant-ca.pem]}

        """

    @Test("An anchor that is removed ends exactly its sessions, each told why")
    func anchorRemoved() async throws {
        let authority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Plant CA")
        let gate = try await FleetGateProcess.start(
            changing: [ConfigurationChange("log:\n", Self.plant + "log:\n")],
            files: ["plant-ca.pem": authority.certificatePEM])
        func worker(_ serial: String) throws -> DeviceCredentials {
            try DeviceCredentials(
                authority.issue(CertificateTemplate(subject: DeviceName.meter(serial))), in: gate.directory)
        }
        let (first, second) = (try worker("11"), try worker("12"))
        let five = try DeviceConnection(to: gate, as: first)
        #expect(try await five.connect(MQTTBytes.connect(.v5))[3] == 0)
        let three = try DeviceConnection(to: gate, as: second)
        #expect(try await three.connect(MQTTBytes.connect(.v3_1_1)) == [0x20, 2, 0, 0])
        let stays = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await stays.connect(MQTTBytes.connect(.v5))[3] == 0)
        let subscriber = try await Self.subscriber(gate, worker("13"))

        // A reload that changes nothing ends nobody.
        try await gate.run("reload")
        for device in [five, three, stays] {
            try device.send(MQTTBytes.pingRequest)
            #expect(try await device.packet() == [0xD0, 0])
        }

        let configuration = try String(contentsOfFile: gate.configurationPath, encoding: .utf8)
        try gate.directory.write(
            "gate/fleetgate.yaml", configuration.replacing("    plant: {file: [plant-ca.pem]}\n", with: ""))
        let start = gate.process.lines.count
        try await gate.run("reload")
        let packet = try await five.packet()
        #expect(packet.starts(with: [0xE0]) && packet.dropFirst(2).first == 0x87, "\(packet)")
        #expect(String(decoding: packet, as: UTF8.self).contains("untrusted-issuer"), "the reason string: \(packet)")
        try await five.ended()
        #expect(
            try await three.ended().standardOutput.unicodeScalars.count == 6,
            "CONNACK and PINGRESP, no DISCONNECT in 3.1.1")
        try await subscriber.waits(for: "DISCONNECT (135)")
        for name in ["meter-11", "meter-12", "meter-13"] {
            let entry = try await gate.logEntry("session ended", ["device": name], from: start)
            #expect(entry["reason"] == "untrusted-issuer", "\(entry)")
        }
        try stays.send(MQTTBytes.pingRequest)
        #expect(try await stays.packet() == [0xD0, 0])
        #expect(try await gate.metrics().sum("fleetgate_sessions_ended_total") == 3)
        let again = try await DeviceConnection(to: gate, as: first).ended()
        #expect(again.standardError.contains("unknown ca"), "\(again.standardError)")
    }

    private static func subscriber(
        _ gate: FleetGateProcess, _ credentials: DeviceCredentials
    ) async throws -> RunningProcess {
        let process = try RunningProcess(
            "/usr/bin/stdbuf",
            ["-oL", Program.installed("mosquitto_sub") ?? "/usr/bin/mosquitto_sub", "-d", "-q", "1"]
                + gate.mosquittoOptions(credentials, .v5) + ["-t", "meters/hamburg-nord/tariff"])
        try await process.waits(for: "Subscribed")
        return process
    }

    @Test("A session ends with its certificate, and with a CA's above it")
    func notAfter() async throws {
        let gate = try await FleetGateProcess.start()
        let lasting = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await lasting.connect(MQTTBytes.connect(.v5))[3] == 0)
        // Seconds that a loaded machine needs to connect, and no more.
        let seconds: TimeInterval = 10
        let brief = try gate.credentials(
            CertificateTemplate(subject: DeviceName.meter("2"), notAfter: Date() + seconds))
        let issuing = try gate.authority.makeIntermediate(validity: seconds)
        let below = try DeviceCredentials(
            issuing.issue(
                CertificateTemplate(
                    subject: DeviceName.meter("3"), notAfter: Date() + 86_400, allowsViolations: true)),
            in: gate.directory)
        var devices: [(String, DeviceConnection)] = []
        for (name, credentials, arguments) in [
            ("meter-2", brief, []), ("meter-3", below, ["-cert_chain", below.certificatePath]),
        ] {
            let device = try DeviceConnection(to: gate, as: credentials, arguments: arguments)
            #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
            devices.append((name, device))
        }
        for (name, device) in devices {
            let packet = try await device.packet()
            #expect(packet.starts(with: [0xE0]) && packet.dropFirst(2).first == 0x87, "\(packet)")
            try await device.ended()
            try await gate.logEntry("session ended", ["device": name, "reason": "certificate-expired"])
        }
        try lasting.send(MQTTBytes.pingRequest)
        #expect(try await lasting.packet() == [0xD0, 0])
        let again = try await DeviceConnection(to: gate, as: brief).ended()
        #expect(again.standardError.contains("certificate expired"), "\(again.standardError)")
        #expect(try await gate.metrics().endedSessions("certificate-expired") == 2)
    }
}
