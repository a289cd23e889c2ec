internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("SessionStateMachine: between CONNECT and the broker")
struct SessionStateMachineAdmissionTests {
    private static let connack = MQTTPacket.connack(MQTTConnack(reasonCode: .success))

    private func connect(_ version: MQTTProtocolVersion, password: String?) -> MQTTPacket {
        .connect(
            MQTTConnect(
                version: version, clientIdentifier: "x", userName: "someone",
                password: password.map { ByteBuffer(string: $0) })
        )
    }

    // MARK: Every state, every event

    /// What can happen to a connection.
    enum Event: CaseIterable {
        case authenticated, packet, admitted, refused, unavailable, placeGranted, placeRefused, upstreamConnected
        case upstreamFailed, brokerPacket, connectDeadline, admissionDeadline, connackDeadline, regranted, end
    }

    private static let newGrant = Result { try Grants.make(limits: ["packet-bytes": unit("1KiB")]) }

    private func apply(_ event: Event, to conversation: inout SessionConversation) throws -> [Done] {
        switch event {
        case .authenticated: try conversation.authenticated()
        case .packet: try conversation.device(.pingreq)
        case .admitted: try conversation.admission(.admitted)
        case .refused: try conversation.admission(.refused(code: "registration-refused", detail: "test"))
        case .unavailable: try conversation.admission(.unavailable(detail: "test"))
        case .placeGranted: try conversation.place(.granted)
        case .placeRefused: try conversation.place(.refused)
        case .upstreamConnected: try conversation.upstreamConnected()
        case .upstreamFailed: try conversation.upstreamFailed()
        case .brokerPacket: try conversation.broker(Self.connack)
        case .connectDeadline: try conversation.deadlinePassed(.connect)
        case .admissionDeadline: try conversation.deadlinePassed(.admission)
        case .connackDeadline: try conversation.deadlinePassed(.connack)
        case .regranted: try conversation.regranted(Self.newGrant.get())
        case .end: try conversation.end(.shuttingDown())
        }
    }

    /// The end that an event leads to in a state; nil: none.
    private func expectedEnd(_ place: SessionConversation.Place, _ event: Event) -> SessionEnd.Code? {
        switch (place, event) {
        case (.ended, _): nil
        case (_, .end): .shuttingDown
        case (_, .upstreamFailed): .upstreamUnavailable
        case (.handshaking, .authenticated): nil
        case (_, .authenticated): .internalError
        case (.handshaking, .packet): .internalError
        case (.awaitingConnect, .packet): .connectMisplaced
        case (_, .packet): nil
        case (.admitting, .admitted): nil
        case (.admitting, .refused): SessionEnd.Code(rawValue: "registration-refused")
        case (.admitting, .unavailable): .admissionUnavailable
        case (_, .admitted), (_, .refused), (_, .unavailable): .internalError
        case (.claiming, .placeGranted): nil
        case (.claiming, .placeRefused): .tooManyConnections
        case (_, .placeGranted), (_, .placeRefused): .internalError
        case (.dialling, .upstreamConnected): nil
        case (_, .upstreamConnected): .internalError
        case (.awaitingConnack, .brokerPacket): nil
        // An established session judges the packet itself, and does so elsewhere.
        case (.established, .brokerPacket): nil
        case (_, .brokerPacket): .upstreamProtocolError
        case (.awaitingConnect, .connectDeadline): .connectTimeout
        case (_, .connectDeadline): nil
        case (.admitting, .admissionDeadline), (.claiming, .admissionDeadline): .admissionTimeout
        case (_, .admissionDeadline): nil
        case (.awaitingConnack, .connackDeadline): .upstreamTimeout
        case (_, .connackDeadline): nil
        case (.admitting, .regranted), (.claiming, .regranted), (.dialling, .regranted), (.awaitingConnack, .regranted):
            .profileChanged
        case (_, .regranted): nil
        }
    }

