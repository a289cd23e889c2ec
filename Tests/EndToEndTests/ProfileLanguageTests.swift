import FleetPKI
import Foundation
import TestKit
import Testing

/// What a profile grants beyond topics, with the real broker behind.
@Suite("Profile language", .serialized)
struct ProfileLanguageTests {
    @Test("A topic prefix is put before every topic and is never seen by the device", arguments: ClientTests.versions)
    func topicPrefix(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start(files: ["profiles/smart-meter.yaml": Self.prefixed])
        let subscriber = try await gate.broker.subscribe("#")
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(
            MQTTBytes.connect(version, will: .init(topic: "meter-4711/status", payload: "gone", qos: 1)))
        try device.send(MQTTBytes.subscribe(version, [("meter-4711/commands/#", 1)]))
        #expect(try await device.packet().suffix(1) == [1])
        try device.send(MQTTBytes.publish(version, topic: "meter-4711/telemetry", payload: "1", qos: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try await subscriber.receives("hamburg-nord/meter-4711/telemetry 1 0 1")

        try await gate.broker.publish("hamburg-nord/meter-4711/commands/relay", "off")
        let delivery = try await device.packet()
        #expect(delivery.starts(with: [0x32]))
        #expect(String(decoding: delivery, as: UTF8.self).contains("meter-4711/commands/relay"))
        #expect(!String(decoding: delivery, as: UTF8.self).contains("hamburg-nord"))
        try await device.breakOff()
        try await subscriber.receives("hamburg-nord/meter-4711/status 1 0 gone")
    }

    @Test(
        "Client-id rules",
        arguments: [
            ("equal", "meter-1", true), ("equal", "meter-2", false), ("equal", "", false), ("extend", "meter-1", true),
            ("extend", "meter-1:app", true), ("extend", "meter-10", false), ("extend", "x", false),
            ("assigned", "", true),
            ("assigned", "meter-1", false), ("free", "anything", true),
        ])
    func clientID(rule: String, clientID: String, isAllowed: Bool) async throws {
        let gate = try await FleetGateProcess.start(
            files: ["profiles/smart-meter.yaml": RegistryTests.profile("client-id: \(rule)")])
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("1")))
        let connack = try await device.connect(MQTTBytes.connect(.v5, clientID: clientID))
        #expect(connack.dropFirst(3).first == (isAllowed ? 0 : 0x85), "\(connack)")
        if !isAllowed { try await gate.logEntry("session ended", ["reason": "client-id-denied"]) }
    }

