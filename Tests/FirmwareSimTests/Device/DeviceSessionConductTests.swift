import NIOCore
import NIOMbedTLS
import Testing

@testable import FirmwareSim

/// Misdeeds, power cuts and outages.
@Suite struct DeviceSessionConductTests {
    typealias Conversation = DeviceSessionFirmwareTests.Conversation

    private func firmware(_ backoff: BackoffPolicy = .none) -> Firmware {
        DeviceSessionFirmwareTests.firmware(subscriptions: 1, periods: [.seconds(10)], backoff: backoff)
    }

    private func failure(_ code: String, _ phase: FailureReason.Phase) -> DeviceSession.Action {
        .record(.failure(FailureReason(phase, code)))
    }

    // MARK: Misdeeds

    @Test func garbageIsSentInsteadOfAHandshake() {
        var talk = Conversation(firmware(), conduct: .garbage)
        let actions = talk.open()
        #expect(actions.contains { if case .sendGarbage = $0 { true } else { false } })
        #expect(talk.session.connectionClosed(now: talk.now).contains(failure("eof", .tls)))
    }

    @Test(arguments: [Conduct.slowLoris, .halfOpen, .garbage])
    func aServerThatDoesNotEndItIsFoundOut(conduct: Conduct) {
        var talk = Conversation(firmware(), conduct: conduct)
        talk.open()
        talk.wait(.seconds(30))
        #expect(talk.fire(.state).contains(failure("still-open", .tls)))
        #expect(talk.session.history.violation(of: .refused(reasons: ["tls/eof"])) == "tls/still-open")
    }

    @Test func aSlowHandshakeNeverEnds() {
        var talk = Conversation(firmware(), conduct: .slowLoris)
        var sent = 0
        var actions = talk.open()
        while case .sendHello(let range)? = actions.first(where: { if case .sendHello = $0 { true } else { false } }) {
            #expect(range.lowerBound == sent)
            #expect(range.count <= SimulatorLimits.trickleBytes)
            sent = range.upperBound
            talk.wait(SimulatorLimits.trickleInterval)
            actions = talk.fire(.trickle)
        }
        #expect(sent == MisdeedBytes.helloBytes - 1)
    }

    @Test(arguments: [Conduct.topicViolation, .oversizedPacket])
    func aMisdeedThatIsRefusedIsAFailureAndTheEndOfTheConnection(conduct: Conduct) {
        var talk = Conversation(firmware(.fixed(.seconds(5))), conduct: conduct)
        let actions = talk.connect()
        #expect(actions.contains(.sendPublish(.misdeed, packetIdentifier: 1)))
        #expect(!actions.contains(.sendSubscribe(packetIdentifier: 1)), "it does nothing else")
        let refused = talk.session.pubackReceived(packetIdentifier: 1, code: 135, now: talk.now)
        #expect(refused.first == failure("puback-135", .session))
        #expect(refused.last == .closeConnection)
        #expect(talk.session.connectionClosed(now: talk.now).last == .arm(.state, at: talk.now + .seconds(5)))
        #expect(talk.session.history.violation(of: .refused(reasons: ["session/puback-135"])) == nil)
    }

    @Test func aMisdeedThatIsAcknowledgedWorked() {
        var talk = Conversation(firmware(), conduct: .topicViolation)
        talk.connect()
        _ = talk.session.pubackReceived(packetIdentifier: 1, code: 0, now: talk.now)
        #expect(talk.session.history.violation(of: .refused(reasons: ["*/*"])) == "misdeed-acknowledged")
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
    }

    @Test(arguments: [UInt8(0), 135])
    func whoIsToldToStopDoesNotComeBackAfterItsMisdeed(code: UInt8) {
        var talk = Conversation(firmware(.fixed(.seconds(5))), conduct: .topicViolation)
        talk.connect()
        _ = talk.session.stopRequested(now: talk.now)
        _ = talk.session.pubackReceived(packetIdentifier: 1, code: code, now: talk.now)
        #expect(talk.session.connectionClosed(now: talk.now).last == .finished)
        #expect(talk.session.state == .closed)
    }

    @Test(arguments: ["eof", "tcp-reset", "mqtt-x"])
    func aMisdeedMayEndTheConnection(code: String) {
        var talk = Conversation(firmware(), conduct: .oversizedPacket)
        talk.connect()
        let actions = talk.session.connectionFailed(code, now: talk.now)
        #expect(actions.contains(failure(code, .session)))
        #expect(!actions.contains { if case .record(.publishesLost) = $0 { true } else { false } })
        #expect(talk.session.history.violation(of: .refused(reasons: ["session/\(code)"])) == nil)
    }

    @Test func aMisdeedWithoutAnyAnswerTimesOut() {
        var talk = Conversation(firmware(), conduct: .topicViolation)
        talk.connect()
        talk.wait(.seconds(30))
        #expect(talk.fire(.state).contains(failure("puback-missing", .session)))
    }

