import TestKit
import Testing

/// MQTT through the gateway is MQTT as the broker alone does it.
@Suite("Session semantics", .serialized)
struct SessionSemanticsTests {
    static let own = "buildings/speicherstadt-12/gateway-b2"
    static let versions = ClientTests.versions

    private func device(_ gate: FleetGateProcess, _ id: String = "b2") throws -> DeviceConnection {
        try DeviceConnection(to: gate, as: gate.credentials(DeviceName.buildingGateway(id)))
    }

    @Test("QoS 2, both ways", arguments: versions)
    func exactlyOnce(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("#")
        let device = try self.device(gate)
        try await device.connect(MQTTBytes.connect(version))
        let publish = MQTTBytes.publish(version, topic: Self.own + "/heat", payload: "on", qos: 2, identifier: 3)
        try device.send(publish)
        #expect(try await device.packet() == [0x50, 2, 0, 3])
        // Sent again before it was released: delivered once all the same.
        try device.send(
            MQTTBytes.publish(
                version, topic: Self.own + "/heat", payload: "on", qos: 2, identifier: 3, isDuplicate: true
            )
        )
        #expect(try await device.packet() == [0x50, 2, 0, 3])
        try device.send(MQTTBytes.acknowledgement(0x62, 3))
        #expect(try await device.packet() == [0x70, 2, 0, 3])
        try device.send(MQTTBytes.subscribe(version, [(Self.own + "/commands/#", 2)]))
        #expect(try await device.packet().last == 2)
        try await gate.broker.publish(Self.own + "/commands/pump", "go", qos: 2)
        let delivery = try await device.packet()
        #expect(delivery.first == 0x34)
        let identifier = MQTTBytes.identifier(ofPublish: delivery)
        try device.send(MQTTBytes.acknowledgement(0x50, identifier))
        #expect(try await device.packet() == MQTTBytes.acknowledgement(0x62, identifier))
        try device.send(MQTTBytes.acknowledgement(0x70, identifier))
        try await subscriber.receives("\(Self.own)/commands/pump 2 0 go")
        #expect(subscriber.messages == ["\(Self.own)/heat 2 0 on", "\(Self.own)/commands/pump 2 0 go"])
    }

    @Test("A retained message is kept, delivered to whoever comes later, and deleted", arguments: versions)
    func retained(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        try await device.connect(MQTTBytes.connect(version))
        try device.send(MQTTBytes.publish(version, topic: Self.own + "/state", payload: "warm", qos: 1, retain: true))
        #expect(try await device.packet().starts(with: [0x40]))
        try await gate.broker.subscribe("buildings/#").receives("\(Self.own)/state 1 1 warm")
        try await gate.broker.publish(Self.own + "/commands/mode", "eco", retain: true)
        try device.send(MQTTBytes.subscribe(version, [(Self.own + "/commands/#", 1)]))
        #expect(try await device.packet().starts(with: [0x90]))
        let kept = try await device.packet()
        #expect(kept.first == 0x33)
        try device.send(MQTTBytes.acknowledgement(0x40, MQTTBytes.identifier(ofPublish: kept)))
        try device.send(MQTTBytes.publish(version, topic: Self.own + "/state", qos: 1, retain: true, identifier: 2))
        #expect(try await device.packet().starts(with: [0x40]))
        let late = try await gate.broker.subscribe("buildings/#")
        try await late.receives("\(Self.own)/commands/mode 1 1 eco")
        #expect(late.messages.count == 1)
    }

