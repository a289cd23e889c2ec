import FleetPKI
import TestKit
import Testing

/// Real clients with a device certificate, each against a gateway of its own with its embedded broker.
@Suite("Clients", .serialized)
struct ClientTests {
    static let versions = MQTTBytes.Version.allCases
    static let telemetry = "meters/hamburg-nord/meter-4711/telemetry"
    static let commands = "meters/hamburg-nord/meter-4711/commands"

    @Test(
        "openssl s_client gets TLS, ALPN and a CONNACK",
        .enabled(if: Program.installed("openssl") != nil, "openssl is not installed"), arguments: ["1.2", "1.3"]
    )
    func opensslConnects(tls: String) async throws {
        let version = try await Program.run(Program.ours("fleetgate"), ["version", "--json"])
        if tls == "1.3", !version.standardOutput.contains("\"tls-1.3\" : true") {
            print("skipped: openssl s_client with TLS 1.3, because this mbedTLS does not offer it")
            return
        }
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        let client = try RunningProcess(
            Program.installed("openssl") ?? "",
            [
                "s_client", "-connect", "127.0.0.1:\(gate.port)", "-CAfile", gate.caPath, "-verify_return_error",
                "-cert", meter.certificatePath, "-key", meter.keyPath, "-alpn", "mqtt", "-ign_eof",
                tls == "1.3" ? "-tls1_3" : "-tls1_2",
            ], keepsInputOpen: true
        )
        try await client.waits(for: "ALPN protocol: mqtt")
        try await client.waits(for: "New, TLSv\(tls), Cipher is")
        try await client.waits(for: "Verify return code: 0 (ok)")
        try client.write(MQTTBytes.connect(.v3_1_1))
        try await gate.logEntry("session established", ["device": "meter-4711", "profile": "smart-meter"])
        let connack: [UInt8] = [0x20, 2, 0, 0]
        _ = try await client.output("a CONNACK", from: 0) { $0.suffix(4).elementsEqual(connack) ? true : nil }
        try client.write(MQTTBytes.disconnect)
        try await client.finished()
        #expect(try await gate.metrics().endedSessions("device-disconnected") == 1)
    }

    @Test(
        "mosquitto_pub reaches a subscriber behind the broker",
        .enabled(if: Program.installed("mosquitto_pub") != nil, "mosquitto_pub is not installed"),
        arguments: versions
    )
    func mosquittoPublishes(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        let subscriber = try await gate.broker.subscribe("#")
        let publisher = try await Program.run(
            Program.installed("mosquitto_pub") ?? "",
            gate.mosquittoOptions(meter, version) + ["-t", Self.telemetry, "-m", "21.5 kWh", "-q", "1"]
        )
        #expect(publisher.status == 0, "\(publisher.everything)")
        try await subscriber.receives("\(Self.telemetry) 1 0 21.5 kWh")
    }

    @Test(
        "mosquitto_sub receives what is published behind the broker",
        .enabled(if: Program.installed("mosquitto_sub") != nil, "mosquitto_sub is not installed"),
        arguments: versions
    )
    func mosquittoSubscribes(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        let device = try await BrokerAddress.Subscriber(
            gate.mosquittoOptions(meter, version) + ["-t", Self.commands + "/#", "-C", "1"]
        )
        try await gate.broker.publish(Self.commands + "/relay", "off")
        try await device.receives("\(Self.commands)/relay 1 0 off")
        #expect(try await device.process.finished().status == 0)
    }

