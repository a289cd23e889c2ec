import TestKit
import Testing

/// What a profile does to a device's packets, with the real broker behind.
@Suite("Policy", .serialized)
struct PolicyTests {
    static let own = "meters/hamburg-nord/meter-4711"
    static let building = "buildings/speicherstadt-12/gateway-b2"

    @Test("MQTT 5: a PUBLISH outside the profile is answered «not authorized», and goes nowhere")
    func deniedPublish5() async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("#")
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        let denied: [(topic: String, qos: UInt8, retain: Bool, reason: String)] = [
            ("meters/hamburg-nord/meter-4712/telemetry", 1, false, "topic-not-allowed"),
            (Self.own + "/telemetry/below", 1, false, "topic-not-allowed"),
            (Self.own + "/commands/relay", 1, false, "topic-not-allowed"),
            (Self.own + "/telemetry", 2, false, "qos-too-high"),
            (Self.own + "/telemetry", 1, true, "retain-not-allowed"),
            ("$SYS/broker/uptime", 1, false, "topic-not-allowed"),
        ]
        for (index, item) in denied.enumerated() {
            try device.send(
                MQTTBytes.publish(
                    .v5, topic: item.topic, payload: "no", qos: item.qos, retain: item.retain, identifier: index + 1
                )
            )
            let answer = try await device.packet()
            // PUBACK, or for QoS 2 PUBREC, with the identifier and 0x87.
            #expect(answer.prefix(1) == [item.qos == 2 ? 0x50 : 0x40], "\(item)")
            #expect(answer.dropFirst(2).prefix(3) == [0, UInt8(index + 1), 0x87], "\(item)")
        }
        try device.send(MQTTBytes.publish(.v5, topic: "meters/x", payload: "no"))
        try device.send(MQTTBytes.publish(.v5, topic: Self.own + "/telemetry", payload: "yes", qos: 1, identifier: 99))
        #expect(try await device.packet().starts(with: [0x40]))
        try await subscriber.receives("\(Self.own)/telemetry 1 0 yes")
        #expect(subscriber.messages == ["\(Self.own)/telemetry 1 0 yes"])
        try await gate.logEntry("packet refused by the profile", ["device": "meter-4711"], count: denied.count + 1)
        let metrics = try await gate.metrics()
        #expect(metrics.sum("fleetgate_denials_total") == denied.count + 1)
        #expect(metrics.sum("fleetgate_denials_total", ["reason": "qos-too-high"]) == 1)
        #expect(metrics.sum("fleetgate_denials_total", ["reason": "retain-not-allowed"]) == 1)
    }

    @Test("MQTT 3.1.1: acknowledged and dropped, where the profile says so", arguments: [UInt8(1), 2])
    func deniedPublish311(qos: UInt8) async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("#")
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.buildingGateway("b2")))
        try await device.connect(MQTTBytes.connect(.v3_1_1))
        try device.send(MQTTBytes.publish(.v3_1_1, topic: "buildings/x", payload: "no", qos: qos, identifier: 7))
        if qos == 1 {
            #expect(try await device.packet() == [0x40, 2, 0, 7])
        } else {
            #expect(try await device.packet() == [0x50, 2, 0, 7])
            try device.send(MQTTBytes.acknowledgement(0x62, 7))
            #expect(try await device.packet() == [0x70, 2, 0, 7])
        }
        try device.send(MQTTBytes.publish(.v3_1_1, topic: Self.building + "/heat", payload: "yes"))
        try await subscriber.receives("\(Self.building)/heat 0 0 yes")
        #expect(subscriber.messages.count == 1)
    }

    @Test("MQTT 3.1.1: disconnected, where the profile says so")
    func deniedPublishDisconnects() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v3_1_1))
        try device.send(MQTTBytes.publish(.v3_1_1, topic: "meters/x", payload: "no", qos: 1))
        let outcome = try await device.ended()
        #expect(outcome.standardOutput.utf8.count == 4, "nothing but the CONNACK")
        try await gate.logEntry("session ended", ["reason": "publish-denied"])
        #expect(try await gate.metrics().endedSessions("publish-denied") == 1)
    }

    @Test("SUBSCRIBE with allowed and denied filters: the SUBACK keeps their order", arguments: ClientTests.versions)
    func partialSubscribe(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(version))
        try device.send(
            MQTTBytes.subscribe(
                version, identifier: 5,
                [
                    ("#", 0), (Self.own + "/commands/#", 1), ("meters/hamburg-nord/meter-4712/commands/#", 1),
                    ("meters/hamburg-nord/tariff", 2), ("$SYS/#", 0),
                ]
            )
        )
        let refused: UInt8 = version == .v5 ? 0x87 : 0x80
        let suback = try await device.packet()
        #expect(suback.prefix(1) == [0x90])
        #expect(suback.suffix(5) == [refused, 1, refused, 1, refused])
        try await gate.broker.publish("meters/hamburg-nord/meter-4712/commands/relay", "not for it")
        try await gate.broker.publish(Self.own + "/commands/relay", "off")
        let delivery = try await device.packet()
        #expect(delivery.starts(with: [0x32]))
        #expect(delivery.suffix(3) == Array("off".utf8)[...])
        // All denied: the gateway answers alone.
        try device.send(MQTTBytes.subscribe(version, identifier: 6, [("#", 0), ("+/+", 0)]))
        #expect(try await device.packet().suffix(2) == [refused, refused])
    }

    @Test("A will outside the profile: CONNACK says not authorized", arguments: ClientTests.versions)
    func deniedWill(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let wills = [
            MQTTBytes.Will(topic: "meters/hamburg-nord/meter-4712/status", payload: "x", qos: 1),
            MQTTBytes.Will(topic: Self.own + "/telemetry", payload: "x"),
            MQTTBytes.Will(topic: Self.own + "/status", payload: "x", qos: 2),
        ]
        for will in wills {
            let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
            let connack = try await device.connect(MQTTBytes.connect(version, will: will))
            #expect(connack.first == 0x20 && connack.dropFirst(3).first == (version == .v5 ? 0x87 : 5), "\(connack)")
            try await device.ended()
        }
        try await gate.logEntry("session ended", ["reason": "will-denied"], count: wills.count)
        #expect(try await gate.metrics().endedSessions("will-denied") == wills.count)
    }

    @Test("A keep-alive out of range: MQTT 5 is told the server's, 3.1.1 is refused")
    func keepAlive() async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.meter("4711"))
        for (asked, granted) in [(0, 3_600), (1, 30), (65_535, 3_600)] {
            let new = try DeviceConnection(to: gate, as: credentials)
            let connack = try await new.connect(MQTTBytes.connect(.v5, keepAlive: asked))
            #expect(connack[3] == 0)
            let serverKeepAlive = [0x13] + MQTTBytes.number(granted)
            #expect(connack.indices.contains { connack[$0...].starts(with: serverKeepAlive) }, "\(connack)")
            try new.send(MQTTBytes.disconnect)
            try await new.ended()

            let old = try DeviceConnection(to: gate, as: credentials)
            #expect(try await old.connect(MQTTBytes.connect(.v3_1_1, keepAlive: asked)) == [0x20, 2, 0, 5])
            try await old.ended()
        }
        #expect(try await gate.metrics().endedSessions("keep-alive-out-of-range") == 3)
    }

    @Test("A subscription beyond what the profile allows: quota exceeded")
    func subscriptionLimit() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("4711")))
        try await device.connect(MQTTBytes.connect(.v5))
        let filters = (1...9).map { ("\(Self.own)/commands/\($0)", UInt8(1)) }
        try device.send(MQTTBytes.subscribe(.v5, filters))
        #expect(try await device.packet().suffix(9) == Array(repeating: 1, count: 8) + [0x97])
    }

    @Test("A device that sends faster than its profile is slowed down and loses nothing")
    func throttled() async throws {
        let slow = """
            profile: slow
            match: { subject: { O: "Slow", CN: "{name:slug}" } }
            device: "{name}"
            publish:
              - topic: "slow/{device}"
            limits:
              messages: { per-second: 20, burst: 5, on-exceeded: throttle }
            """
        let strict = """
            profile: strict
            match: { subject: { O: "Strict", CN: "{name:slug}" } }
            device: "strict-{name}"
            publish:
              - topic: "strict/{device}"
            limits:
              messages: { per-second: 1, burst: 5, on-exceeded: disconnect }
            """
        let gate = try await FleetGateProcess.start(files: ["profiles/slow.yaml": slow, "profiles/strict.yaml": strict])
        let subscriber = try await gate.broker.subscribe("slow/#")
        let device = try DeviceConnection(to: gate, as: gate.credentials([("O", "Slow"), ("CN", "one")]))
        try await device.connect(MQTTBytes.connect(.v3_1_1))
        for number in 1...30 {
            try device.send(
                MQTTBytes.publish(.v3_1_1, topic: "slow/one", payload: "\(number)", qos: 1, identifier: number))
        }
        for number in 1...30 { #expect(try await device.packet() == [0x40, 2, 0, UInt8(number)]) }
        try await subscriber.receives("slow/one 1 0 30")
        #expect(subscriber.messages.count == 30)

        let other = try DeviceConnection(to: gate, as: gate.credentials([("O", "Strict"), ("CN", "two")]))
        try await other.connect(MQTTBytes.connect(.v5))
        for _ in 1...100 { try other.send(MQTTBytes.publish(.v5, topic: "strict/strict-two")) }
        let disconnect = try await other.packet()
        #expect(disconnect.starts(with: [0xE0]) && disconnect.dropFirst(2).first == 0x96)
        try await gate.logEntry("session ended", ["reason": "message-rate-exceeded"])
    }
}
