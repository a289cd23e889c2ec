import FleetPKI
import Foundation
import TestKit
import Testing

/// The process: how it ends, and how it takes over a new configuration.
@Suite("Life", .serialized)
struct LifeTests {
    private static let own = "meters/hamburg-nord/meter-4711"

    /// Whether the process exists; a zombie, which nobody has waited for yet, does not count.
    private static func exists(_ processID: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8) else { return false }
        return status.split(separator: ")").last?.hasPrefix(" Z") == false
    }

    /// Waits until a process that is nobody's child here is gone: there is no event for it, so this looks again and
    /// again.
    private static func isGone(_ processID: Int32) async throws -> Bool {
        let deadline = ContinuousClock.now + RunningProcess.patience
        while self.exists(processID), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
        return !self.exists(processID)
    }

    @Test("SIGTERM: devices are told, the exit status is 0, the broker is gone")
    func terminated() async throws {
        let gate = try await FleetGateProcess.start()
        let brokerID = try await gate.brokerProcessID()
        #expect(Self.exists(brokerID))
        let new = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        try await new.connect(MQTTBytes.connect(.v5))
        let old = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("2")))
        try await old.connect(MQTTBytes.connect(.v3_1_1))
        gate.process.signal(SIGTERM)
        let disconnect = try await new.packet()
        #expect(disconnect.starts(with: [0xE0]) && disconnect.dropFirst(2).first == 0x8B, "\(disconnect)")
        try await new.ended()
        #expect(try await old.ended().standardOutput.utf8.count == 4, "nothing but the CONNACK")
        let outcome = try await gate.process.finished()
        #expect(outcome.status == 0, "\(outcome.everything)")
        #expect(!Self.exists(brokerID))
        #expect(outcome.everything.contains("\"stopped\""))
        try await gate.logEntry("session ended", ["reason": "shutting-down", "fault": "operator"], count: 2)
        let errors = gate.process.lines.filter { $0.contains("\"level\":\"error\"") }
        #expect(errors.isEmpty, "\(errors)")
    }

    @Test("SIGTERM while a client holds half a handshake: the end comes all the same")
    func terminatedWithHalfOpen() async throws {
        let gate = try await FleetGateProcess.start(
            changing: [ConfigurationChange("shutdown-deadline: 10s", "shutdown-deadline: 1s")]
        )
        let half = try LocalSocket(port: gate.port)
        try half.send([22, 3, 1])
        gate.process.signal(SIGTERM)
        #expect(try await gate.process.finished().status == 0)
        _ = try await half.bytesUntilClosed()
    }

    @Test("SIGKILL: the embedded broker goes too, and the next gateway takes its place")
    func killed() async throws {
        let gate = try await FleetGateProcess.start()
        let brokerID = try await gate.brokerProcessID()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        try await device.connect(MQTTBytes.connect(.v5))
        gate.process.signal(SIGKILL)
        try await gate.process.finished()
        #expect(try await Self.isGone(brokerID))
        try await device.ended()
        let next = try RunningProcess(Program.ours("fleetgate"), ["serve", "--config", gate.configurationPath])
        try await next.waits(for: "\"listening for devices\"")
        let again = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await again.connect(MQTTBytes.connect(.v5))[3] == 0)
        #expect(try await next.stop().status == 0)
    }

    @Test("SIGHUP under load drops no session, also with a new server certificate")
    func reloadedUnderLoad() async throws {
        let gate = try await FleetGateProcess.start()
        let fleet = try SimulatedFleet(gate, devices: 50, extra: ["--reconnect", "none"])
        try await gate.logEntry("session established", count: 50)
        for _ in 0..<3 { try await gate.reload() }
        let renewed = try gate.authority.issue(
            CertificateTemplate(
                subject: [("CN", "localhost")], alternativeNames: [.ip("127.0.0.1"), .dns("localhost")],
                purpose: .server
            )
        )
        try gate.directory.write("gate/server.pem", renewed.chainPEM)
        try gate.directory.write("gate/server.key", renewed.privateKeyPEM)
        for _ in 0..<3 { try await gate.reload() }
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_sessions_ended_total") == 0)
        #expect(metrics.sum("fleetgate_sessions", ["profile": "smart-meter"]) == 50)

        // New connections get the new certificate.
        let device = try gate.credentials(DeviceName.meter("4711"))
        let client = try RunningProcess(
            Program.installed("openssl") ?? "/usr/bin/openssl",
            [
                "s_client", "-connect", "127.0.0.1:\(gate.port)", "-CAfile", gate.caPath, "-cert",
                device.certificatePath, "-key", device.keyPath,
            ], input: ""
        )
        // s_client shows the certificate it got, in PEM.
        let shown = try await client.finished().standardOutput
        let body = renewed.certificatePEM.split(separator: "\n").dropFirst().dropLast()
        #expect(!body.isEmpty && body.allSatisfy { shown.contains($0) })

        // Traffic went on: every device publishes once more after the last reload.
        let packets = try await gate.metrics().sum("fleetgate_packets_total", ["direction": "device_to_broker"])
        try await gate.until { $0.sum("fleetgate_packets_total", ["direction": "device_to_broker"]) >= packets + 100 }
        let report = try await fleet.ends()
        #expect(report.connects == 50)
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    @Test("SIGHUP with a mistake: everything stays, and the log names it with file and line")
    func reloadedWithMistake() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        let profilePath = gate.directory.path + "/gate/profiles/smart-meter.yaml"
        let profile = try String(contentsOfFile: profilePath, encoding: .utf8)

        try gate.directory.write("gate/profiles/smart-meter.yaml", profile + "\ncolour: green\n")
        let start = gate.process.lines.count
        try await gate.reload(expecting: "not reloaded: everything stays as it was")
        let line = profile.split(separator: "\n", omittingEmptySubsequences: false).count + 1
        try await gate.logEntry("profiles/smart-meter.yaml:\(line)", from: start)
        try gate.directory.write("gate/profiles/smart-meter.yaml", profile)

        let certificate = try String(contentsOfFile: gate.directory.path + "/gate/server.pem", encoding: .utf8)
        try gate.directory.write("gate/server.pem", "nonsense")
        try await gate.reload(expecting: "not reloaded: everything stays as it was")
        let other = try gate.authority.issue(CertificateTemplate(subject: [("CN", "localhost")], purpose: .server))
        // A good certificate with another's key.
        try gate.directory.write("gate/server.pem", other.chainPEM)
        try await gate.reload(expecting: "not reloaded: everything stays as it was")
        try gate.directory.write("gate/server.pem", certificate)

        try device.send(MQTTBytes.publish(.v5, topic: Self.own + "/telemetry", qos: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try await gate.letsAGoodDeviceIn()
        try await gate.reload()
        try device.send(MQTTBytes.pingRequest)
        #expect(try await device.packet() == [0xD0, 0])
    }

    @Test("A new profile holds for live sessions from the next packet on")
    func narrowed() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        try device.send(MQTTBytes.publish(.v5, topic: Self.own + "/events/door", qos: 1, identifier: 1))
        #expect(try await device.packet().dropFirst(4).first ?? 0 < 0x80)
        let path = gate.directory.path + "/gate/profiles/smart-meter.yaml"
        let profile = try String(contentsOfFile: path, encoding: .utf8)
        try gate.directory.write(
            "gate/profiles/smart-meter.yaml", profile.replacingOccurrences(of: "/events/#", with: "/event/#")
        )
        try await gate.reload()
        try device.send(MQTTBytes.publish(.v5, topic: Self.own + "/events/door", qos: 1, identifier: 2))
        #expect(try await device.packet().dropFirst(4).first == 0x87)
        #expect(try await gate.metrics().sum("fleetgate_sessions_ended_total") == 0)
    }

    @Test("What a narrowed profile does not permit any more is not delivered either")
    func narrowedDelivery() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        let commands = Self.own + "/commands/#"
        try device.send(MQTTBytes.subscribe(.v5, [("meters/hamburg-nord/tariff", 1), (commands, 1)]))
        #expect(try await device.packet().suffix(2) == [1, 1])
        let path = gate.directory.path + "/gate/profiles/smart-meter.yaml"
        let profile = try String(contentsOfFile: path, encoding: .utf8)
        try gate.directory.write(
            "gate/profiles/smart-meter.yaml", profile.replacingOccurrences(of: "/tariff", with: "/tariffs")
        )
        try await gate.reload()
        try await gate.broker.publish("meters/hamburg-nord/tariff", "cheap")
        try await gate.broker.publish(Self.own + "/commands/relay", "off")
        #expect(try await device.packet().suffix(3) == Array("off".utf8)[...])
        try await gate.logEntry("packet refused by the profile", ["reason": "subscription-lost"])
        #expect(try await gate.metrics().sum("fleetgate_denials_total", ["reason": "subscription-lost"]) == 1)
    }

    @Test("A CA bundle that is exchanged holds for the next connection")
    func exchangedCA() async throws {
        let gate = try await FleetGateProcess.start()
        let before = try gate.credentials(DeviceName.meter("1"))
        let other = try CertificateAuthority.makeDevelopmentRoot(commonName: "Second CA")
        let after = try DeviceCredentials(
            other.issue(CertificateTemplate(subject: DeviceName.meter("2"))), in: gate.directory
        )
        try gate.directory.write("gate/second-ca.pem", other.certificatePEM)
        let configuration = try String(contentsOfFile: gate.configurationPath, encoding: .utf8)
        try gate.directory.write(
            "gate/fleetgate.yaml",
            configuration.replacingOccurrences(of: "client-ca: ca/ca.pem", with: "client-ca: second-ca.pem")
        )
        try await gate.reload()
        let good = try DeviceConnection(to: gate, as: after)
        #expect(try await good.connect(MQTTBytes.connect(.v5))[3] == 0)
        #expect(try await DeviceConnection(to: gate, as: before).ended().standardOutput.isEmpty)
        try await gate.logEntry("handshake failed", ["reason": "unknown-ca"])
    }

    @Test("A profile that is taken away ends its sessions, and no others")
    func profileRemoved() async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await meter.connect(MQTTBytes.connect(.v5))
        let tracker = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.tracker("356938035643809")))
        try await tracker.connect(MQTTBytes.connect(.v5))
        try FileManager.default.removeItem(atPath: gate.directory.path + "/gate/profiles/smart-meter.yaml")
        try await gate.reload()
        let disconnect = try await meter.packet()
        #expect(disconnect.starts(with: [0xE0]) && disconnect.dropFirst(2).first == 0x87, "\(disconnect)")
        try await meter.ended()
        try await gate.logEntry("session ended", ["reason": "no-matching-profile", "fault": "operator"])
        try tracker.send(MQTTBytes.pingRequest)
        #expect(try await tracker.packet() == [0xD0, 0])
        #expect(try await gate.metrics().endedSessions("no-matching-profile") == 1)
    }
}

extension FleetGateProcess {
    /// Waits until the counts satisfy a condition: they have no event of their own, so they are looked at again.
    func until(_ isTrue: (GatewayMetricValues) -> Bool) async throws {
        let deadline = ContinuousClock.now + RunningProcess.patience
        while !isTrue(try await self.metrics()) {
            try #require(ContinuousClock.now < deadline, "the counts do not come about")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