    @Test func aThiefThatGetsInIsAViolationOnlyWhereItMustNot() {
        var talk = Conversation(firmware(), conduct: .clientIDTheft)
        #expect(talk.connect().contains(.sendSubscribe(packetIdentifier: 1)), "it makes itself at home")
        #expect(talk.session.history.violation(of: .refused(reasons: ["connack/*"])) == "accepted")
        #expect(talk.session.history.violation(of: .accepted) == nil)
    }

    @Test func bytesThatAreNoHandshake() {
        #expect(MisdeedBytes.hello.count == MisdeedBytes.helloBytes)
        #expect(Int(MisdeedBytes.hello[3]) << 8 | Int(MisdeedBytes.hello[4]) == MisdeedBytes.helloBytes - 5)
        for seed in 0..<500 as Range<UInt64> {
            let bytes = MisdeedBytes.garbage(seed: seed)
            #expect((64...512).contains(bytes.count) && bytes[0] != 0x16)
        }
    }

    @Test(
        arguments: [
            ([21, 3, 3, 0, 2, 2, 50], 50), ([21, 3, 1, 0, 2, 1, 0, 9], 0), ([21, 3, 3, 0, 2, 2], nil),
            ([], nil), ([22, 3, 3, 0, 2, 2, 50], nil), ([21, 3, 3, 0, 3, 2, 50], nil), ([21, 2, 3, 0, 2, 2, 50], nil),
        ] as [([UInt8], UInt8?)])
    func alertsAreRead(bytes: [UInt8], alert: UInt8?) {
        #expect(MisdeedConnection.alert(in: bytes)?.rawValue == alert)
    }

    // MARK: Power and link

    private func talk(steps: Int, _ backoff: BackoffPolicy = .none) -> Conversation {
        var talk = Conversation(firmware(backoff))
        if steps > 0 { _ = talk.session.startDue(intended: talk.now, now: talk.now) }
        if steps > 1 { _ = talk.session.connectionOpened(now: talk.now) }
        if steps > 2 { _ = talk.session.handshakeCompleted(now: talk.now) }
        if steps > 3 { _ = talk.session.connackReceived(code: 0, now: talk.now) }
        if steps > 4 { _ = talk.fire(.telemetry(0)) }
        return talk
    }

    @Test(arguments: 1...5)
    func aPowerCutIsNobodysFailure(steps: Int) {
        var talk = talk(steps: steps, .standard)
        let actions = talk.session.powerLost(now: talk.now)
        #expect(actions.contains(.abandonConnection))
        #expect(actions.last == .finished)
        #expect(talk.fire(.state).isEmpty && talk.fire(.telemetry(0)).isEmpty && talk.fire(.keepAlive).isEmpty)
        #expect(!actions.contains(.sendDisconnect))
        #expect(actions.contains(.record(.attemptAbandoned)) == (steps < 4))
        #expect(!actions.contains { if case .record(.publishesLost) = $0 { true } else { false } })
        #expect(talk.session.isStartable)
        #expect(talk.session.history.lastFailure == nil)
        #expect(talk.session.powerLost(now: talk.now).isEmpty)
        #expect(talk.session.startDue(intended: talk.now, now: talk.now).last == .openConnection)
    }

    @Test(arguments: 1...5)
    func anOutageIsNobodysFailureAndFollowsTheBackOff(steps: Int) {
        var talk = talk(steps: steps, .fixed(.seconds(7)))
        let actions = talk.session.linkLost(now: talk.now)
        #expect(actions.contains(.abandonConnection))
        #expect(actions.last == .arm(.state, at: talk.now + .seconds(7)))
        let attempts = talk.session.history.attempts
        talk.wait(.seconds(7))
        // It gets nowhere.
        #expect(talk.fire(.state) == [.attemptDecided, .arm(.state, at: talk.now + .seconds(7))])
        #expect(talk.session.history.attempts == attempts)
        #expect(talk.session.linkRestored().isEmpty)
        talk.wait(.seconds(7))
        #expect(talk.fire(.state).last == .openConnection)
        #expect(talk.session.history.endings.isEmpty)
    }

    @Test func firmwareThatDoesNotComeBackStaysAway() {
        var talk = talk(steps: 4)
        #expect(talk.session.linkLost(now: talk.now).last == .finished)
        #expect(talk.session.isStartable)
    }

    @Test func firmwareWithoutPatienceDoesNotSpin() {
        var talk = talk(steps: 4, .fixed(.zero))
        let actions = talk.session.linkLost(now: talk.now)
        #expect(actions.last == .arm(.state, at: talk.now + SimulatorLimits.linkDownDelayMin))
    }

    @Test func powerDuringAnOutageGetsNowhere() {
        var talk = Conversation(firmware(.fixed(.seconds(7))))
        #expect(talk.session.linkLost(now: talk.now).isEmpty)
        let actions = talk.session.startDue(intended: talk.now, now: talk.now)
        #expect(actions.suffix(2) == [.attemptDecided, .arm(.state, at: talk.now + .seconds(7))])
        #expect(talk.session.history.violation(of: .accepted) == "not-attempted")
    }
}