    @Test("A second connection of a device takes over")
    func takeOver() async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        let first = try DeviceConnection(to: gate, as: credentials)
        try await first.connect(MQTTBytes.connect(.v5))
        let second = try DeviceConnection(to: gate, as: credentials)
        #expect(try await second.connect(MQTTBytes.connect(.v5))[3] == 0)
        #expect(try await first.packet().dropFirst(2).first == 0x8E)
        try await first.ended()
        try await gate.logEntry("session ended", ["reason": "session-taken-over"])
        try second.send(MQTTBytes.pingRequest)
        #expect(try await second.packet() == [0xD0, 0])
    }

    @Test("Or is refused, where the profile says so; and the place is free again when the first has gone")
    func refused() async throws {
        let gate = try await FleetGateProcess.start(
            files: [
                "profiles/smart-meter.yaml": RegistryTests.profile(
                    "client-id: extend", "limits: { connections: { max: 2, on-exceeded: refuse } }")
            ])
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        var devices: [DeviceConnection] = []
        for name in ["meter-4711", "meter-4711:b"] {
            let device = try DeviceConnection(to: gate, as: credentials)
            #expect(try await device.connect(MQTTBytes.connect(.v5, clientID: name))[3] == 0)
            devices.append(device)
        }
        let third = try DeviceConnection(to: gate, as: credentials)
        #expect(try await third.connect(MQTTBytes.connect(.v5, clientID: "meter-4711:c"))[3] >= 0x80)
        try await gate.logEntry("session ended", ["reason": "too-many-connections"])
        try devices[0].send([0xE0, 0])
        try await devices[0].ended()
        try await gate.logEntry("session ended", ["reason": "device-disconnected"])
        let fourth = try DeviceConnection(to: gate, as: credentials)
        #expect(try await fourth.connect(MQTTBytes.connect(.v5, clientID: "meter-4711:d"))[3] == 0)
    }

    @Test(
        "A subscription that the new profile does not permit is given up at the broker, or ends the session",
        arguments: [
            "unsubscribe", "disconnect",
        ])
    func lostSubscription(action: String) async throws {
        let port = try unusedPort()
        let broker = try await MosquittoBroker(listener: "listener \(port) 127.0.0.1")
        let wide = RegistryTests.profile("on-lost-subscription: \(action)")
        let gate = try await FleetGateProcess.start(
            changing: [.upstream("tcp://127.0.0.1:\(port)")], files: ["profiles/smart-meter.yaml": wide])
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        try device.send(MQTTBytes.subscribe(.v5, [("meters/hamburg-nord/meter-4711/commands/#", 1)]))
        #expect(try await device.packet().suffix(1) == [1])
        try gate.directory.write(
            "gate/profiles/smart-meter.yaml", wide.replacingOccurrences(of: "/commands/#", with: "/orders/#"))
        try await gate.reload()
        if action == "unsubscribe" {
            try await broker.process.waits(for: "UNSUBSCRIBE")
            try await broker.process.waits(for: "meters/hamburg-nord/meter-4711/commands/#")
            try device.send(MQTTBytes.pingRequest)
            #expect(try await device.packet() == [0xD0, 0], "the gateway's own UNSUBACK is not the device's")
        } else {
            #expect(try await device.packet().dropFirst(2).first == 0x87)
            try await device.ended()
            try await gate.logEntry("session ended", ["reason": "subscription-lost"])
        }
    }

    @Test("Each profile's broker is its own; one that is not configured is a mistake with its place")
    func upstreamOfProfile() async throws {
        let port = try unusedPort()
        let plant = try await MosquittoBroker(listener: "listener \(port) 127.0.0.1")
        let gate = try await FleetGateProcess.start(
            changing: [
                ConfigurationChange(
                    "# What devices may use up,", "upstreams:\n  plant:\n    url: tcp://127.0.0.1:\(port)\n\n#")
            ],
            files: ["profiles/smart-meter.yaml": RegistryTests.profile("upstream: plant")])
        let atPlant = try await BrokerAddress.port(port).subscribe("#")
        let meter = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await meter.connect(MQTTBytes.connect(.v5))
        try await meter.permits("meters/hamburg-nord/meter-4711/telemetry")
        try await atPlant.receives("meters/hamburg-nord/meter-4711/telemetry 1 0 x")
        let atDefault = try await gate.broker.subscribe("#")
        let tracker = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.tracker("1")))
        try await tracker.connect(MQTTBytes.connect(.v5))
        try await tracker.permits("trackers/trucks-north/tracker-1/telemetry")
        try await atDefault.receives("trackers/trucks-north/tracker-1/telemetry 1 0 x")
        #expect(atDefault.messages.count == 1)
        withExtendedLifetime(plant) {}

        try gate.directory.write("gate/profiles/smart-meter.yaml", RegistryTests.profile("upstream: plan"))
        let start = gate.process.lines.count
        try await gate.reload(expecting: "not reloaded: everything stays as it was")
        try await gate.logEntry("profiles/smart-meter.yaml:7", from: start)
    }

    static let prefixed = """
        profile: smart-meter
        match: { subject: { O: "Elbe Netz", OU: "{site:slug}", CN: "meter-{serial:digits}" } }
        device: "meter-{serial}"
        tenant: "{site}"
        topic-prefix: "{tenant}/"
        publish: [{ topic: "{device}/telemetry", qos: 1 }, { topic: "{device}/status", qos: 1 }]
        subscribe: [{ topic: "{device}/commands/#", qos: 1 }]
        will: { topic: "{device}/status", qos: 1 }

        """
}

extension DeviceConnection {
    /// Publishes with QoS 1 under MQTT 5 and expects that it is accepted.
    func permits(_ topic: String, location: SourceLocation = #_sourceLocation) async throws {
        try self.send(MQTTBytes.publish(.v5, topic: topic, payload: "x", qos: 1))
        let answer = try await self.packet()
        #expect(
            answer.first == 0x40 && answer.dropFirst(4).first ?? 0 < 0x80, "\(answer)", sourceLocation: location)
    }

    /// Publishes with QoS 1 under MQTT 5 and expects "not authorized".
    func refuses(_ topic: String, location: SourceLocation = #_sourceLocation) async throws {
        try self.send(MQTTBytes.publish(.v5, topic: topic, payload: "x", qos: 1))
        let answer = try await self.packet()
        #expect(answer.first == 0x40 && answer.dropFirst(4).first == 0x87, "\(answer)", sourceLocation: location)
    }
}