    @Test("The will is published when the connection breaks, and not after DISCONNECT", arguments: versions)
    func will(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("buildings/#")
        let will = MQTTBytes.Will(topic: Self.own + "/status", payload: "offline", qos: 1)
        let polite = try self.device(gate)
        try await polite.connect(MQTTBytes.connect(version, will: will))
        try polite.send(MQTTBytes.disconnect)
        try await polite.ended()
        try await gate.logEntry("session ended", ["reason": "device-disconnected"])
        try await gate.broker.publish("buildings/mark", "1")
        try await subscriber.receives("buildings/mark 1 0 1")
        #expect(subscriber.messages.count == 1)

        let broken = try self.device(gate)
        try await broken.connect(MQTTBytes.connect(version, will: will))
        try await broken.breakOff()
        try await subscriber.receives("\(Self.own)/status 1 0 offline")
        #expect(try await gate.metrics().sum("fleetgate_sessions") == 0)

        // A protocol error is no good-bye either.
        let wrong = try self.device(gate)
        try await wrong.connect(MQTTBytes.connect(version, will: will))
        try wrong.send([0, 0])
        try await wrong.ended()
        try await gate.broker.publish("buildings/mark", "2")
        try await subscriber.receives("buildings/mark 1 0 2")
        #expect(subscriber.messages.filter { $0.hasSuffix("offline") }.count == 2)
    }

    @Test("A persistent session keeps subscriptions and queued messages", arguments: versions)
    func persistentSession(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.buildingGateway("b2"))
        // MQTT 5: Session Expiry Interval of an hour.
        let properties: [UInt8] = version == .v5 ? [0x11, 0, 0, 0x0E, 0x10] : []
        let connect = MQTTBytes.connect(version, cleanStart: false, properties: properties)
        let first = try DeviceConnection(to: gate, as: credentials)
        #expect(try await first.connect(connect)[2...3] == [0, 0])
        try first.send(MQTTBytes.subscribe(version, [(Self.own + "/commands/#", 1)]))
        #expect(try await first.packet().last == 1)
        try first.send(MQTTBytes.disconnect)
        try await first.ended()
        for number in 1...3 { try await gate.broker.publish(Self.own + "/commands/job", "\(number)") }

