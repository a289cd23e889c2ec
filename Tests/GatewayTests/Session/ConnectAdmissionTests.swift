internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("ConnectAdmission")
struct ConnectAdmissionTests {
    private let limits = GatewayLimits(packetBytesMax: 100_000, topicAliasMax: 16)

    private func connect(
        _ version: MQTTProtocolVersion, clientIdentifier: String = "anything", cleanStart: Bool = true,
        keepAlive: UInt16 = 60, will: MQTTWill? = nil, userName: String? = nil, password: String? = nil,
        properties: MQTTProperties = []
    ) -> MQTTConnect {
        MQTTConnect(
            version: version, clientIdentifier: clientIdentifier, cleanStart: cleanStart, keepAliveSeconds: keepAlive,
            will: will, userName: userName, password: password.map { ByteBuffer(string: $0) }, properties: properties
        )
    }

    private func admit(
        _ connect: MQTTConnect, limits profile: ProfileTree = ["packet-bytes": unit("4KiB")],
        terms: SessionTerms? = nil,
        credentials: ConnectAdmission.UpstreamCredentials = ConnectAdmission.UpstreamCredentials()
    ) throws -> ConnectAdmission {
        try ConnectAdmission(
            connect, grant: Grants.make(limits: profile), terms: terms, limits: self.limits, credentials: credentials
        )
    }

    private func answer(_ admission: ConnectAdmission, _ connack: MQTTConnack) throws -> (MQTTConnack, UInt16) {
        let acceptance = try admission.accepted(connack, limits: self.limits)
        return (acceptance.connack, acceptance.agreement.deviceAliasMax)
    }

    // MARK: Identity

    @Test("the broker sees the certificate's identity, whatever the device calls itself")
    func identity() throws {
        for version in MQTTProtocolVersion.allCases {
            for name in ["anything", "", "hamburg/meter-8", "#", "\u{1F600}"] {
                let device = self.connect(version, clientIdentifier: name, userName: "admin", password: "secret")
                let upstream = try self.admit(device).upstreamConnect
                #expect(upstream.clientIdentifier == "hamburg/meter-7")
                #expect(upstream.userName == "hamburg/meter-7")
                #expect(upstream.password == nil, "the device's password is not the broker's business")
                #expect(upstream.version == version)
                #expect(throws: Never.self) { try MQTTPacket.connect(upstream).bytes(version) }
            }
        }
    }

    @Test("the gateway's own credentials replace user name and password, never the client identifier")
    func credentials() throws {
        let credentials = ConnectAdmission.UpstreamCredentials(userName: "gateway", password: Array("pass".utf8))
        let device = self.connect(.v3_1_1, userName: "admin", password: "secret")
        let upstream = try self.admit(device, credentials: credentials).upstreamConnect
        #expect(upstream.clientIdentifier == "hamburg/meter-7")
        #expect(upstream.userName == "gateway")
        #expect(upstream.password == ByteBuffer(string: "pass"))
    }

    @Test("a device without a name is told the one it has, under MQTT 5.0 (MQTT-3.2.2-16)")
    func assignedIdentifier() throws {
        let success = MQTTConnack(reasonCode: .success)
        let unnamed = try self.answer(try self.admit(self.connect(.v5, clientIdentifier: "")), success).0
        let named = try self.answer(try self.admit(self.connect(.v5)), success).0
        let older = try self.answer(try self.admit(self.connect(.v3_1_1, clientIdentifier: "")), success).0
        #expect(unnamed.properties.assignedClientIdentifier == "hamburg/meter-7")
        #expect(named.properties.assignedClientIdentifier == nil)
        #expect(older.properties.isEmpty)
    }

    @Test("an authentication method is refused (section 4.12)")
    func authenticationMethod() throws {
        let device = self.connect(.v5, properties: [.authenticationMethod("SCRAM-SHA-1")])
        let end = #expect(throws: SessionEnd.self) { try self.admit(device) }
        #expect(end?.code == .enhancedAuthentication)
        #expect(end?.answer == .badAuthenticationMethod)
        #expect(end?.fault == .device)
    }

    // MARK: Will

    @Test("a permitted will is carried as it is, delay and properties included")
    func will() throws {
        let will = MQTTWill(
            qos: .atLeastOnce, topic: Topic.status, payload: ByteBuffer(string: "gone"),
            properties: [.willDelayInterval(30), .contentType("text/plain")]
        )
        #expect(try self.admit(self.connect(.v5, will: will)).upstreamConnect.will == will)
    }

