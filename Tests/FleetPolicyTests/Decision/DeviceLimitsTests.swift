import FleetPolicy
import Testing

@Suite struct DeviceLimitsTests {
    @Test(
        arguments: [
            (0, KeepAlive.Verdict.outOfRange(nearestSeconds: 60)), (1, .outOfRange(nearestSeconds: 10)),
            (9, .outOfRange(nearestSeconds: 10)), (10, .accepted), (60, .accepted),
            (61, .outOfRange(nearestSeconds: 60)),
            (65_535, .outOfRange(nearestSeconds: 60)),
        ] as [(UInt16, KeepAlive.Verdict)])
    func keepAlive(seconds: UInt16, verdict: KeepAlive.Verdict) {
        #expect(KeepAlive(minimumSeconds: 10, maximumSeconds: 60).verdict(forSeconds: seconds) == verdict)
    }

    @Test func keepAliveNeedNotBeRequired() {
        let keepAlive = KeepAlive(minimumSeconds: 10, maximumSeconds: 60, isRequired: false)
        #expect(keepAlive.verdict(forSeconds: 0) == .accepted)
        #expect(keepAlive.verdict(forSeconds: 61) == .outOfRange(nearestSeconds: 60))
    }

    @Test func everyLimitIsReadFromTheProfile() throws {
        let limits = try grant(
            """
            limits:
              packet-bytes: 16KiB
              keep-alive: { min: 30s, max: 2h, required: false }
              messages: { per-second: 2, burst: 20, on-exceeded: disconnect }
              session-expiry: 7d
              subscriptions: 3
            on-denied-publish: disconnect
            """
        ).limits
        #expect(
            limits
                == DeviceLimits(
                    packetBytesMax: 16_384,
                    keepAlive: KeepAlive(minimumSeconds: 30, maximumSeconds: 7_200, isRequired: false),
                    messageRate: MessageRate(perSecond: 2, burst: 20, onExceeded: .disconnect),
                    onDeniedPublish: .disconnect, sessionExpirySecondsMax: 604_800, subscriptionsMax: 3))
    }

    @Test func whatIsNotGivenKeepsItsDefault() throws {
        let limits = try grant("limits: { keep-alive: { max: 1m }, messages: { burst: 7 }, session-expiry: 0s }").limits
        #expect(
            limits
                == DeviceLimits(
                    keepAlive: KeepAlive(maximumSeconds: 60), messageRate: MessageRate(burst: 7),
                    sessionExpirySecondsMax: 0))
    }
}
