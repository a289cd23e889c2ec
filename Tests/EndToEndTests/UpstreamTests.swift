import FleetPKI
import Foundation
import TestKit
import Testing

/// Brokers of an operator's own, and brokers that are not there.
@Suite("Upstreams", .serialized)
struct UpstreamTests {
    private static let own = "meters/hamburg-nord/meter-4711"

    /// A device publishes through `gate`, and a subscriber on the broker receives it.
    private func carries(_ gate: FleetGateProcess, to broker: BrokerAddress) async throws {
        let subscriber = try await broker.subscribe("meters/#")
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        try device.send(MQTTBytes.publish(.v5, topic: Self.own + "/telemetry", payload: "7", qos: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try await subscriber.receives("\(Self.own)/telemetry 1 0 7")
    }

    @Test("tcp://, as tenant and device, or as the gateway's own user")
    func tcp() async throws {
        let port = try unusedPort()
        let broker = try await MosquittoBroker(listener: "listener \(port) 127.0.0.1")
        let gate = try await FleetGateProcess.start(changing: [.upstream("tcp://127.0.0.1:\(port)")])
        try await self.carries(gate, to: .port(port))
        try await broker.process.line("the device's name") {
            $0.contains("as hamburg-nord/meter-4711") && $0.contains("u'hamburg-nord/meter-4711'")
        }

        // The device's own user name and password stay at the gate.
        let claiming = try await Program.run(
            Program.installed("mosquitto_pub") ?? "/usr/bin/mosquitto_pub",
            gate.mosquittoOptions(gate.credentials(DeviceName.meter("5")), .v5)
                + [
                    "-i", "admin", "-u", "admin", "-P", "pony", "-t", "meters/hamburg-nord/meter-5/telemetry", "-m",
                    "1",
                ]
        )
        #expect(claiming.status == 0, "\(claiming.everything)")
        try await broker.process.line("the device's name, not its claim") {
            $0.contains("as hamburg-nord/meter-5") && $0.contains("u'hamburg-nord/meter-5'")
        }
        #expect(!broker.process.everything.contains("u'admin'") && !broker.process.everything.contains("as admin"))

        let named = try await FleetGateProcess.start(
            changing: [
                .upstream(
                    "tcp://localhost:\(port)", ["user-name: fleetgate", "password-file: broker.password"]
                )
            ], files: ["broker.password": "secret\n"]
        )
        try await self.carries(named, to: .port(port))
        try await broker.process.line("the gateway's name") {
            $0.contains("as hamburg-nord/meter-4711") && $0.contains("u'fleetgate'")
        }
        #expect(!named.process.everything.contains("secret"))
    }

    @Test("unix:")
    func unix() async throws {
        let directory = try ScratchDirectory()
        let socket = directory.path + "/b.sock"
        let broker = try await MosquittoBroker(listener: "listener 0 \(socket)")
        let gate = try await FleetGateProcess.start(changing: [.upstream("unix:\(socket)")])
        try await self.carries(gate, to: .unix(socket))
        #expect(broker.process.isRunning)
    }

    @Test("tls://, with the gateway's own certificate; a broker of another name or CA gets no device")
    func tls() async throws {
        let directory = try ScratchDirectory()
        let authority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Broker CA")
        let ca = try directory.write("ca.pem", authority.certificatePEM)
        let server = try DeviceCredentials(
            authority.issue(
                CertificateTemplate(
                    subject: [("CN", "localhost")], alternativeNames: [.dns("localhost")], purpose: .server
                )
            ), in: directory
        )
        let client = try DeviceCredentials(
            authority.issue(CertificateTemplate(subject: [("CN", "gateway")])), in: directory
        )
        let port = try unusedPort()
        let broker = try await MosquittoBroker(
            listener: """
                listener \(port) 127.0.0.1
                cafile \(ca)
                certfile \(server.certificatePath)
                keyfile \(server.keyPath)
                require_certificate true
                """
        )
        let identity = ["certificate: \(client.certificatePath)", "key: \(client.keyPath)"]
        let gate = try await FleetGateProcess.start(
            changing: [.upstream("tls://localhost:\(port)", ["ca: \(ca)"] + identity)]
        )
        let address = BrokerAddress(
            options: [
                "-h", "localhost", "-p", "\(port)", "--cafile", ca, "--cert", client.certificatePath, "--key",
                client.keyPath,
            ]
        )
        try await self.carries(gate, to: address)

        let wrongName = ConfigurationChange.upstream("tls://127.0.0.1:\(port)", ["ca: \(ca)"] + identity)
        let otherCA = ConfigurationChange.upstream("tls://localhost:\(port)", ["ca: ca/ca.pem"] + identity)
        for change in [wrongName, otherCA] {
            let other = try await FleetGateProcess.start(changing: [change])
            let device = try DeviceConnection(to: other, as: other.credentials(DeviceName.meter("1")))
            let connack = try await device.connect(MQTTBytes.connect(.v5))
            #expect(connack[3] >= 0x80, "\(connack)")
            try await device.ended()
            try await other.logEntry("session ended", ["fault": "upstream"])
        }
        #expect(broker.process.isRunning)
    }

    @Test("No broker: CONNACK says server unavailable, not silence", arguments: ClientTests.versions)
    func absent(version: MQTTBytes.Version) async throws {
        let port = try unusedPort()
        let gate = try await FleetGateProcess.start(
            changing: [.upstream("tcp://127.0.0.1:\(port)")], isReadyWithoutBroker: true
        )
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        let connack = try await device.connect(MQTTBytes.connect(version))
        #expect(connack.first == 0x20 && connack[3] == (version == .v5 ? 0x88 : 3), "\(connack)")
        try await device.ended()
        try await gate.logEntry("session ended", ["reason": "upstream-unavailable", "fault": "upstream"])
        #expect(try await gate.metrics().endedSessions("upstream-unavailable") == 1)
        // It needs no restart when the broker comes.
        let broker = try await MosquittoBroker(listener: "listener \(port) 127.0.0.1")
        try await self.carries(gate, to: .port(port))
        #expect(broker.process.isRunning)
    }

    @Test("A broker that accepts and says nothing: server unavailable after the deadline")
    func silent() async throws {
        let directory = try ScratchDirectory()
        let socket = directory.path + "/b.sock"
        let python = try #require(Program.installed("python3"))
        let script = """
            import socket, time
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("\(socket)")
            listener.listen()
            print("listening", flush=True)
            kept = []
            while True:
                kept.append(listener.accept())
            """
        let broker = try RunningProcess(python, ["-c", script])
        try await broker.waits(for: "listening")
        let gate = try await FleetGateProcess.start(
            changing: [
                .upstream("unix:\(socket)"), ConfigurationChange("connack-timeout: 10s", "connack-timeout: 500ms"),
            ]
        )
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0x88)
        try await gate.logEntry("session ended", ["reason": "upstream-timeout"])
    }

    @Test("A broker that is not one: the device is sent away, the gateway lives")
    func notABroker() async throws {
        let directory = try ScratchDirectory()
        let socket = directory.path + "/b.sock"
        let python = try #require(Program.installed("python3"))
        let script = """
            import socket
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("\(socket)")
            listener.listen()
            print("listening", flush=True)
            while True:
                connection, _ = listener.accept()
                try:
                    if connection.recv(1000):
                        connection.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")
                except OSError:
                    pass
                connection.close()
            """
        let broker = try RunningProcess(python, ["-c", script])
        try await broker.waits(for: "listening")
        let gate = try await FleetGateProcess.start(changing: [.upstream("unix:\(socket)")])
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        let connack = try await device.connect(MQTTBytes.connect(.v5))
        #expect(connack.first == 0x20 && connack[3] >= 0x80, "\(connack)")
        try await gate.logEntry("session ended", ["reason": "upstream-protocol-error", "fault": "upstream"])
        #expect(gate.process.isRunning)
    }

    @Test("The embedded broker is killed in the middle of traffic: it is started again, and devices come back")
    func killedBroker() async throws {
        let gate = try await FleetGateProcess.start()
        let first = try await gate.brokerProcessID()
        let fleet = try SimulatedFleet(
            gate, devices: 20, extra: ["--reconnect", "full-jitter:100ms,1s", "--allow-failures"])
        try await gate.logEntry("session established", count: 20)
        let start = gate.process.lines.count
        kill(first, SIGKILL)
        let death = try await gate.logEntry("the embedded broker died and is started again", from: start)
        #expect(death["ending"]?.contains("9") == true, "\(death)")
        #expect(try await gate.brokerProcessID(from: start) != first)
        try await gate.logEntry("session established", from: start, count: 20)
        let report = try await fleet.ends()
        #expect(report.connects >= 40)
        let metrics = try await gate.metrics()
        let lost = metrics.endedSessions("upstream-closed") + metrics.endedSessions("upstream-unavailable")
        #expect(lost >= 20)
        try await gate.letsAGoodDeviceIn()
    }

    @Test("A session in MQTT 5 is told when the broker is gone")
    func brokerGone() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        kill(try await gate.brokerProcessID(), SIGKILL)
        let disconnect = try await device.packet()
        #expect(disconnect.starts(with: [0xE0]) && disconnect.dropFirst(2).first == 0x89, "server busy: \(disconnect)")
        try await device.ended()
    }
}
