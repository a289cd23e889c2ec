internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

/// What a peer that keeps to the standard makes of the packets that reach it: it remembers topic aliases by itself.
private struct Peer {
    private var aliases: [UInt16: ByteBuffer] = [:]

    /// The topic of a PUBLISH as this peer understands it; `nil` if it could not.
    mutating func topic(of frame: MQTTFrame, _ version: MQTTProtocolVersion) throws -> ByteBuffer? {
        let header = try frame.publishHeader(version: version, limits: MQTTLimits())
        guard let alias = header.topicAlias else { return header.topic }
        if header.topic.readableBytes > 0 { self.aliases[alias] = header.topic }
        return self.aliases[alias]
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Here is how it works:
/// 1. Packets are made at random, permitted ones and others, with aliases set, used and set anew, some with a byte
///    changed, and given to a session from both sides.
/// 2. What the session lets through is given to a broker and a device that understand it by the standard alone.
/// 3. Whatever was sent, the broker has understood only topics and filters that the profile permits, and the device
///    only messages that it may have; and nothing trapped.
@Suite("CarriedSession, whatever is sent")
struct CarriedSessionPropertyTests {
    private static let topics = [
        Topic.up, Topic.up + "/b", Topic.secretUp, Topic.exact, Topic.once, Topic.foreign, Topic.down, Topic.secretDown,
        Topic.foreignDown, Topic.job, Topic.status, "$SYS/x",
    ]
    private static let filters =
        Self.topics + [
            "#", "+/#", "v/hamburg/+/down/set", "v/hamburg/meter-7/down/#", Topic.sharedJobs, "$share/g/#",
        ]

    @Test(
        "nothing gets past the profile, or the prefix, in either direction", arguments: 1...8 as ClosedRange<UInt64>,
        ["", "elbe/"]
    )
    func nothingGetsPast(seed: UInt64, prefix: String) throws {
        var numbers = Numbers(state: seed)
        let version: MQTTProtocolVersion = seed.isMultiple(of: 4) ? .v3_1_1 : .v5
        let grant = try Grants.make(limits: [
            "subscriptions": 4, "messages": ["per-second": 100_000, "burst": 100_000],
        ])
        var terms = SessionTerms(grant)
        terms.topicPrefix = TopicPrefix(prefix)
        var conversation = try CarriedConversation(version, grant: grant, terms: terms)
        var broker = Peer()
        var device = Peer()
        var forwarded = 0
        for _ in 0..<2_000 {
            let isFromDevice = Bool.random(using: &numbers)
            guard let frame = try Self.frame(isFromDevice: isFromDevice, version, prefix, &numbers) else { continue }
            let outcome =
                isFromDevice
                ? conversation.session.receivedFromDevice(frame, now: conversation.now).outcome
                : conversation.session.receivedFromBroker(frame)
            let passed: ByteBuffer?
            var isOver = false
            switch outcome {
            case .forward(let bytes, _): passed = bytes
            case .forwardParts(var head, var payload):
                head.writeBuffer(&payload)
                passed = head
            case .absorb: passed = nil
            case .forwardAndEnd(let bytes, _): (passed, isOver) = (bytes, true)
            case .end: (passed, isOver) = (nil, true)
            }
            if let passed {
                forwarded += 1
                let packet = try MQTTFrame.one(in: passed, nil)
                if isFromDevice {
                    try Self.checkForBroker(packet, version, grant, terms.topicPrefix, &broker)
                } else if packet.type == .publish {
                    let topic = try #require(try device.topic(of: packet, version))
                    let isPermitted = grant.permitsDelivery(topic: topic.readableBytesUInt8Span)
                    #expect(isPermitted, "\(String(buffer: topic))")
                }
            }
            if isOver {
                conversation = try CarriedConversation(version, grant: grant, terms: terms)
                (broker, device) = (Peer(), Peer())
            }
        }
        #expect(forwarded > 100, "the packets were too bad to test anything")
    }

    private static func checkForBroker(
        _ frame: MQTTFrame, _ version: MQTTProtocolVersion, _ grant: DeviceGrant, _ prefix: TopicPrefix,
        _ broker: inout Peer
    ) throws {
        if frame.type == .publish {
            let header = try frame.publishHeader(version: version, limits: MQTTLimits())
            let wholeTopic = try #require(try broker.topic(of: frame, version))
            let topic = try #require(prefix.removed(from: wholeTopic))
            if let response = header.responseTopic { #expect(prefix.removed(from: response) != nil) }
            let verdict = grant.permitsPublish(
                topic: topic.readableBytesUInt8Span, qos: header.qos.rawValue, retain: header.retain
            )
            #expect(verdict == .granted, "\(String(buffer: topic))")
        } else if case .subscribe(let subscribe) = try MQTTPacket.decode(frame, version: version, limits: MQTTLimits())
        {
            for subscription in subscribe.subscriptions {
                let filter = subscription.filter.replacing(prefix.text, with: "", maxReplacements: 1)
                #expect(prefix.added(toFilter: filter) == subscription.filter)
                let verdict = grant.permitsSubscribe(filter: filter.utf8.span, qos: subscription.qos.rawValue)
                #expect(verdict == .granted(maximumQoS: subscription.qos.rawValue), "\(subscription.filter)")
            }
        }
    }

    /// A packet off the wire; `nil` if a changed byte made it something that the frame decoder refuses.
    private static func frame(
        isFromDevice: Bool, _ version: MQTTProtocolVersion, _ prefix: String, _ numbers: inout Numbers
    ) throws -> MQTTFrame? {
        var bytes = try self.packet(isFromDevice: isFromDevice, version, prefix, &numbers).bytes(version)
        if Int.random(in: 0..<8, using: &numbers) == 0 {
            let place = Int.random(in: 0..<bytes.readableBytes, using: &numbers)
            bytes.setInteger(UInt8.random(in: 0...255, using: &numbers), at: place)
        }
        var decoder = MQTTFrameDecoder(limits: MQTTLimits(), version: version)
        return try? decoder.decode(buffer: &bytes)
    }

    private static func packet(
        isFromDevice: Bool, _ version: MQTTProtocolVersion, _ prefix: String, _ numbers: inout Numbers
    ) throws -> MQTTPacket {
        let id = UInt16.random(in: 1...6, using: &numbers)
        let code = [MQTTReasonCode.success, .grantedQoS1, .unspecifiedError].randomElement(using: &numbers)
        switch Int.random(in: 0..<12, using: &numbers) {
        case 0:
            if !isFromDevice { return .suback(id: id, try #require(code), .grantedQoS0) }
            return .unsubscribe(MQTTUnsubscribe(packetIdentifier: id, filters: [Topic.down, "#"]))
        case 1, 2:
            if !isFromDevice { return .suback(id: id, try #require(code)) }
            let count = Int.random(in: 1...4, using: &numbers)
            let subscriptions = try (0..<count).map { _ in
                MQTTSubscription(
                    filter: try #require(Self.filters.randomElement(using: &numbers)),
                    qos: try #require(MQTTQoS.allCases.randomElement(using: &numbers))
                )
            }
            return .subscribe(MQTTSubscribe(packetIdentifier: id, subscriptions: subscriptions))
        case 3: return try .acknowledgement(.pubrel, id: id)
        case 4: return try .acknowledgement(.pubrec, id: id)
        case 5: return isFromDevice ? .pingreq : .pingresp
        case _:
            let qos = try #require(MQTTQoS.allCases.randomElement(using: &numbers))
            let alias: UInt16? = version == .v5 ? [nil, 1, 2, 3].randomElement(using: &numbers) ?? nil : nil
            let isNamed = alias == nil || Bool.random(using: &numbers)
            // The broker's topics are below the prefix, but for some that are not.
            let isBelow = !isFromDevice && Int.random(in: 0..<8, using: &numbers) > 0
            let topic = isNamed ? try #require(Self.topics.randomElement(using: &numbers)) : ""
            var packet = MQTTPublish(
                qos: qos, retain: Bool.random(using: &numbers), topic: isNamed && isBelow ? prefix + topic : topic,
                packetIdentifier: qos == .atMostOnce ? nil : id, payload: ByteBuffer(string: "payload")
            )
            if let alias { packet.properties.append(.topicAlias(alias)) }
            if version == .v5, Int.random(in: 0..<4, using: &numbers) == 0 {
                let responseTopic = try #require(Self.topics.randomElement(using: &numbers))
                packet.properties.append(.responseTopic(isBelow ? prefix + responseTopic : responseTopic))
            }
            return .publish(packet)
        }
    }
}
