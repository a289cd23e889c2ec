internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("ConnectAdmission: client-id rule, topic prefix, Receive Maximum")
struct ConnectAdmissionTermsTests {
    private func admit(
        _ version: MQTTProtocolVersion, clientIdentifier: String = "x", rule: ClientIDRule = .free,
        prefix: String = "", will: MQTTWill? = nil, properties: MQTTProperties = [],
        limits: GatewayLimits = GatewayLimits(), _ change: (inout DeviceLimits) -> Void = { _ in }
    ) throws -> ConnectAdmission {
        let connect = MQTTConnect(
            version: version, clientIdentifier: clientIdentifier, will: will, properties: properties
        )
        return try ConnectAdmission(
            connect, grant: Grants.make(), terms: .make(rule: rule, prefix: prefix, change), limits: limits,
            credentials: .init()
        )
    }

    private func accepted(
        _ admission: ConnectAdmission, _ properties: MQTTProperties = [], sessionPresent: Bool = false
    ) throws -> ConnectAdmission.Acceptance {
        try admission.accepted(
            MQTTConnack(sessionPresent: sessionPresent, reasonCode: .success, properties: properties),
            limits: GatewayLimits()
        )
    }

    // MARK: Client identifier

    @Test("a client identifier that the rule does not allow is refused as such, without its text in the reason")
    func clientIDDenied() throws {
        let cases: [(ClientIDRule, [String])] = [
            (.equal, ["", "meter-8", "meter-7-a", "hamburg/meter-7"]),
            (.extend, ["", "meter-70", "meter-7-", "meter-8-a", "meter-7-a/b", "meter-7-\u{7}"]),
            (.assigned, ["meter-7", "x"]),
        ]
        for version in MQTTProtocolVersion.allCases {
            for (rule, names) in cases {
                for name in names {
                    let end = #expect(throws: SessionEnd.self) {
                        try self.admit(version, clientIdentifier: name, rule: rule)
                    }
                    #expect(end?.code == .clientIDDenied)
                    #expect(end?.fault == .device)
                    #expect(end?.answer == .clientIdentifierNotValid)
                    #expect(name.isEmpty || end?.detail.contains(name) == false)
                }
            }
        }
        #expect(MQTTConnectReturnCode(.clientIdentifierNotValid) == .identifierRejected)
    }

    @Test("each rule has its name at the broker, and the user name is the device's")
    func upstreamNames() throws {
        let cases: [(ClientIDRule, String, String)] = [
            (.free, "anything", "hamburg/meter-7"), (.free, "", "hamburg/meter-7"),
            (.equal, "meter-7", "hamburg/meter-7"), (.assigned, "", "hamburg/meter-7"),
            (.extend, "meter-7", "hamburg/meter-7"), (.extend, "meter-7-ui", "hamburg/meter-7/meter-7-ui"),
        ]
        for version in MQTTProtocolVersion.allCases {
            for (rule, name, upstream) in cases {
                let admission = try self.admit(version, clientIdentifier: name, rule: rule)
                #expect(admission.upstreamConnect.clientIdentifier == upstream)
                #expect(admission.upstreamConnect.userName == "hamburg/meter-7")
                let assigned = try self.accepted(admission).connack.properties.assignedClientIdentifier
                #expect(assigned == (version == .v5 && name.isEmpty ? "hamburg/meter-7" : nil))
            }
        }
    }

    // MARK: Prefix

    @Test("the will goes to the broker below the prefix; the profile judged it without")
    func will() throws {
        let will = MQTTWill(
            qos: .atLeastOnce, topic: Topic.status, payload: ByteBuffer(string: "gone"),
            properties: [.willDelayInterval(3), .responseTopic("a/b"), .contentType("c")]
        )
        let admission = try self.admit(.v5, prefix: "elbe/", will: will)
        var upstream = will
        upstream.topic = "elbe/" + Topic.status
        upstream.properties = [.willDelayInterval(3), .responseTopic("elbe/a/b"), .contentType("c")]
        #expect(admission.upstreamConnect.will == upstream)
        let agreement = try self.accepted(admission).agreement
        #expect(agreement.will?.topic == Topic.status)
        #expect(try agreement.will?.isPermitted(by: Grants.make()) == true)
        #expect(try agreement.will?.isPermitted(by: Grants.make(will: false)) == false)

        let older = MQTTWill(topic: Topic.status, payload: ByteBuffer())
        #expect(
            try self.admit(.v3_1_1, prefix: "elbe/", will: older).upstreamConnect.will?.topic == "elbe/" + Topic.status
        )
        let outside = MQTTWill(topic: "elbe/" + Topic.status, payload: ByteBuffer())
        let end = #expect(throws: SessionEnd.self) { try self.admit(.v5, prefix: "elbe/", will: outside) }
        #expect(end?.code == .willDenied)
    }

    @Test("a will that the prefix makes too long for MQTT refuses the CONNECT")
    func willTooLong() throws {
        let prefix = String(repeating: "p", count: 65_520) + "/"
        let long = MQTTWill(topic: Topic.status, payload: ByteBuffer())
        for version in MQTTProtocolVersion.allCases {
            let end = #expect(throws: SessionEnd.self) { try self.admit(version, prefix: prefix, will: long) }
            #expect(end?.code == .willDenied)
            #expect(end?.answer == (version == .v5 ? .topicNameInvalid : .notAuthorized))
        }
        let shorter = String(repeating: "p", count: 65_500) + "/"
        let response = MQTTWill(
            topic: Topic.status, payload: ByteBuffer(), properties: [.responseTopic(String(repeating: "r", count: 40))]
        )
        let end = #expect(throws: SessionEnd.self) { try self.admit(.v5, prefix: shorter, will: response) }
        #expect(end?.answer == .topicNameInvalid)
    }

    @Test("the broker may send what fits the device without the prefix, and no more than fits the gateway")
    func maximumPacketSize() throws {
        let limits = GatewayLimits(packetBytesMax: 1_000)
        for (wished, sent) in [(nil, 1_000), (50, 55), (996, 1_000), (995, 1_000), (.max, 1_000)] as [(UInt32?, UInt32)]
        {
            let properties = MQTTProperties(wished.map { [.maximumPacketSize($0)] } ?? [])
            let admission = try self.admit(.v5, prefix: "elbe/", properties: properties, limits: limits)
            #expect(admission.upstreamConnect.properties.maximumPacketSize == sent)
            #expect(
                try self.accepted(admission).agreement.devicePacketBytesMax
                    == wished.map { Int($0) } ?? MQTTLimits.packetBytesAbsoluteMax
            )
        }
    }

    @Test("Response Information is given without the prefix, or not at all (section 3.2.2.3.15)")
    func responseInformation() throws {
        for (prefix, sent, told) in [
            ("", "x/y", "x/y"), ("elbe/", "elbe/y", "y"), ("elbe/", "x/y", nil), ("elbe/", "elbe/", nil),
            ("elbe/", "", nil),
        ] as [(String, String, String?)] {
            let answer = try self.accepted(try self.admit(.v5, prefix: prefix), [.responseInformation(sent)]).connack
            #expect(answer.properties.responseInformation == told)
        }
    }

    // MARK: Receive Maximum

    @Test("Receive Maximum is the lower of the peer's and the profile's, each way (sections 3.1.2.11.3, 3.2.2.3.3)")
    func receiveMaximum() throws {
        for (peers, profiles, agreed) in [
            (nil, 64, 64), (10, 64, 10), (64, 64, 64), (65, 64, 64), (.max, 64, 64), (nil, .max, .max), (1, 1, 1),
            (5, 0, 1),
        ] as [(UInt16?, UInt16, UInt16)] {
            let properties = MQTTProperties(peers.map { [.receiveMaximum($0)] } ?? [])
            let admission = try self.admit(.v5, properties: properties) { $0.receiveMaximum = profiles }
            #expect(admission.upstreamConnect.properties.receiveMaximum == agreed)
            let acceptance = try self.accepted(admission, properties)
            #expect(acceptance.connack.properties.receiveMaximum == agreed)
            #expect(acceptance.agreement.deviceReceiveMaximum == agreed)
        }
        let older = try self.admit(.v3_1_1)
        #expect(older.upstreamConnect.properties.isEmpty)
        #expect(try self.accepted(older).connack.properties.isEmpty)
        #expect(try self.accepted(older).agreement.deviceReceiveMaximum == nil)
    }

    // MARK: What was agreed on

    @Test("the session is told what CONNECT and CONNACK say")
    func agreement() throws {
        let admission = try self.admit(.v5, properties: [.topicAliasMaximum(3), .maximumPacketSize(500)])
        let agreement = try self.accepted(
            admission, [.topicAliasMaximum(5), .maximumPacketSize(700)], sessionPresent: true
        ).agreement
        #expect(agreement.deviceAliasMax == 5 && agreement.brokerAliasMax == 3)
        #expect(agreement.devicePacketBytesMax == 500 && agreement.brokerPacketBytesMax == 700)
        #expect(agreement.isResumed)
        let older = try self.accepted(try self.admit(.v3_1_1), sessionPresent: true).agreement
        #expect(older.isResumed && older.deviceAliasMax == 0)
        #expect(older.brokerPacketBytesMax == MQTTLimits.packetBytesAbsoluteMax)
    }

    @Test("CONNACK is no longer than the device takes: text for people goes first (MQTT-3.2.2-19, MQTT-3.2.2-20)")
    func connackFits() throws {
        let brokers = MQTTProperties([
            .reasonString(String(repeating: "r", count: 50)), .userProperty(name: "a", value: "b"),
            .maximumQoS(.atLeastOnce),
        ])
        let whole = try self.accepted(try self.admit(.v5), brokers).connack
        let size = try MQTTPacket.connack(whole).bytes(.v5).readableBytes
        for (bytesMax, isWhole) in [(size, true), (size - 1, false), (30, false)] {
            let admission = try self.admit(.v5, properties: [.maximumPacketSize(UInt32(bytesMax))])
            let answer = try self.accepted(admission, brokers).connack
            #expect(try MQTTPacket.connack(answer).bytes(.v5).readableBytes <= bytesMax)
            #expect((answer.properties.reasonString != nil) == isWhole)
            #expect(answer.properties.userProperties.isEmpty == !isWhole)
            #expect(answer.properties.maximumQoS == .atLeastOnce && answer.properties.receiveMaximum == 64)
        }
        for bytesMax in [1, 5, 10] as [UInt32] {
            let admission = try self.admit(.v5, properties: [.maximumPacketSize(bytesMax)])
            let end = #expect(throws: SessionEnd.self) { try self.accepted(admission, brokers) }
            #expect(end?.code == .packetTooLarge)
            #expect(end?.answer == .packetTooLarge)
        }
    }
}