    @Test("a will outside the profile refuses the CONNECT")
    func willDenied() throws {
        let payload = ByteBuffer(string: "gone")
        let wills = [
            MQTTWill(topic: Topic.foreign, payload: payload), MQTTWill(topic: "$SYS/x", payload: payload),
            MQTTWill(topic: Topic.up, payload: payload), MQTTWill(topic: Topic.secretUp, payload: payload),
            MQTTWill(qos: .exactlyOnce, topic: Topic.status, payload: payload),
            MQTTWill(retain: true, topic: Topic.status, payload: payload),
        ]
        for version in MQTTProtocolVersion.allCases {
            for will in wills {
                let end = #expect(throws: SessionEnd.self) { try self.admit(self.connect(version, will: will)) }
                #expect(end?.code == .willDenied)
                #expect(end?.answer == .notAuthorized)
                #expect(end?.detail.contains(will.topic) == false)
            }
        }
    }

    // MARK: Keep-alive

    @Test("a keep-alive in the profile's range is the device's own", arguments: MQTTProtocolVersion.allCases)
    func keepAlive(version: MQTTProtocolVersion) throws {
        let range: ProfileTree = ["keep-alive": ["min": unit("10s"), "max": unit("100s")]]
        for seconds in [10, 60, 100] as [UInt16] {
            let admission = try self.admit(self.connect(version, keepAlive: seconds), limits: range)
            #expect(admission.upstreamConnect.keepAliveSeconds == seconds)
            #expect(try self.answer(admission, MQTTConnack(reasonCode: .success)).0.properties.serverKeepAlive == nil)
        }
    }

    @Test("MQTT 5.0 is told the nearest keep-alive, and the broker the same (MQTT-3.2.2-21)")
    func serverKeepAlive() throws {
        let range: ProfileTree = ["keep-alive": ["min": unit("10s"), "max": unit("100s"), "required": true]]
        for (wished, nearest) in [(9, 10), (101, 100), (.max, 100), (0, 100)] as [(UInt16, UInt16)] {
            let admission = try self.admit(self.connect(.v5, keepAlive: wished), limits: range)
            #expect(admission.upstreamConnect.keepAliveSeconds == nearest)
            let answer = try self.answer(admission, MQTTConnack(reasonCode: .success)).0
            #expect(answer.properties.serverKeepAlive == nearest)
            let strict = MQTTConnack(reasonCode: .success, properties: [.serverKeepAlive(33)])
            #expect(try self.answer(admission, strict).0.properties.serverKeepAlive == 33)
        }
    }

