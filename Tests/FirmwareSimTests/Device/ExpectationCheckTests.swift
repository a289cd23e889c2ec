import Testing

@testable import FirmwareSim

@Suite struct ExpectationCheckTests {
    static func history(
        attempts: Int = 1, connects: Int = 0, _ endings: [FailureReason] = [], deedFollowsConnack: Bool = false,
        acknowledgedViolations: Int = 0
    ) -> DeviceHistory {
        var history = DeviceHistory()
        history.attempts = attempts
        history.connects = connects
        history.deedFollowsConnack = deedFollowsConnack
        history.acknowledgedViolations = acknowledgedViolations
        for reason in endings { history.note(reason) }
        return history
    }

    private static let unknownCA = FailureReason(.tls, "alert-unknown-ca")
    private static let eof = FailureReason(.session, "eof")

    @Test(
        arguments: [
            (history(attempts: 0), "not-attempted"), (history(), "not-decided"),
            (history([unknownCA]), "tls/alert-unknown-ca"),
            (history(attempts: 2, connects: 1), nil),
            // It failed on the way in, and then got in.
            (history(attempts: 2, connects: 1, [FailureReason(.connack, "timeout")]), nil),
            // It was thrown off: somebody took its client id, or the server let it go.
            (history(connects: 1, [FailureReason(.session, "disconnect-142")]), "session/disconnect-142"),
            (history(connects: 1, [eof, unknownCA, unknownCA]), "session/eof"),
            (history(connects: 1, [FailureReason(.session, "suback-135")]), "session/suback-135"),
        ] as [(DeviceHistory, String?)])
    func accepted(history: DeviceHistory, violation: String?) {
        #expect(history.violation(of: .accepted) == violation)
    }

    @Test(
        arguments: [
            (history([unknownCA]), nil), (history([unknownCA, unknownCA]), nil),
            (history(attempts: 0), "not-attempted"), (history(), "not-decided"),
            (history(connects: 1), "accepted"), (history(attempts: 2, connects: 1, [unknownCA]), "accepted"),
            (history([FailureReason(.tls, "timeout")]), "tls/timeout"),
            (history([unknownCA, unknownCA, FailureReason(.tcp, "tcp-refused")]), "tcp/tcp-refused"),
        ] as [(DeviceHistory, String?)])
    func refused(history: DeviceHistory, violation: String?) {
        #expect(history.violation(of: .refused(reasons: ["*/alert-*", "nonsense"])) == violation)
    }

    @Test(
        arguments: [
            (history(connects: 1, [FailureReason(.session, "puback-135")], deedFollowsConnack: true), nil),
            (history(connects: 1, [eof], deedFollowsConnack: true), nil),
            (history(connects: 1, deedFollowsConnack: true), "not-decided"),
            (history(connects: 1, [eof], deedFollowsConnack: true, acknowledgedViolations: 1), "misdeed-acknowledged"),
            (
                history(connects: 1, [FailureReason(.session, "puback-missing")], deedFollowsConnack: true),
                "session/puback-missing"
            ),
        ] as [(DeviceHistory, String?)])
    func misdeedsAfterConnack(history: DeviceHistory, violation: String?) {
        #expect(history.violation(of: .refused(reasons: ["session/puback-135", "session/eof"])) == violation)
    }

    @Test func aDeviceThatDoesNotGetBackInIsNotAccepted() {
        var history = Self.history(attempts: 2, connects: 1, [FailureReason(.tcp, "tcp-refused")])
        history.isShutOut = true
        #expect(history.violation(of: .accepted) == "tcp/tcp-refused")
    }

    @Test(arguments: ["nonsense", "", "/", "tls", "tls/", "*/a*b", "tls/x/y"])
    func aPatternThatCannotBeReadExpectsNothing(pattern: String) {
        #expect(Self.history([Self.unknownCA]).violation(of: .refused(reasons: [pattern])) == "tls/alert-unknown-ca")
    }

    @Test func reasonsBeyondTheBoundAreCounted() {
        var history = Self.history(attempts: 20)
        for code in 0..<20 { history.note(FailureReason(.tls, "alert-\(code)")) }
        #expect(history.endings.count == SimulatorLimits.endingsMax)
        #expect(history.otherEndings == 20 - SimulatorLimits.endingsMax)
        #expect(history.violation(of: .refused(reasons: ["tls/alert-*"])) == "too-many-reasons")
        history.connects = 1
        #expect(history.violation(of: .accepted) == "too-many-reasons")
    }
}