        let second = try DeviceConnection(to: gate, as: credentials)
        #expect(try await second.connect(connect)[2...3] == [1, 0], "session present")
        for number in 1...3 {
            let delivery = try await second.packet()
            #expect(delivery.first == 0x32 && delivery.suffix(1) == Array("\(number)".utf8)[...])
            try second.send(MQTTBytes.acknowledgement(0x40, MQTTBytes.identifier(ofPublish: delivery)))
        }
        try second.send(MQTTBytes.pingRequest)
        #expect(try await second.packet() == [0xD0, 0])
    }

    @Test("Two devices share a subscription: each message goes to one of them")
    func sharedSubscription() async throws {
        let gate = try await FleetGateProcess.start()
        let devices = [try self.device(gate, "b1"), try self.device(gate, "b2")]
        for device in devices {
            try await device.connect(MQTTBytes.connect(.v5))
            try device.send(MQTTBytes.subscribe(.v5, [("$share/crew/buildings/speicherstadt-12/jobs/#", 0)]))
            #expect(try await device.packet().last == 0)
        }
        for number in 1...6 { try await gate.broker.publish("buildings/speicherstadt-12/jobs/x", "\(number)", qos: 0) }
        // What was delivered has arrived once the answer to a later PINGREQ has.
        var payloads: [UInt8] = []
        for device in devices {
            try device.send(MQTTBytes.pingRequest)
            var packet = try await device.packet()
            while packet != [0xD0, 0] {
                payloads += packet.suffix(1)
                packet = try await device.packet()
            }
        }
        #expect(payloads.sorted() == Array("123456".utf8))
    }

    @Test("The same device again takes the session over: the first is told so")
    func takeover() async throws {
        let gate = try await FleetGateProcess.start()
        let credentials = try gate.credentials(DeviceName.buildingGateway("b2"))
        let first = try DeviceConnection(to: gate, as: credentials)
        // Client identifiers are the gateway's: two different ones of one certificate are one session.
        try await first.connect(MQTTBytes.connect(.v5, clientID: "one"))
        let second = try DeviceConnection(to: gate, as: credentials)
        #expect(try await second.connect(MQTTBytes.connect(.v5, clientID: "two"))[3] == 0)
        let disconnect = try await first.packet()
        #expect(disconnect.starts(with: [0xE0]) && disconnect[2] == 0x8E, "\(disconnect)")
        try await first.ended()
        try second.send(MQTTBytes.pingRequest)
        #expect(try await second.packet() == [0xD0, 0])
        // And no device takes the session of another, whatever name it claims.
        let other = try self.device(gate, "b3")
        try await other.connect(MQTTBytes.connect(.v5, clientID: "speicherstadt-12/gateway-b2"))
        try second.send(MQTTBytes.pingRequest)
        #expect(try await second.packet() == [0xD0, 0])
        #expect(try await gate.metrics().sum("fleetgate_sessions", ["profile": "building-gateway"]) == 2)
        #expect(try await gate.metrics().sum("fleetgate_sessions_ended_total", ["reason": "session-taken-over"]) == 1)
    }

    @Test("MQTT 5 topic aliases, also when the PUBLISH that set one was refused")
    func topicAlias() async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("#")
        let device = try self.device(gate)
        try await device.connect(MQTTBytes.connect(.v5))
        func publish(_ topic: String, _ payload: String, alias: Int, qos: UInt8 = 1) -> [UInt8] {
            MQTTBytes.publish(
                .v5, topic: topic, payload: payload, qos: qos, properties: [0x23] + MQTTBytes.number(alias)
            )
        }
        try device.send(publish(Self.own + "/heat", "1", alias: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try device.send(publish("", "2", alias: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        // A refused one sets its alias too; what it stands for stays refused.
        try device.send(publish("buildings/elsewhere", "no", alias: 1))
        #expect(try await device.packet().dropFirst(4).first == 0x87)
        try device.send(publish("", "no", alias: 1))
        let refused = try await device.packet()
        #expect(refused.starts(with: [0x40]) && refused.dropFirst(4).first == 0x87)
        try device.send(publish(Self.own + "/lift", "3", alias: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try await subscriber.receives("\(Self.own)/lift 1 0 3")
        #expect(
            subscriber.messages == ["\(Self.own)/heat 1 0 1", "\(Self.own)/heat 1 0 2", "\(Self.own)/lift 1 0 3"]
        )
    }

    @Test("An empty client identifier: MQTT 5 is told the one it has")
    func emptyClientIdentifier() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        let connack = try await device.connect(MQTTBytes.connect(.v5, clientID: ""))
        let assigned = [0x12] + MQTTBytes.text("speicherstadt-12/gateway-b2")
        #expect(connack[3] == 0 && connack.indices.contains { connack[$0...].starts(with: assigned) }, "\(connack)")
        let old = try self.device(gate, "b4")
        #expect(try await old.connect(MQTTBytes.connect(.v3_1_1, clientID: "")) == [0x20, 2, 0, 0])
    }

    @Test("What a device sends together with CONNECT, without waiting, is carried in order", arguments: versions)
    func pipelined(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("buildings/#")
        let device = try self.device(gate)
        var bytes = MQTTBytes.connect(version)
        for number in 1...3 {
            bytes += MQTTBytes.publish(
                version, topic: Self.own + "/heat", payload: "\(number)", qos: 1, identifier: number
            )
        }
        try device.send(bytes + MQTTBytes.disconnect)
        let outcome = try await device.ended()
        #expect(outcome.standardOutput.utf8.first == 0x20)
        try await subscriber.receives("\(Self.own)/heat 1 0 3")
        #expect(subscriber.messages == (1...3).map { "\(Self.own)/heat 1 0 \($0)" })
        try await gate.logEntry("session ended", ["reason": "device-disconnected"])
    }

    @Test("DISCONNECT in the middle of deliveries is a good-bye all the same: no will", arguments: versions)
    func goodByeUnderLoad(version: MQTTBytes.Version) async throws {
        let gate = try await FleetGateProcess.start()
        let subscriber = try await gate.broker.subscribe("buildings/+/+/status")
        let will = MQTTBytes.Will(topic: Self.own + "/status", payload: "offline", qos: 1)
        for _ in 0..<5 {
            let device = try self.device(gate)
            try await device.connect(MQTTBytes.connect(version, will: will))
            try device.send(MQTTBytes.subscribe(version, [(Self.own + "/commands/#", 0)]))
            _ = try await device.packet()
            let messages = String(repeating: "x\n", count: 5_000)
            let publisher = try RunningProcess(
                Program.installed("mosquitto_pub") ?? "/usr/bin/mosquitto_pub",
                ["--unix", gate.brokerSocketPath, "-t", Self.own + "/commands/x", "-l"], input: messages
            )
            _ = try await device.packet()
            try device.send(MQTTBytes.disconnect)
            try await device.ended()
            #expect(try await publisher.finished().status == 0)
        }
        try await gate.broker.publish("buildings/a/b/status", "mark")
        try await subscriber.receives("buildings/a/b/status 1 0 mark")
        #expect(subscriber.messages.count == 1)
    }

    @Test("A session expiry beyond the profile is bounded, and the device is told")
    func sessionExpiry() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        let connect = MQTTBytes.connect(.v5, properties: [0x11, 0xFF, 0xFF, 0xFF, 0xFF])
        let connack = try await device.connect(connect)
        let day: [UInt8] = [0x11, 0, 1, 0x51, 0x80]
        #expect(connack[3] == 0 && connack.indices.contains { connack[$0...].starts(with: day) }, "\(connack)")
    }

    @Test("An authentication method has nothing to add to the certificate: bad authentication method")
    func enhancedAuthentication() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        let connect = MQTTBytes.connect(.v5, properties: [0x15] + MQTTBytes.text("SCRAM-SHA-256"))
        #expect(try await device.connect(connect)[3] == 0x8C)
        try await device.ended()
        #expect(try await gate.metrics().endedSessions("enhanced-authentication-unsupported") == 1)
    }

    @Test("A large message passes whole, both ways")
    func largeMessage() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        try await device.connect(MQTTBytes.connect(.v3_1_1))
        try device.send(MQTTBytes.subscribe(.v3_1_1, [(Self.own + "/commands/#", 1)]))
        _ = try await device.packet()
        let subscriber = try await gate.broker.subscribe("buildings/#")
        let payload = String(repeating: "0123456789abcdef", count: 15_000)
        try device.send(MQTTBytes.publish(.v3_1_1, topic: Self.own + "/log", payload: payload, qos: 1))
        #expect(try await device.packet() == [0x40, 2, 0, 1])
        try await subscriber.receives("\(Self.own)/log 1 0 \(payload)")
        let firmware = String(payload.prefix(100_000))
        try await gate.broker.publish(Self.own + "/commands/firmware", firmware)
        #expect(try await device.packet().suffix(100_000).elementsEqual(firmware.utf8))
    }

    @Test("A device that does not read holds its broker connection up, not the gateway's memory")
    func slowReader() async throws {
        let gate = try await FleetGateProcess.start()
        let device = try self.device(gate)
        try await device.connect(MQTTBytes.connect(.v3_1_1))
        try device.send(MQTTBytes.subscribe(.v3_1_1, [(Self.own + "/commands/#", 0)]))
        _ = try await device.packet()
        let before = try gate.residentKilobytes()
        device.pause()
        // 30 MB, at QoS 0: mosquitto keeps what the gateway does not take.
        let message = String(repeating: "x", count: 100_000)
        let publisher = try RunningProcess(
            Program.installed("mosquitto_pub") ?? "/usr/bin/mosquitto_pub",
            ["--unix", gate.brokerSocketPath, "-t", Self.own + "/commands/firmware", "-l", "-q", "1"],
            input: String(repeating: message + "\n", count: 300)
        )
        #expect(try await publisher.finished().status == 0)
        try await gate.letsAGoodDeviceIn()
        #expect(try gate.residentKilobytes() - before < 12_000)
        device.resume()
        #expect(try await device.packet().count > 100_000)
    }
}