    @Test("every event in every state ends the connection for its own reason, or not at all", arguments: Event.allCases)
    func table(event: Event) throws {
        for version in MQTTProtocolVersion.allCases {
            for place in SessionConversation.Place.allCases {
                var conversation = try SessionConversation.at(place, version)
                let done = try self.apply(event, to: &conversation)
                let ends = done.compactMap { done -> SessionEnd.Code? in
                    if case .end(let code, _) = done { code } else { nil }
                }
                let expected = self.expectedEnd(place, event)
                #expect(ends == (expected.map { [$0] } ?? []), "\(place), \(event), \(version)")
                let isOver = expected != nil || place == .ended
                #expect(
                    (conversation.machine.grant == nil)
                        == (isOver || place == .handshaking && event != .authenticated),
                    "\(place), \(event)")
                guard isOver else { continue }
                #expect(!conversation.machine.holdsDevice)
                for other in Event.allCases {
                    #expect(try self.apply(other, to: &conversation) == [], "\(other) after \(event) in \(place)")
                }
            }
        }
    }

    // MARK: The authority

    @Test("nobody is asked about a device that is registered and needs no password")
    func notAsked() throws {
        var conversation = try SessionConversation.at(.awaitingConnect)
        let done = try conversation.device(self.connect(.v5, password: "not asked for"))
        guard case .claim = done.last else {
            Issue.record("\(done)")
            return
        }
    }

    @Test("a registration is asked for, and the password that nobody wants is not shown to anybody")
    func registration() throws {
        let grant = try Grants.registering()
        #expect(grant.registration != nil)
        var conversation = try SessionConversation.at(.awaitingConnect, grant: grant)
        let question = AdmissionQuestion(
            registration: grant.registration, secondFactor: nil, password: nil)
        #expect(try conversation.device(self.connect(.v5, password: "secret")) == [.arm(.admission), .ask(question)])
        let done = try conversation.admission(.admitted)
        guard case .claim(let claim) = done.last else {
            Issue.record("no claim")
            return
        }
        #expect(claim.key.description == "hamburg/meter-7")
    }

    @Test("a responder is asked where the rule says so, and then for nothing else")
    func revocation() throws {
        for rule in [TrustAnchorRules.OCSPRule.softFail, .hardFail] {
            for version in MQTTProtocolVersion.allCases {
                var conversation = try SessionConversation.at(.awaitingConnect, version)
                conversation.machine.revocationRule = rule
                let question = AdmissionQuestion(
                    registration: nil, secondFactor: nil, password: nil, revocation: rule)
                #expect(
                    try conversation.device(self.connect(version, password: "secret"))
                        == [.arm(.admission), .ask(question)])
                let done = try conversation.admission(.admitted)
                guard case .claim = done.last else {
                    Issue.record("no claim")
                    continue
                }
            }
        }
    }

    @Test("registration, password and revocation are one question")
    func allInOne() throws {
        var conversation = try SessionConversation.at(.awaitingConnect, grant: Grants.withPassword())
        conversation.machine.revocationRule = .hardFail
        let question = AdmissionQuestion(
            registration: nil, secondFactor: SecondFactor(passwordHash: "hash"), password: Array("secret".utf8),
            revocation: .hardFail)
        #expect(try conversation.device(self.connect(.v5, password: "secret")) == [.arm(.admission), .ask(question)])
    }

    @Test("a password is asked for by the registry's hash")
    func password() throws {
        var conversation = try SessionConversation.at(.awaitingConnect, grant: Grants.withPassword())
        let question = AdmissionQuestion(
            registration: nil, secondFactor: SecondFactor(passwordHash: "hash"), password: Array("secret".utf8))
        #expect(try conversation.device(self.connect(.v5, password: "secret")) == [.arm(.admission), .ask(question)])
    }

    @Test("no password where one is asked for: refused at once", arguments: MQTTProtocolVersion.allCases)
    func noPassword(version: MQTTProtocolVersion) throws {
        var conversation = try SessionConversation.at(.awaitingConnect, version, grant: Grants.withPassword())
        #expect(
            try conversation.device(self.connect(version, password: nil)) == [
                .cancelDeadline, .toDevice(.refusal(version, .badUserNameOrPassword, .passwordRequired)),
                .end(.passwordRequired, .device),
            ]
        )
    }

    @Test("a password longer than any is wrong without being looked at")
    func longPassword() throws {
        for count in [1_025, 2_000] {
            var conversation = try SessionConversation.at(.awaitingConnect, grant: Grants.withPassword())
            let done = try conversation.device(self.connect(.v5, password: String(repeating: "p", count: count)))
            #expect(done.last == .end(.badPassword, .device), "\(count)")
        }
        var longest = try SessionConversation.at(.awaitingConnect, grant: Grants.withPassword())
        let done = try longest.device(self.connect(.v5, password: String(repeating: "p", count: 1_024)))
        guard case .ask = done.last else {
            Issue.record("1024 bytes are looked at")
            return
        }
    }

    @Test("what the authority refuses is told in the device's own version")
    func refusals() throws {
        let cases: [(AdmissionVerdict, MQTTReasonCode, MQTTReasonCode, SessionEnd.Fault)] = [
            (.refused(code: "bad-password", detail: ""), .badUserNameOrPassword, .badUserNameOrPassword, .device),
            (.refused(code: "registration-refused", detail: ""), .notAuthorized, .notAuthorized, .operator),
            (.refused(code: "registration-quota-exceeded", detail: ""), .notAuthorized, .notAuthorized, .operator),
            (.refused(code: "device-pending", detail: ""), .notAuthorized, .notAuthorized, .operator),
            (.refused(code: "certificate-revoked", detail: ""), .notAuthorized, .notAuthorized, .operator),
            (.refused(code: "revocation-unknown", detail: ""), .serverUnavailable, .serverUnavailable, .gateway),
            (
                .refused(code: "password-attempts-exceeded", detail: ""), .connectionRateExceeded, .serverUnavailable,
                .device
            ),
            (.unavailable(detail: ""), .serverUnavailable, .serverUnavailable, .gateway),
        ]
        for (verdict, newer, older, fault) in cases {
            let code: SessionEnd.Code
            switch verdict {
            case .refused(let name, _): code = SessionEnd.Code(rawValue: name)
            case .unavailable: code = .admissionUnavailable
            case .admitted: continue
            }
            for version in MQTTProtocolVersion.allCases {
                var conversation = try SessionConversation.at(.admitting, version)
                #expect(
                    try conversation.admission(verdict) == [
                        .cancelDeadline, .toDevice(.refusal(version, version == .v5 ? newer : older, code)),
                        .end(code, fault),
                    ]
                )
            }
        }
    }

    // MARK: Places

    @Test("one connection too many is told Quota exceeded, and an older device Server unavailable")
    func tooMany() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try SessionConversation.at(.claiming, version)
            let code: MQTTReasonCode = version == .v5 ? .quotaExceeded : .serverUnavailable
            #expect(
                try conversation.place(.refused) == [
                    .cancelDeadline, .toDevice(.refusal(version, code, .tooManyConnections)),
                    .end(.tooManyConnections, .device),
                ]
            )
        }
    }

    @Test("a session taken over hears 0x8E; one that only waits, which CONNACK cannot say so to, Server busy")
    func takenOver() throws {
        let end = SessionEnd(.sessionTakenOver, .none, answer: .sessionTakenOver, "test")
        var established = try SessionConversation.at(.established)
        #expect(
            try established.end(end) == [
                .toDevice(.goodbye(.sessionTakenOver, .sessionTakenOver)), .end(.sessionTakenOver, .none),
            ]
        )
        var waiting = try SessionConversation.at(.claiming)
        let done = try waiting.end(end)
        #expect(done.contains(.toDevice(.refusal(.v5, .serverBusy, .sessionTakenOver))))
    }

    @Test("what the profile says of connections is what is claimed")
    func claim() throws {
        let grant = try Grants.make(
            limits: ["connections": ["max": 3, "on-exceeded": "refuse"]], more: [("client-id", "extend")])
        var conversation = try SessionConversation.at(.awaitingConnect, grant: grant)
        let connect = MQTTConnect(version: .v5, clientIdentifier: "meter-7-2")
        let done = try conversation.device(.connect(connect))
        #expect(
            done.last
                == .claim(
                    ConnectionClaim(
                        key: grant.key, clientIdentifier: "hamburg/meter-7/meter-7-2", maximum: 3, onExceeded: .refuse,
                        takesOverOwnName: true)))
    }

    // MARK: Upstreams

    @Test("the broker that the profile names is dialled, with its own credentials")
    func namedUpstream() throws {
        var conversation = try SessionConversation(
            grant: Grants.make(more: [("upstream", "north")]),
            upstreams: .init(standard: .init(userName: "default"), named: ["north": .init(userName: "gate")]))
        _ = try conversation.authenticated()
        _ = try conversation.device(self.connect(.v5, password: nil))
        #expect(try conversation.place(.granted) == [.cancelDeadline, .dial("north")])
        let done = try conversation.upstreamConnected()
        guard case .toBroker(.connect(let connect)) = done.dropFirst().first else {
            Issue.record("no CONNECT")
            return
        }
        #expect(connect.userName == "gate")
    }

    @Test("a broker that the configuration does not know is the operator's mistake; no other one is taken")
    func unknownUpstream() throws {
        for version in MQTTProtocolVersion.allCases {
            var conversation = try SessionConversation.at(
                .awaitingConnect, version, grant: Grants.make(more: [("upstream", "north")]))
            #expect(
                try conversation.device(self.connect(version, password: nil)) == [
                    .cancelDeadline, .toDevice(.refusal(version, .serverUnavailable, .unknownUpstream)),
                    .end(.unknownUpstream, .operator),
                ]
            )
        }
    }
}