    @Test(
        "A certificate of «ca issue», for all that its key is encrypted in PKCS#12, lets a device in",
        .enabled(if: Program.installed("openssl") != nil, "openssl is not installed")
    )
    func issuedByCommand() async throws {
        let gate = try await FleetGateProcess.start()
        let phrase = try gate.directory.write("phrase.txt", "Über den Wolken\n")
        let prefix = gate.directory.path + "/device"
        let issued = try await Program.run(
            Program.ours("fleetgate"),
            [
                "ca", "issue", "--ca", gate.directory.path + "/gate/ca", "--out", prefix, "--subject",
                "O=Elbe Netz,OU=hamburg-nord,CN=meter-4711", "--format", "p12", "--passphrase-file", phrase,
            ]
        )
        #expect(issued.status == 0, "\(issued.everything)")
        let unpacked = try await Program.run(
            Program.installed("openssl") ?? "",
            ["pkcs12", "-in", prefix + ".p12", "-passin", "file:\(phrase)", "-nodes", "-out", prefix + ".pem"]
        )
        #expect(unpacked.status == 0, "\(unpacked.everything)")
        let client = try RunningProcess(
            Program.installed("openssl") ?? "",
            [
                "s_client", "-quiet", "-connect", "127.0.0.1:\(gate.port)", "-CAfile", gate.caPath, "-cert",
                prefix + ".pem", "-key", prefix + ".pem",
            ], keepsInputOpen: true
        )
        try client.write(MQTTBytes.connect(.v5))
        try await gate.logEntry("session established", ["device": "meter-4711"])
    }

    @Test(
        "paho-mqtt publishes, subscribes and is told what was granted",
        .enabled(if: Program.pythonWithPaho != nil, "paho-mqtt for /usr/bin/python3 is not installed"),
        arguments: versions
    )
    func pahoTalks(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        let subscriber = try await gate.broker.subscribe("#")
        let topics = [Self.commands + "/#", "meters/#", "meters/hamburg-nord/tariff"]
        let paho = try PahoScript.start(gate, meter, version, topics: topics)
        try await paho.waits(for: "connected 0")
        try await paho.waits(for: version == .v5 ? "granted 1 135 1" : "granted 1 128 1")
        try await gate.broker.publish(Self.commands + "/relay", "off")
        try await paho.waits(for: "received \(Self.commands)/relay off")
        try await subscriber.receives("\(Self.telemetry) 1 0 from paho")
        try await paho.waits(for: "published")
        #expect(try await paho.finished().status == 0)
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_denials_total", ["reason": "filter-not-allowed"]) == 1)
    }
}

/// A device written with paho-mqtt, the client library most Python devices use.
enum PahoScript {
    /// Connects, subscribes to the topics given, waits for one message, publishes one, and ends.
    static func start(
        _ gate: FleetGateProcess, _ device: DeviceCredentials, _ version: MQTTBytes.Version, topics: [String]
    ) throws -> RunningProcess {
        try RunningProcess(
            Program.pythonWithPaho ?? "",
            [
                "-u", "-c", self.text, "\(gate.port)", gate.caPath, device.certificatePath, device.keyPath,
                "\(version.rawValue)", ClientTests.telemetry,
            ] + topics
        )
    }

    private static let text = """
        import sys
        import paho.mqtt.client as mqtt

        port, ca, certificate, key, version, telemetry, *topics = sys.argv[1:]

        def code(reason):
            return getattr(reason, "value", reason)

        def on_connect(client, userdata, flags, reason, properties=None):
            print("connected", code(reason))
            options = 1 if version == "4" else mqtt.SubscribeOptions(qos=1)
            client.subscribe([(topic, options) for topic in topics])

        def on_subscribe(client, userdata, mid, granted, properties=None):
            print("granted", *[code(reason) for reason in granted])

        def on_message(client, userdata, message):
            print("received", message.topic, message.payload.decode())
            client.publish(telemetry, "from paho", qos=1)

        def on_publish(client, userdata, mid):
            print("published")
            client.disconnect()

        client = mqtt.Client(client_id="paho", protocol=int(version))
        client.on_connect, client.on_subscribe = on_connect, on_subscribe
        client.on_message, client.on_publish = on_message, on_publish
        client.tls_set(ca_certs=ca, certfile=certificate, keyfile=key)
        client.connect("127.0.0.1", int(port), keepalive=60)
        client.loop_forever()
        """
}
