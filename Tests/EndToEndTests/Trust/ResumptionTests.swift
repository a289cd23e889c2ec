import FleetPKI
import Foundation
import TestKit
import Testing

/// Devices that come back with a session ticket: resumed, and judged like new ones all the same.
@Suite(
    "Session tickets", .serialized,
    .enabled(if: Program.installed("openssl") != nil, "openssl is not installed"))
struct ResumptionTests {
    private static let own = "meters/hamburg-nord/meter-"

    /// A meter of its own for each version of TLS.
    private static func meters(_ gate: FleetGateProcess) async throws -> [(serial: String, device: ResumingDevice)] {
        try await ResumingDevice.versions().enumerated().map { index, tls in
            let serial = "\(4711 + index)"
            return (serial, try ResumingDevice(gate.credentials(DeviceName.meter(serial)), tls: tls))
        }
    }

    /// A session as `fleetgate sessions list --json` has it.
    private struct Row: Decodable {
        struct Device: Decodable {
            let tenant: String
            let deviceID: String
        }
        let profile: String
        let resumed: Bool
        let anchors: String?
    }

    private static func sessions(_ gate: FleetGateProcess) async throws -> [Row] {
        let text = try await gate.run("sessions", "list", "--json").standardOutput
        return try JSONDecoder().decode([Row].self, from: Data(text.utf8))
    }

