import NIOCore
import Testing

@testable import FirmwareSim

/// What firmware has a device do beyond one stream of telemetry.
@Suite struct DeviceSessionFirmwareTests {
    static func firmware(
        boot: ClosedRange<TimeAmount> = .zero ... .zero, subscriptions: Int = 0, periods: [TimeAmount] = [],
        jitter: Double = 0, answersCommands: Bool = false, commands: Firmware.CommandTraffic? = nil,
        updates: Firmware.UpdateTraffic? = nil, sleep: SleepCycle? = nil, rotation: TimeAmount? = nil,
        backoff: BackoffPolicy = .none
    ) -> Firmware {
        Firmware(
            name: "test", boot: boot,
            subscriptions: (0..<subscriptions).map { .init(topic: TextTemplate(literal: "s\($0)"), qos: 1) },
            telemetry: periods.map {
                .init(
                    topic: TextTemplate(literal: "t"), period: $0, jitter: jitter, payload: .bytes(8), qos: 1,
                    retain: false)
            },
            answersCommands: answersCommands, commands: commands, updates: updates, sleep: sleep, rotation: rotation,
            backoff: backoff)
    }

    static let commands = Firmware.CommandTraffic(
        fleet: "f", topic: TextTemplate(literal: "c"), replyTopic: TextTemplate(literal: "r"), period: .seconds(10),
        payloadBytes: 16, timeout: .seconds(3), qos: 1)

    struct Conversation {
        var session: DeviceSession
        var now: NIODeadline = .uptimeNanoseconds(1_000_000_000_000)

        init(
            _ firmware: Firmware, conduct: Conduct = .honest, leaves: Leaves = .never, resumption: Resumption = .byClass
        ) {
            session = DeviceSession(
                settings: DeviceSettings(
                    connectTimeout: .seconds(30), firmware: firmware,
                    conduct: ConductSettings(
                        conduct: conduct, topic: TextTemplate(literal: "x"), victims: nil, packetBytes: 9),
                    keepAlive: .zero, leaves: leaves, resumption: resumption),
                generator: SeededGenerator(seed: 1))
        }

        mutating func wait(_ time: TimeAmount) { now = now + time }

        @discardableResult
        mutating func open() -> [DeviceSession.Action] {
            _ = session.startDue(intended: now, now: now)
            return session.connectionOpened(now: now)
        }

        @discardableResult
        mutating func connect() -> [DeviceSession.Action] {
            open()
            _ = session.handshakeCompleted(now: now)
            return session.connackReceived(code: 0, now: now)
        }

        mutating func fire(_ timer: DeviceSession.Timer) -> [DeviceSession.Action] {
            session.timerFired(timer, now: now)
        }
    }

    private func armed(_ timer: DeviceSession.Timer, in actions: [DeviceSession.Action]) -> NIODeadline? {
        for case .arm(timer, let due) in actions { return due }
        return nil
    }

    private func isFailure(_ code: String, in phase: FailureReason.Phase) -> DeviceSession.Action {
        .record(.failure(FailureReason(phase, code)))
    }

    // MARK: Boot and back-off

