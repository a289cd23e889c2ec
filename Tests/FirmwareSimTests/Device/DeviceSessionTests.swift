import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct DeviceSessionTests {
    /// A session with a clock that the test moves.
    struct Conversation {
        var session: DeviceSession
        var now: NIODeadline = .uptimeNanoseconds(1_000_000_000_000)

        init(
            qos: UInt8 = 1, period: TimeAmount = .seconds(10), keepAlive: TimeAmount = .zero,
            backoff: BackoffPolicy = .none, connectOnly: Bool = false
        ) {
            let telemetry = Firmware.Telemetry(
                topic: TextTemplate(literal: "t"), period: period, jitter: 0, payload: .bytes(8), qos: qos,
                retain: false)
            let firmware = Firmware(
                name: "test", boot: .zero ... .zero, subscriptions: [], telemetry: period > .zero ? [telemetry] : [],
                answersCommands: false, commands: nil, updates: nil, sleep: nil, rotation: nil, backoff: backoff)
            session = DeviceSession(
                settings: DeviceSettings(
                    connectTimeout: .seconds(30), firmware: firmware, keepAlive: keepAlive,
                    leaves: connectOnly ? .afterConnack : .never),
                generator: SeededGenerator(seed: 1))
        }

        mutating func wait(_ time: TimeAmount) { now = now + time }

        @discardableResult
        mutating func connect(receiveMaximum: Int? = nil, serverKeepAlive: TimeAmount? = nil) -> [DeviceSession.Action]
        {
            _ = session.startDue(intended: now, now: now)
            _ = session.connectionOpened(now: now)
            _ = session.handshakeCompleted(now: now)
            return session.connackReceived(
                code: 0, serverKeepAlive: serverKeepAlive, receiveMaximum: receiveMaximum, now: now)
        }

        /// Lets the publish timer fire at the time it was armed for.
        mutating func publish() -> [DeviceSession.Action] {
            session.timerFired(.telemetry(0), now: now)
        }
    }

    @Test func countsLatencyFromTheIntendedStart() {
        var talk = Conversation(period: .zero)
        let intended = talk.now
        talk.wait(.milliseconds(5))
        #expect(
            talk.session.startDue(intended: intended, now: talk.now) == [
                .record(.attempt), .arm(.state, at: talk.now + .seconds(30)), .openConnection,
            ])
        talk.wait(.milliseconds(4))
        // Until here it is the generator that takes time.
        #expect(talk.session.connectBegins(now: talk.now) == [.record(.startDelay(.milliseconds(9)))])
        #expect(talk.session.connectBegins(now: talk.now).isEmpty)
        talk.wait(.milliseconds(6))
        #expect(talk.session.connectionOpened(now: talk.now) == [.record(.latency(.tcp, .milliseconds(15)))])
        talk.wait(.milliseconds(20))
        #expect(
            talk.session.handshakeCompleted(now: talk.now) == [
                .record(.latency(.tls, .milliseconds(20))), .record(.handshake(resumed: false, bytes: 0)), .sendConnect,
            ])
        #expect(!talk.session.isConnected, "with TLS 1.3 the server has not judged the certificate yet")
        talk.wait(.milliseconds(40))
        #expect(
            talk.session.connackReceived(code: 0, now: talk.now) == [
                .record(.connack("accepted")), .record(.latency(.connack, .milliseconds(40))),
                .record(.latency(.connected, .milliseconds(75))), .cancelTimers, .attemptDecided,
            ])
        #expect(talk.session.isConnected)
    }

    @Test func anAttemptWithoutAConnectionTellsOfTheGenerator() {
        var talk = Conversation(period: .zero)
        _ = talk.session.startDue(intended: talk.now, now: talk.now)
        talk.wait(.seconds(30))
        let actions = talk.session.timerFired(.state, now: talk.now)
        #expect(actions.contains(.record(.startDelay(.seconds(30)))))
        #expect(actions.contains(.record(.failure(FailureReason(.tcp, "timeout")))))
    }

    @Test func aServerThatIsSlowToLetGoDoesNotMakeTheGeneratorLate() {
        var talk = Conversation(period: .zero)
        let intended = talk.now
        talk.wait(.seconds(3))
        let possible = talk.now
        talk.wait(.milliseconds(2))
        _ = talk.session.startDue(intended: intended, possible: possible, now: talk.now)
        #expect(talk.session.connectBegins(now: talk.now) == [.record(.startDelay(.milliseconds(2)))])
        // The latency counts from when it was meant all the same.
        #expect(
            talk.session.connectionOpened(now: talk.now) == [.record(.latency(.tcp, .milliseconds(3_002)))])
    }

    @Test func anAlertAfterTheHandshakeIsTheReason() {
        var talk = Conversation()
        _ = talk.session.startDue(intended: talk.now, now: talk.now)
        _ = talk.session.connectionOpened(now: talk.now)
        _ = talk.session.handshakeCompleted(now: talk.now)
        let actions = talk.session.connectionFailed("alert-unknown-ca", now: talk.now)
        #expect(actions.contains(.record(.failure(FailureReason(.connack, "alert-unknown-ca")))))
        #expect(actions.suffix(3) == [.abandonConnection, .attemptDecided, .finished])
        #expect(talk.session.history.connects == 0)
        #expect(talk.session.connectionClosed(now: talk.now).isEmpty, "its end is not another failure")
    }

    @Test func aRefusalIsCountedByItsCode() {
        var talk = Conversation()
        _ = talk.session.startDue(intended: talk.now, now: talk.now)
        _ = talk.session.connectionOpened(now: talk.now)
        _ = talk.session.handshakeCompleted(now: talk.now)
        let actions = talk.session.connackReceived(code: 5, now: talk.now)
        #expect(actions.first == .record(.connack("connack-5")))
        #expect(actions.contains(.record(.failure(FailureReason(.connack, "connack-5")))))
        #expect(talk.session.state == .closed)
    }

    @Test(arguments: [0, 1, 2])
    func aTimeoutNamesThePhaseItCameIn(steps: Int) {
        var talk = Conversation()
        _ = talk.session.startDue(intended: talk.now, now: talk.now)
        if steps > 0 { _ = talk.session.connectionOpened(now: talk.now) }
        if steps > 1 { _ = talk.session.handshakeCompleted(now: talk.now) }
        talk.wait(.seconds(30))
        let phases: [FailureReason.Phase] = [.tcp, .tls, .connack]
        #expect(
            talk.session.timerFired(.state, now: talk.now)
                .contains(.record(.failure(FailureReason(phases[steps], "timeout")))))
    }

    @Test func backsOffAndTriesAgain() {
        var talk = Conversation(backoff: .fixed(.seconds(3)))
        _ = talk.session.startDue(intended: talk.now, now: talk.now)
        let failed = talk.session.connectionFailed("tcp-refused", now: talk.now)
        #expect(failed.last == .arm(.state, at: talk.now + .seconds(3)))
        #expect(!failed.contains(.finished))
        talk.wait(.seconds(3))
        #expect(talk.session.timerFired(.state, now: talk.now).last == .openConnection)
        #expect(talk.session.history.attempts == 2)
        _ = talk.session.connectionOpened(now: talk.now)
        _ = talk.session.handshakeCompleted(now: talk.now)
        _ = talk.session.connackReceived(code: 0, now: talk.now)
        #expect(talk.session.isConnected)
    }

    @Test func connectOnlyLeavesAtConnackAndMayStartAgain() {
        var talk = Conversation(connectOnly: true)
        let actions = talk.connect()
        #expect(actions.suffix(3) == [.arm(.state, at: talk.now + .seconds(5)), .sendDisconnect, .closeConnection])
        #expect(!actions.contains(.attemptDecided), "the place is free when the connection is over")
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
        #expect(talk.session.history.lastFailure == nil)
        #expect(talk.session.startDue(intended: talk.now, now: talk.now).last == .openConnection)
    }

    @Test func aServerThatNeverClosesIsCut() {
        var talk = Conversation(connectOnly: true)
        talk.connect()
        talk.wait(.seconds(5))
        #expect(talk.session.timerFired(.state, now: talk.now) == [.cancelTimers, .abandonConnection, .finished])
    }

    @Test func publishesQoS1AndCountsFromTheTimetable() {
        var talk = Conversation()
        talk.connect()
        let intended = talk.session.traffic.telemetry[0].due
        talk.now = intended
        let first = talk.publish()
        #expect(first.contains(.sendPublish(.telemetry(0), packetIdentifier: 1)))
        #expect(first.contains(.record(.published)))
        // The next one is due a period after the last one's timetable, not after its sending.
        #expect(first.first == .arm(.telemetry(0), at: intended + .seconds(10)))
        talk.wait(.seconds(10))
        let acknowledged = talk.session.pubackReceived(packetIdentifier: 1, code: 0, now: talk.now)
        #expect(acknowledged == [.record(.latency(.publish, .seconds(10)))])
        #expect(talk.session.history.acknowledged == 1)
    }

    @Test func aWindowThatIsFullMakesPublishesWait() {
        var talk = Conversation()
        talk.connect(receiveMaximum: 1)
        #expect(talk.publish().contains(.sendPublish(.telemetry(0), packetIdentifier: 1)))
        #expect(!talk.publish().contains { if case .sendPublish = $0 { true } else { false } })
        #expect(
            talk.session.pubackReceived(packetIdentifier: 1, code: 0, now: talk.now)
                .contains(.sendPublish(.telemetry(0), packetIdentifier: 2)))
        for _ in 0..<SimulatorLimits.publishesWaitingMax { _ = talk.publish() }
        #expect(talk.publish().contains(.record(.publishSkipped)))
    }

    @Test func qos0NeedsNoAnswer() {
        var talk = Conversation(qos: 0)
        talk.connect()
        #expect(talk.publish().contains(.sendPublish(.telemetry(0), packetIdentifier: nil)))
        #expect(talk.session.stopRequested(now: talk.now).contains(.sendDisconnect))
    }

    @Test func aRefusedPublishIsAFailureButNotTheEnd() {
        var talk = Conversation()
        talk.connect()
        _ = talk.publish()
        let actions = talk.session.pubackReceived(packetIdentifier: 1, code: 135, now: talk.now)
        #expect(actions == [.record(.failure(FailureReason(.session, "puback-135")))])
        #expect(talk.session.history.refusedPublishes == 1)
        #expect(talk.session.isConnected)
    }

    @Test func noMatchingSubscribersIsASuccess() {
        var talk = Conversation()
        talk.connect()
        _ = talk.publish()
        _ = talk.session.pubackReceived(packetIdentifier: 1, code: 0x10, now: talk.now)
        #expect(talk.session.history.acknowledged == 1)
    }

    @Test func anAcknowledgementOfNothingIsTheServersFault() {
        var talk = Conversation()
        talk.connect()
        #expect(
            talk.session.pubackReceived(packetIdentifier: 7, code: 0, now: talk.now)
                .contains(.record(.failure(FailureReason(.session, "protocol-error")))))
    }

    @Test func aSecondConnackIsTheServersFault() {
        var talk = Conversation()
        talk.connect()
        #expect(
            talk.session.connackReceived(code: 0, now: talk.now)
                .contains(.record(.failure(FailureReason(.session, "protocol-error")))))
    }

    @Test func losingTheConnectionLosesWhatIsOutstanding() {
        var talk = Conversation()
        talk.connect()
        _ = talk.publish()
        let actions = talk.session.connectionClosed(now: talk.now)
        #expect(actions.contains(.record(.publishesLost(1))))
        #expect(actions.contains(.record(.failure(FailureReason(.session, "eof")))))
        #expect(!actions.contains(.attemptDecided), "the attempt was decided at CONNACK")
        #expect(talk.session.history.unacknowledged == 1)
    }

    @Test func theServersReasonIsKept() {
        var talk = Conversation()
        talk.connect()
        #expect(
            talk.session.disconnectReceived(code: 142, now: talk.now)
                .contains(.record(.failure(FailureReason(.session, "disconnect-142")))))
    }

    @Test func stoppingWaitsForAcknowledgements() {
        var talk = Conversation()
        talk.connect()
        _ = talk.publish()
        #expect(
            talk.session.stopRequested(now: talk.now)
                == [.cancelTimers, .arm(.state, at: talk.now + SimulatorLimits.drainTime)])
        let last = talk.session.pubackReceived(packetIdentifier: 1, code: 0, now: talk.now)
        #expect(last.suffix(2) == [.sendDisconnect, .closeConnection])
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
    }

    @Test func stoppingDoesNotWaitForEver() {
        var talk = Conversation(backoff: .standard)
        talk.connect()
        _ = talk.publish()
        _ = talk.session.stopRequested(now: talk.now)
        talk.wait(SimulatorLimits.drainTime)
        let actions = talk.session.timerFired(.state, now: talk.now)
        #expect(actions.contains(.record(.failure(FailureReason(.session, "puback-missing")))))
        #expect(actions.last == .finished, "a device that was told to stop does not back off")
    }

    @Test(arguments: [0, 1, 2, 3])
    func stoppingBeforeConnackGivesUp(steps: Int) {
        var talk = Conversation(backoff: .standard)
        if steps > 0 { _ = talk.session.startDue(intended: talk.now, now: talk.now) }
        if steps > 1 { _ = talk.session.connectionOpened(now: talk.now) }
        if steps > 2 { _ = talk.session.handshakeCompleted(now: talk.now) }
        #expect(talk.session.stopRequested(now: talk.now).last == .finished)
        #expect(talk.session.state == .closed)
    }

    @Test func pingsWhenNothingElseIsSent() {
        var talk = Conversation(period: .zero, keepAlive: .seconds(40))
        #expect(talk.connect().last == .arm(.keepAlive, at: talk.now + .seconds(30)))
        talk.wait(.seconds(30))
        #expect(
            talk.session.timerFired(.keepAlive, now: talk.now)
                == [.sendPing, .arm(.keepAlive, at: talk.now + .seconds(30))])
        talk.session.pingResponseReceived()
        talk.wait(.seconds(30))
        #expect(talk.session.timerFired(.keepAlive, now: talk.now).first == .sendPing)
        talk.wait(.seconds(30))
        #expect(
            talk.session.timerFired(.keepAlive, now: talk.now)
                .contains(.record(.failure(FailureReason(.session, "ping-timeout")))))
    }

    @Test func aPublishPutsThePingOff() {
        var talk = Conversation(period: .seconds(20), keepAlive: .seconds(40))
        talk.connect()
        talk.wait(.seconds(20))
        _ = talk.publish()
        talk.wait(.seconds(10))
        #expect(
            talk.session.timerFired(.keepAlive, now: talk.now) == [.arm(.keepAlive, at: talk.now + .seconds(20))])
    }

    @Test func theServersKeepAliveWins() {
        var talk = Conversation(period: .zero, keepAlive: .seconds(40))
        #expect(talk.connect(serverKeepAlive: .seconds(4)).last == .arm(.keepAlive, at: talk.now + .seconds(3)))
    }

    @Test func lateEventsOfAClosedDeviceChangeNothing() {
        var talk = Conversation()
        talk.connect()
        _ = talk.session.connectionClosed(now: talk.now)
        #expect(talk.session.connectionOpened(now: talk.now).isEmpty)
        #expect(talk.session.handshakeCompleted(now: talk.now).isEmpty)
        #expect(talk.session.pubackReceived(packetIdentifier: 1, code: 0, now: talk.now).isEmpty)
        #expect(talk.session.connectionFailed("x", now: talk.now).isEmpty)
        #expect(talk.session.timerFired(.state, now: talk.now).isEmpty)
        #expect(talk.session.timerFired(.telemetry(0), now: talk.now).isEmpty)
        #expect(talk.session.timerFired(.keepAlive, now: talk.now).isEmpty)
        #expect(talk.session.stopRequested(now: talk.now).isEmpty)
    }

    @Test func packetIdentifiersGoRoundWithoutZeroAndWithoutRepeatingOneInUse() {
        var window = PublishWindow(limit: 2)
        let entry = PublishWindow.Entry(message: .misdeed, intended: .uptimeNanoseconds(1))
        let isRemembered = window.enqueue(entry)
        #expect(isRemembered)
        #expect(window.takeNext()?.identifier == 1)
        var seen: Set<UInt16> = []
        for _ in 0..<70_000 {
            _ = window.enqueue(entry)
            guard let identifier = window.takeNext()?.identifier else { continue }
            seen.insert(identifier)
            #expect(identifier != 1 && identifier != 0)
            _ = window.acknowledge(identifier)
        }
        #expect(seen.count == 65_534)
    }
}