    @Test("OpenSSL says New and then Reused, and MQTT works in both")
    func reused() async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("meters/#")
        for (serial, device) in try await Self.meters(gate) {
            for (expected, payload) in [("New, TLSv1.", "full"), ("Reused, TLSv1.", "resumed")] {
                var arguments = [
                    "s_client", device.tls, "-connect", "127.0.0.1:\(gate.port)", "-CAfile", gate.caPath, "-alpn",
                    "mqtt", "-cert", device.credentials.certificatePath, "-key", device.credentials.keyPath,
                    "-sess_out", device.sessionPath,
                ]
                if device.hasSession { arguments += ["-sess_in", device.sessionPath] }
                let client = try RunningProcess(
                    Program.installed("openssl") ?? "/usr/bin/openssl", arguments, keepsInputOpen: true)
                try await client.waits(for: expected)
                try client.write(MQTTBytes.connect(.v5))
                try client.write(
                    MQTTBytes.publish(.v5, topic: Self.own + serial + "/telemetry", payload: payload, qos: 1))
                try await subscriber.receives("\(Self.own)\(serial)/telemetry 1 0 \(payload)")
                try client.write(MQTTBytes.disconnect)
                try await client.finished()
            }
        }
        let metrics = try await gate.metrics()
        let count = try await ResumingDevice.versions().count
        #expect(metrics.resumed == count)
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "accepted"]) == 2 * count)
    }

    @Test("A resumed session has device, tenant and profile: its topics are carried, others are not")
    func policyHolds() async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("meters/#")
        for (serial, device) in try await Self.meters(gate) {
            try await device.settles(gate)
            let visit = try await device.comes(gate)
            #expect(!visit.isFull)
            let rows = try await Self.sessions(gate)
            #expect(rows.map(\.profile) == ["smart-meter"] && rows.map(\.resumed) == [true])
            #expect(rows.map(\.anchors) == ["default"])
            let listed = try await gate.run("sessions", "list", "--device", "hamburg-nord/meter-\(serial)")
            #expect(listed.standardOutput.contains("meter-\(serial)"))

            let topics = [
                Self.own + serial + "/telemetry", Self.own + "1/telemetry", "meters/altona/meter-\(serial)/telemetry",
            ]
            for (index, topic) in topics.enumerated() {
                try visit.device.send(
                    MQTTBytes.publish(.v5, topic: topic, payload: device.tls, qos: 1, identifier: index + 1))
                let puback = try await visit.device.packet()
                #expect(puback.starts(with: [0x40]))
                #expect((puback.dropFirst(4).first ?? 0) == (index == 0 ? 0 : 0x87), "\(topic): \(puback)")
            }
            try visit.device.send(MQTTBytes.subscribe(.v5, [(Self.own + serial + "/commands/#", 1), ("#", 0)]))
            #expect(try await visit.device.packet().suffix(2) == [1, 0x87])
            try await subscriber.receives("\(topics[0]) 1 0 \(device.tls)")
            try await visit.leaves()
        }
        #expect(subscriber.messages.count == (try await ResumingDevice.versions().count))
        let found = try await gate.run("audit", "search", "--kind", "decision", "--json").standardOutput
        #expect(found.split(separator: "\n").count { $0.contains("\"resumed\":true") } > 0)
    }

    @Test("After a restart and after a rotation tickets are good; after --revoke-all none is")
    func restartsAndRotations() async throws {
        let first = try await FleetGateProcess.start()
        let meters = try await Self.meters(first)
        for (_, device) in meters { try await device.settles(first) }
        let gate = try await first.restarted()
        for (_, device) in meters { #expect(try await !device.isFull(gate), "after a restart, \(device.tls)") }

        var start = gate.process.lines.count
        try await gate.run("tickets", "rotate")
        try await gate.logEntry("ticket keys in force", from: start)
        for (_, device) in meters { #expect(try await !device.isFull(gate), "after a rotation, \(device.tls)") }

        start = gate.process.lines.count
        try await gate.run("tickets", "rotate", "--revoke-all")
        try await gate.logEntry("ticket keys in force", from: start)
        for (_, device) in meters { try await device.settles(gate) }
        #expect(try await gate.metrics().resumed == 3 * meters.count)
    }

    @Test("A revoked device is not resumed and not let in: fleetgate revoke, and a new CRL")
    func revoked() async throws {
        let gate = try await FleetGateProcess.start(
            changing: [
                ConfigurationChange(
                    "log:\n", "trust:\n  anchors:\n    default:\n      crl: {files: [ca/crl.pem]}\nlog:\n")
            ])
        let meters = try await Self.meters(gate)
        let other = try ResumingDevice(gate.credentials(DeviceName.meter("1")), tls: "-tls1_2")
        try await other.settles(gate)
        for (_, device) in meters {
            try await device.settles(gate)
            try await gate.run("revoke", "--cert", device.credentials.certificatePath, "--reason", "key-compromise")
            try await Self.refuses(device, gate, because: "certificate-revoked", alert: "certificate revoked")
            try await gate.run("revoke", "--undo", "--cert", device.credentials.certificatePath)
            #expect(try await !device.isFull(gate), "the ticket itself was good, \(device.tls)")
        }
        let list = try gate.authority.issueCRL(
            revoked: meters.map {
                RevokedCertificate(serialNumber: $0.device.credentials.issued.serialNumber, revokedAt: Date())
            }, nextUpdate: Date() + 3_600, number: 7)
        try gate.directory.write("gate/ca/crl.pem", list.pem)
        try await gate.until { $0.sum("fleetgate_crl_entries") == meters.count }
        for (_, device) in meters {
            try await Self.refuses(device, gate, because: "certificate-revoked", alert: "certificate revoked")
        }
        #expect(try await !other.isFull(gate), "nobody else notices")
        #expect(try await gate.metrics().notResumed("certificate-revoked") == 2 * meters.count)
    }

    @Test("Profiles of today hold for tickets of yesterday")
    func profiles() async throws {
        let gate = try await FleetGateProcess.start()
        let path = gate.path("profiles/smart-meter.yaml")
        let profile = try String(contentsOfFile: path, encoding: .utf8)
        let meters = try await Self.meters(gate)
        for (_, device) in meters { try await device.settles(gate) }

        // A rule is gone: resumed, and not allowed any more.
        try gate.directory.write(
            "gate/profiles/smart-meter.yaml", profile.replacing("{device}/telemetry", with: "{device}/t"))
        try await gate.reload()
        for (serial, device) in meters {
            let visit = try await device.comes(gate)
            #expect(!visit.isFull, "\(device.tls)")
            try visit.device.send(MQTTBytes.publish(.v5, topic: Self.own + serial + "/telemetry", qos: 1))
            #expect(try await visit.device.packet().dropFirst(4).first == 0x87)
            try visit.device.send(MQTTBytes.publish(.v5, topic: Self.own + serial + "/t", qos: 1))
            // Allowed, though nobody may have subscribed to it (0x10).
            #expect(try await visit.device.packet().dropFirst(4).first ?? 0 < 0x80)
            try await visit.leaves()
        }

        // It is another device now: it has to show its certificate once more.
        try gate.directory.write(
            "gate/profiles/smart-meter.yaml",
            profile.replacing("device: \"meter-{serial}\"", with: "device: \"m-{serial}\""))
        try await gate.reload()
        for (serial, device) in meters {
            let visit = try await device.comes(gate)
            #expect(visit.isFull, "\(device.tls)")
            let listed = try await gate.run("sessions", "list", "--device", "hamburg-nord/m-\(serial)")
            #expect(listed.standardOutput.contains("m-\(serial)"))
            try await visit.leaves()
        }
        #expect(try await gate.metrics().notResumed("grant-changed") == meters.count)
        for (_, device) in meters { #expect(try await !device.isFull(gate)) }

        // The profile is gone.
        try FileManager.default.removeItem(atPath: path)
        try await gate.reload()
        for (_, device) in meters {
            try await Self.refuses(device, gate, because: "no-matching-profile", alert: "access denied")
        }
        #expect(try await gate.metrics().notResumed("no-matching-profile") == meters.count)
    }

    @Test("A ticket of one listener is none at another")
    func listeners() async throws {
        let plant = try unusedPort()
        let plantCA = try CertificateAuthority.makeDevelopmentRoot(commonName: "Plant CA")
        let gate = try await FleetGateProcess.start(
            changing: [
                ConfigurationChange(
                    """
                    listener:
                      name: default                 # what profiles may ask for in `match.listener`
                      address: "127.0.0.1"

                    """,
                    // The line with the port follows, two columns further in than it was.
                    """
                    listeners:
                      plant: {address: "127.0.0.1", port: \(plant)}
                      field:
                        address: "127.0.0.1"

                    """ + "  "),
                ConfigurationChange(
                    "log:\n",
                    """
                    trust:
                      anchors:
                        default: {}
                        plant: {file: [plant-ca.pem], listeners: [plant]}
                    log:

                    """),
            ], files: ["plant-ca.pem": plantCA.certificatePEM])
        try await gate.logEntry("listening for devices", count: 2)
        for (_, device) in try await Self.meters(gate) {
            try await device.settles(gate)
            let kept = try String(contentsOfFile: device.sessionPath, encoding: .utf8)
            #expect(try await device.isFull(gate, port: plant), "\(device.tls)")
            #expect(try await !device.isFull(gate, port: plant), "a ticket of its own, \(device.tls)")
            #expect(try await device.isFull(gate), "and that is none at the first, \(device.tls)")
            try kept.write(toFile: device.sessionPath, atomically: true, encoding: .utf8)
            #expect(try await !device.isFull(gate), "the first ticket is good where it is from, \(device.tls)")

            // A device of the other anchor: its ticket opens nothing where the anchor is not trusted.
            let worker = try ResumingDevice(
                DeviceCredentials(
                    plantCA.issue(CertificateTemplate(subject: DeviceName.meter("77"))), in: gate.directory),
                tls: device.tls)
            try await worker.settles(gate, port: plant)
            #expect(try await worker.isRefused(gate).contains("unknown ca"))
        }
    }

    @Test("Gateways that share a key file resume each other's sessions, others do not")
    func sharedKeys() async throws {
        let first = try await FleetGateProcess.start()
        let sharedCA = ConfigurationChange("client-ca: ca/ca.pem", "client-ca: \(first.path("ca/ca.pem"))")
        let second = try await FleetGateProcess.start(
            changing: [
                sharedCA,
                ConfigurationChange("keys: tickets.keys", "keys: \(first.path("tickets.keys"))"),
                ConfigurationChange("rotation: automatic ", "rotation: external "),
                ConfigurationChange("  rotate-every: 12h\n", ""),
            ])
        let stranger = try await FleetGateProcess.start(changing: [sharedCA])
        for (_, device) in try await Self.meters(first) {
            try await device.settles(first)
            #expect(try await !device.isFull(second), "\(device.tls)")
            // With the ticket that the second gave it.
            #expect(try await !device.isFull(first), "\(device.tls)")
            #expect(try await device.isFull(stranger), "\(device.tls)")
        }
        // The second gateway's own tickets, after a rotation that it was only told of.
        let (start, secondStart) = (first.process.lines.count, second.process.lines.count)
        try await first.run("tickets", "rotate")
        try await first.logEntry("ticket keys in force", from: start)
        try await second.logEntry("ticket keys in force", from: secondStart)
        for (_, device) in try await Self.meters(first) {
            try await device.settles(second)
            #expect(try await !device.isFull(first), "\(device.tls)")
        }
    }

    @Test("No tickets where they are switched off")
    func switchedOff() async throws {
        let with = try await FleetGateProcess.start()
        let without = try await FleetGateProcess.start(
            changing: [
                ConfigurationChange(
                    """
                    tickets:
                      enabled: true
                      lifetime: 2h                  # after the full handshake
                      keys: tickets.keys
                      rotation: automatic           # external: the file is somebody else's, and only read
                      rotate-every: 12h
                    """, "tickets: {enabled: false}")
            ])
        for (gate, isOn) in [(with, true), (without, false)] {
            for (_, device) in try await Self.meters(gate) {
                let visit = try await device.comes(gate)
                try await visit.leaves()
                #expect(visit.hasTicket == isOn, "\(device.tls)")
                #expect(try await device.isFull(gate) != isOn, "\(device.tls)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: without.path("tickets.keys")))
        #expect(try await without.metrics().resumed == 0)
    }

    /// Offers a session, and is told why it is not let in: in its alert, in the log and in the metrics.
    private static func refuses(
        _ device: ResumingDevice, _ gate: FleetGateProcess, because reason: String, alert: String
    ) async throws {
        let start = gate.process.lines.count
        let before = try await gate.metrics().notResumed(reason)
        let error = try await device.isRefused(gate)
        #expect(error.contains(alert), "\(device.tls): \(error)")
        let entry = try await gate.logEntry("certificate refused by the profiles", ["reason": reason], from: start)
        #expect(entry["fingerprint"] == device.credentials.issued.sha256Fingerprint)
        #expect(try await gate.metrics().notResumed(reason) == before + 1, "\(device.tls)")
    }
}