    @Test("MQTT 3.1.1 with a keep-alive out of range is refused: it could not be told")
    func keepAliveRefused() throws {
        let range: ProfileTree = ["keep-alive": ["min": unit("10s"), "max": unit("100s"), "required": true]]
        for seconds in [0, 9, 101] as [UInt16] {
            let end = #expect(throws: SessionEnd.self) {
                try self.admit(self.connect(.v3_1_1, keepAlive: seconds), limits: range)
            }
            #expect(end?.code == .keepAliveOutOfRange)
            #expect(end?.answer == .notAuthorized)
        }
    }

    @Test("no keep-alive is the device's choice where the profile leaves it", arguments: MQTTProtocolVersion.allCases)
    func keepAliveOff(version: MQTTProtocolVersion) throws {
        let admission = try self.admit(
            self.connect(version, keepAlive: 0), limits: ["keep-alive": ["required": false]]
        )
        #expect(admission.upstreamConnect.keepAliveSeconds == 0)
    }

    // MARK: Session expiry

    @Test("MQTT 5.0 keeps its session no longer than the profile allows, and is told (section 3.2.2.3.2)")
    func sessionExpiry() throws {
        let profile: ProfileTree = ["session-expiry": unit("100s")]
        for (wished, sent, told) in [
            (nil, nil, nil), (0, 0, nil), (100, 100, nil), (101, 100, 100), (.max, 100, 100),
        ] as [(UInt32?, UInt32?, UInt32?)] {
            let properties = MQTTProperties(wished.map { [.sessionExpiryInterval($0)] } ?? [])
            let admission = try self.admit(self.connect(.v5, properties: properties), limits: profile)
            #expect(admission.upstreamConnect.properties.sessionExpiryInterval == sent)
            let answer = try self.answer(admission, MQTTConnack(reasonCode: .success)).0
            #expect(answer.properties.sessionExpiryInterval == told)
        }
    }

    @Test("the broker's own, shorter session expiry is the one the device is told")
    func brokersSessionExpiry() throws {
        let admission = try self.admit(
            self.connect(.v5, properties: [.sessionExpiryInterval(.max)]), limits: ["session-expiry": unit("100s")]
        )
        let connack = MQTTConnack(reasonCode: .success, properties: [.sessionExpiryInterval(50)])
        #expect(try self.answer(admission, connack).0.properties.sessionExpiryInterval == 50)
    }

    @Test("MQTT 3.1.1 keeps its session, unless the profile keeps none")
    func cleanSession() throws {
        let kept = self.connect(.v3_1_1, cleanStart: false)
        #expect(try !self.admit(kept, limits: ["session-expiry": unit("1s")]).upstreamConnect.cleanStart)
        #expect(try self.admit(kept, limits: ["session-expiry": unit("0s")]).upstreamConnect.cleanStart)
    }

    // MARK: Sizes and aliases

    @Test("the broker is told the smaller of the device's and the gateway's packet size")
    func maximumPacketSize() throws {
        for (wished, sent) in [(nil, 100_000), (50, 50), (100_001, 100_000), (.max, 100_000)] as [(UInt32?, UInt32)] {
            let properties = MQTTProperties(wished.map { [.maximumPacketSize($0)] } ?? [])
            let admission = try self.admit(self.connect(.v5, properties: properties))
            #expect(admission.upstreamConnect.properties.maximumPacketSize == sent)
            #expect(admission.devicePacketBytesMax == wished)
        }
        #expect(try self.admit(self.connect(.v3_1_1)).upstreamConnect.properties.isEmpty)
    }

    @Test("the device is told the smallest of the broker's, the gateway's and its profile's packet size")
    func connackPacketSize() throws {
        let admission = try self.admit(self.connect(.v5))
        for (brokers, told) in [(nil, 4_096), (1_000, 1_000), (5_000, 4_096)] as [(UInt32?, UInt32)] {
            let properties = MQTTProperties(brokers.map { [.maximumPacketSize($0)] } ?? [])
            let answer = try self.answer(admission, MQTTConnack(reasonCode: .success, properties: properties)).0
            #expect(answer.properties.maximumPacketSize == told)
        }
    }

    @Test("neither side may set more aliases than the gateway remembers")
    func aliasMaximum() throws {
        for (wished, allowed) in [(nil, 0), (0, 0), (5, 5), (16, 16), (17, 16), (.max, 16)] as [(UInt16?, UInt16)] {
            let properties = MQTTProperties(wished.map { [.topicAliasMaximum($0)] } ?? [])
            let admission = try self.admit(self.connect(.v5, properties: properties))
            #expect(admission.deviceTopicAliasMax == allowed)
            #expect(admission.upstreamConnect.properties.topicAliasMaximum ?? 0 == allowed)

            let (answer, maximum) = try self.answer(
                admission, MQTTConnack(reasonCode: .success, properties: properties)
            )
            #expect(maximum == allowed)
            #expect(answer.properties.topicAliasMaximum ?? 0 == allowed)
        }
    }

    @Test("what the gateway has no say in passes: the rest of CONNECT and CONNACK")
    func passesTheRest() throws {
        let properties: MQTTProperties = [
            .receiveMaximum(7), .requestProblemInformation(false), .requestResponseInformation(true),
            .userProperty(name: "a", value: "b"),
        ]
        let upstream = try self.admit(self.connect(.v5, cleanStart: false, properties: properties)).upstreamConnect
        #expect(upstream.properties.starts(with: properties))
        #expect(!upstream.cleanStart)

        let connack = MQTTConnack(
            sessionPresent: true, reasonCode: .success,
            properties: [.receiveMaximum(9), .maximumQoS(.atLeastOnce), .retainAvailable(false)]
        )
        let answer = try self.answer(try self.admit(self.connect(.v5)), connack).0
        #expect(answer.sessionPresent)
        #expect(answer.properties.starts(with: connack.properties))
    }

    @Test("a gateway limit that no property can hold does not trap")
    func hugeLimit() throws {
        let limits = GatewayLimits(packetBytesMax: .max)
        let admission = try ConnectAdmission(
            self.connect(.v5), grant: Grants.make(), limits: limits, credentials: .init()
        )
        #expect(admission.upstreamConnect.properties.maximumPacketSize == .max)
    }
}