    @Test func bootsBeforeItConnectsAndCountsFromThen() throws {
        var talk = Conversation(Self.firmware(boot: .seconds(2) ... .seconds(4)))
        let intended = talk.now
        let actions = talk.session.startDue(intended: intended, now: talk.now + .milliseconds(3))
        #expect(actions.count == 1)
        let due = try #require(armed(.state, in: actions))
        #expect(intended + .seconds(2) <= due && due <= intended + .seconds(4))
        #expect(talk.session.history.attempts == 0)
        talk.now = due + .milliseconds(10)
        #expect(talk.fire(.state).last == .openConnection)
        #expect(
            talk.session.connectionOpened(now: talk.now) == [.record(.latency(.tcp, .milliseconds(10)))])
    }

    @Test func publishesThatNeverHadTheirTurnAreSkipped() {
        for ends in [true, false] {
            var talk = Conversation(Self.firmware(periods: [.seconds(10)]))
            talk.connect()
            for _ in 0..<(SimulatorLimits.publishesInFlightMax + 3) { _ = talk.fire(.telemetry(0)) }
            let actions =
                ends ? talk.session.connectionClosed(now: talk.now) : talk.session.stopRequested(now: talk.now)
            #expect(actions.count { $0 == .record(.publishSkipped) } == 3)
        }
    }

    @Test func aServerThatDoesNotReadAcknowledgementsIsGivenUp() {
        var talk = Conversation(Self.firmware(subscriptions: 1))
        talk.connect()
        func publish() -> [DeviceSession.Action] {
            talk.session.publishReceived(packetIdentifier: 1, bytes: 1, message: nil, now: talk.now)
        }
        for _ in 0..<3 {
            _ = talk.session.writabilityChanged(false, now: talk.now)
            for _ in 0..<SimulatorLimits.acknowledgementsHeldMax {
                #expect(publish().last == .sendPuback(packetIdentifier: 1))
            }
            _ = talk.session.writabilityChanged(true, now: talk.now)
        }
        _ = talk.session.writabilityChanged(false, now: talk.now)
        for _ in 0..<SimulatorLimits.acknowledgementsHeldMax { _ = publish() }
        #expect(publish().contains(isFailure("pubacks-unread", in: .session)))
        #expect(talk.session.state == .closed)
    }

    @Test func attemptsAfterABackOffCountFromWhenTheyWereDue() {
        var talk = Conversation(Self.firmware(backoff: .fixed(.seconds(3))))
        talk.open()
        _ = talk.session.connectionFailed("eof", now: talk.now)
        talk.wait(.seconds(5))
        #expect(talk.fire(.state).contains(.openConnection))
        #expect(talk.session.connectionOpened(now: talk.now) == [.record(.latency(.tcp, .seconds(2)))])
    }

    // MARK: Handshakes only

    @Test func aTLS12HandshakeIsDoneWhenItIsDone() {
        var talk = Conversation(Self.firmware(), leaves: .afterHandshake)
        talk.open()
        let actions = talk.session.handshakeCompleted(isResumed: true, bytes: 900, now: talk.now)
        #expect(actions.contains(.record(.handshake(resumed: true, bytes: 900))))
        #expect(actions.last == .closeConnection)
        #expect(!actions.contains(.sendConnect) && !actions.contains(.sendDisconnect))
        #expect(talk.session.history.everAccepted)
        #expect(talk.session.history.resumedHandshakes == 1)
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
        #expect(talk.session.history.lastFailure == nil)
    }

    @Test(arguments: ["eof", "tcp-reset"])
    func aTLS13HandshakeIsDoneWhenTheServerHasClosed(end: String) {
        var talk = Conversation(Self.firmware(), leaves: .afterHandshake)
        talk.open()
        #expect(talk.session.handshakeCompleted(isTLS13: true, now: talk.now).last == .closeConnection)
        #expect(!talk.session.history.everAccepted)
        let actions = talk.session.connectionFailed(end, now: talk.now)
        #expect(actions == [.cancelTimers, .abandonConnection, .finished])
        #expect(talk.session.history.everAccepted)
    }

    @Test(arguments: ["alert-unknown-ca", "timeout", "close-timeout"])
    func aTLS13ServerMayStillRefuse(code: String) {
        var talk = Conversation(Self.firmware(), leaves: .afterHandshake)
        talk.open()
        _ = talk.session.handshakeCompleted(isTLS13: true, now: talk.now)
        let actions =
            code == "timeout" ? talk.fire(.state) : talk.session.connectionFailed(code, now: talk.now)
        #expect(actions.contains(isFailure(code, in: .tls)))
        #expect(!talk.session.history.everAccepted)
    }

    @Test func sessionsAreOfferedByShare() {
        var talk = Conversation(Self.firmware(), resumption: .share(0.25))
        var offers = 0
        for _ in 0..<4_000 where talk.session.offersSession() { offers += 1 }
        #expect((900...1_100).contains(offers))
        var never = Conversation(Self.firmware(), resumption: .byClass)
        let offersNever = never.session.offersSession()
        #expect(!offersNever)
    }

    // MARK: Telemetry and subscriptions

    @Test func everyStreamHasItsTimetable() throws {
        var talk = Conversation(Self.firmware(periods: [.seconds(10), .seconds(60)], jitter: 0.5))
        let actions = talk.connect()
        let first = try #require(armed(.telemetry(0), in: actions))
        let second = try #require(armed(.telemetry(1), in: actions))
        #expect(first <= talk.now + .seconds(10) && second <= talk.now + .seconds(60))
        var base = first
        talk.now = first
        for _ in 0..<50 {
            let due = try #require(armed(.telemetry(0), in: talk.fire(.telemetry(0))))
            base = base + .seconds(10)
            #expect(base - .seconds(5) <= due && due <= base + .seconds(5))
            talk.now = max(talk.now, due)
        }
        #expect(talk.fire(.telemetry(7)).isEmpty)
    }

    @Test func subscribesAndWaitsWithCommandsForTheAnswer() {
        var talk = Conversation(Self.firmware(subscriptions: 2, commands: Self.commands))
        let actions = talk.connect()
        #expect(actions.contains(.sendSubscribe(packetIdentifier: 1)))
        #expect(armed(.command, in: actions) == nil)
        #expect(
            armed(.command, in: talk.session.subackReceived(packetIdentifier: 1, codes: [1, 0], now: talk.now)) != nil)
    }

    @Test func aRefusedSubscriptionIsAFailureButNotTheEnd() {
        var talk = Conversation(Self.firmware(subscriptions: 2))
        talk.connect()
        let actions = talk.session.subackReceived(packetIdentifier: 1, codes: [1, 135], now: talk.now)
        #expect(actions == [isFailure("suback-135", in: .session)])
        #expect(talk.session.isConnected)
        #expect(talk.session.history.refusedSubscriptions == 1)
    }

    @Test(arguments: [(1, [1]), (2, [1, 1]), (1, [1, 1, 1]), (1, [])] as [(UInt16, [UInt8])])
    func anotherSubackIsTheServersFault(identifier: UInt16, codes: [UInt8]) {
        var talk = Conversation(Self.firmware(subscriptions: 2))
        talk.connect()
        #expect(
            talk.session.subackReceived(packetIdentifier: identifier, codes: codes, now: talk.now)
                .contains(isFailure("protocol-error", in: .session)))
    }

    @Test func publishesAreAcknowledgedAndCounted() {
        var talk = Conversation(Self.firmware(subscriptions: 1))
        talk.connect()
        #expect(
            talk.session.publishReceived(packetIdentifier: 9, bytes: 5, message: nil, now: talk.now)
                == [.record(.received(bytes: 5)), .sendPuback(packetIdentifier: 9)])
        #expect(
            talk.session.publishReceived(packetIdentifier: nil, bytes: 0, message: nil, now: talk.now)
                == [.record(.received(bytes: 0))])
        #expect(talk.session.history.received == 2)
    }

    @Test func aPublishBeforeConnackIsTheServersFault() {
        var talk = Conversation(Self.firmware(subscriptions: 1))
        talk.open()
        _ = talk.session.handshakeCompleted(now: talk.now)
        #expect(
            talk.session.publishReceived(packetIdentifier: 9, bytes: 5, message: nil, now: talk.now)
                .contains(isFailure("protocol-error", in: .connack)))
    }

    @Test func aConnectionThatIsFullSkipsQoS0() {
        var firmware = Self.firmware(periods: [.seconds(1)])
        firmware.telemetry[0].qos = 0
        var talk = Conversation(firmware)
        talk.connect()
        _ = talk.session.writabilityChanged(false, now: talk.now)
        #expect(talk.fire(.telemetry(0)).contains(.record(.publishSkipped)))
        _ = talk.session.writabilityChanged(true, now: talk.now)
        #expect(talk.fire(.telemetry(0)).contains(.record(.published)))
    }

    // MARK: Commands

    @Test func commandsAreMeasuredFromTheTimetableToTheAnswer() throws {
        var talk = Conversation(Self.firmware(subscriptions: 1, commands: Self.commands))
        talk.connect()
        let due = try #require(
            armed(.command, in: talk.session.subackReceived(packetIdentifier: 1, codes: [1], now: talk.now)))
        talk.now = due + .milliseconds(4)
        let sent = talk.fire(.command)
        #expect(sent.first == .arm(.command, at: due + .seconds(10)))
        #expect(sent.contains(.sendPublish(.command(identifier: 1, turn: 0), packetIdentifier: 2)))
        #expect(sent.contains(.record(.commandSent)))
        #expect(sent.contains(.arm(.commandTimeout, at: due + .seconds(3))))
        talk.wait(.milliseconds(6))
        let answered = talk.session.publishReceived(
            packetIdentifier: nil, bytes: 5, message: .answer(identifier: 1), now: talk.now)
        #expect(answered.last == .record(.latency(.command, .milliseconds(10))))
        // Once is enough, and what nobody asked is nothing.
        for identifier in [UInt32(1), 77] {
            #expect(
                talk.session.publishReceived(
                    packetIdentifier: nil, bytes: 5, message: .answer(identifier: identifier), now: talk.now)
                    == [.record(.received(bytes: 5))])
        }
        talk.now = due + .seconds(3)
        #expect(talk.fire(.commandTimeout).isEmpty)
    }

    @Test func aCommandWithoutAnswerIsCountedOnce() throws {
        var talk = Conversation(Self.firmware(subscriptions: 1, commands: Self.commands))
        talk.connect()
        _ = talk.session.subackReceived(packetIdentifier: 1, codes: [1], now: talk.now)
        talk.now = talk.session.traffic.commands.due
        let timeout = try #require(armed(.commandTimeout, in: talk.fire(.command)))
        talk.now = timeout
        #expect(talk.fire(.commandTimeout) == [.record(.commandUnanswered)])
        #expect(talk.fire(.commandTimeout).isEmpty)
        #expect(
            talk.session.publishReceived(
                packetIdentifier: nil, bytes: 5, message: .answer(identifier: 1), now: talk.now)
                == [.record(.received(bytes: 5))])
    }

    @Test func onlySoManyCommandsWait() {
        var commands = Self.commands
        commands.qos = 0
        var talk = Conversation(Self.firmware(subscriptions: 1, commands: commands))
        talk.connect()
        _ = talk.session.subackReceived(packetIdentifier: 1, codes: [1], now: talk.now)
        for _ in 0..<SimulatorLimits.commandsOutstandingMax {
            #expect(talk.fire(.command).contains(.record(.commandSent)))
        }
        let actions = talk.fire(.command)
        #expect(actions.contains(.record(.publishSkipped)))
        #expect(!actions.contains(.record(.commandSent)))
        #expect(
            talk.session.connectionClosed(now: talk.now).count { $0 == .record(.commandUnanswered) }
                == SimulatorLimits.commandsOutstandingMax)
    }

    @Test func commandsAreAnsweredByThoseWhoDo() {
        let answer = CommandAnswer(identifier: "5", topic: "r", filler: ByteBuffer(string: "xx"), qos: 1)
        var talk = Conversation(Self.firmware(subscriptions: 1, answersCommands: true))
        talk.connect()
        #expect(
            talk.session.publishReceived(packetIdentifier: 3, bytes: 9, message: .command(answer), now: talk.now)
                .contains(.sendPublish(.answer(answer), packetIdentifier: 2)))
        var deaf = Conversation(Self.firmware(subscriptions: 1))
        deaf.connect()
        #expect(
            deaf.session.publishReceived(packetIdentifier: 3, bytes: 9, message: .command(answer), now: deaf.now)
                == [.record(.received(bytes: 9)), .sendPuback(packetIdentifier: 3)])
    }

    @Test func onlySoManyAnswersWait() {
        let answer = CommandAnswer(identifier: "5", topic: "r", filler: ByteBuffer(), qos: 1)
        var talk = Conversation(Self.firmware(subscriptions: 1, answersCommands: true))
        talk.connect()
        let bound = SimulatorLimits.publishesInFlightMax + SimulatorLimits.answersWaitingMax
        for place in 0..<(bound + 3) {
            let actions = talk.session.publishReceived(
                packetIdentifier: nil, bytes: 9, message: .command(answer), now: talk.now)
            #expect(actions.contains(.record(.publishSkipped)) == (place >= bound))
        }
        // Each acknowledgement lets one of those that wait go, and another one in.
        _ = talk.session.pubackReceived(packetIdentifier: 2, code: 0, now: talk.now)
        let actions = talk.session.publishReceived(
            packetIdentifier: nil, bytes: 9, message: .command(answer), now: talk.now)
        #expect(!actions.contains(.record(.publishSkipped)))
    }

    // MARK: Updates

    private func updates(qos: UInt8, total: Int = 2_500) -> Firmware.UpdateTraffic {
        .init(
            fleet: "f", topic: TextTemplate(literal: "u"), period: .seconds(60), totalBytes: total, chunkBytes: 100,
            qos: qos)
    }

    private func chunks(_ actions: [DeviceSession.Action]) -> [Int] {
        actions.compactMap { if case .sendPublish(.updateChunk(_, let bytes), _) = $0 { bytes } else { nil } }
    }

    @Test func anUpdateFillsTheWindowAndGoesOnAsItEmpties() {
        var talk = Conversation(Self.firmware(updates: updates(qos: 1, total: 1_250)))
        talk.connect()
        #expect(chunks(talk.fire(.update)).count == SimulatorLimits.publishesInFlightMax)
        #expect(talk.fire(.update).contains(.record(.publishSkipped)), "one at a time")
        var later: [Int] = []
        for identifier in 1...13 {
            later += chunks(talk.session.pubackReceived(packetIdentifier: UInt16(identifier), code: 0, now: talk.now))
        }
        #expect(later == [100, 100, 50])
        #expect(talk.session.traffic.update == nil)
    }

    @Test func anUpdateWithoutAcknowledgementsGoesInTurns() {
        var talk = Conversation(Self.firmware(updates: updates(qos: 0)))
        talk.connect()
        let first = talk.fire(.update)
        #expect(chunks(first).count == SimulatorLimits.updateChunksPerTurn)
        #expect(armed(.updateChunk, in: first) != nil)
        _ = talk.session.writabilityChanged(false, now: talk.now)
        #expect(chunks(talk.fire(.updateChunk)).isEmpty)
        #expect(chunks(talk.session.writabilityChanged(true, now: talk.now)).count == 9)
        #expect(chunks(talk.fire(.updateChunk)).isEmpty)
    }

    @Test(arguments: [0, -5])
    func anUpdateOfNothingIsNothing(total: Int) {
        var talk = Conversation(Self.firmware(updates: updates(qos: 1, total: total)))
        talk.connect()
        #expect(chunks(talk.fire(.update)).isEmpty)
        #expect(talk.session.traffic.update == nil)
    }

    // MARK: Sleep and rotation

    @Test func sleepsAndComesBack() {
        var talk = Conversation(
            Self.firmware(sleep: .init(awake: .seconds(20), asleep: .seconds(100)), backoff: .standard))
        #expect(talk.connect().contains(.arm(.sleep, at: talk.now + .seconds(20))))
        talk.wait(.seconds(20))
        #expect(talk.fire(.sleep).suffix(2) == [.sendDisconnect, .closeConnection])
        #expect(talk.session.connectionClosed(now: talk.now).last == .arm(.state, at: talk.now + .seconds(100)))
        #expect(talk.session.history.lastFailure == nil)
        talk.wait(.seconds(100))
        #expect(talk.fire(.state).last == .openConnection)
    }

    @Test func aDeviceThatIsToldToStopDoesNotWakeUp() {
        var talk = Conversation(Self.firmware(sleep: .init(awake: .seconds(20), asleep: .seconds(100))))
        talk.connect()
        _ = talk.fire(.sleep)
        #expect(talk.session.stopRequested(now: talk.now).isEmpty)
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
    }

    @Test func rotatesAndReconnectsCleanly() throws {
        var talk = Conversation(Self.firmware(rotation: .seconds(600)))
        let due = try #require(armed(.rotation, in: talk.connect()))
        #expect(due <= talk.now + .seconds(600))
        talk.now = due
        #expect(talk.fire(.rotation) == [.renewCredential, .arm(.rotation, at: due + .seconds(600))])
        #expect(talk.fire(.rotation).isEmpty, "one at a time")
        #expect(talk.session.credentialRenewed(succeeded: true, now: talk.now).last == .closeConnection)
        #expect(talk.session.connectionClosed(now: talk.now).last == .openConnection)
        #expect(talk.session.credentialRenewed(succeeded: true, now: talk.now).isEmpty)
        _ = talk.session.connectionOpened(now: talk.now)
        _ = talk.session.handshakeCompleted(now: talk.now)
        #expect(
            armed(.rotation, in: talk.session.connackReceived(code: 0, now: talk.now)) == due + .seconds(600))
    }

    @Test func aCertificateThatCannotBeMadeIsAFailure() {
        var talk = Conversation(Self.firmware(rotation: .seconds(600)))
        talk.connect()
        _ = talk.fire(.rotation)
        #expect(
            talk.session.credentialRenewed(succeeded: false, now: talk.now)
                == [isFailure("renewal-failed", in: .session)])
        #expect(talk.session.isConnected)
    }
}
