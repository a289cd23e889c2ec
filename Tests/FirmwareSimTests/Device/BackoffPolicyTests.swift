import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct BackoffPolicyTests {
    @Test func readsItsOwnText() throws {
        #expect(try BackoffPolicy(option: "none") == .none)
        #expect(try BackoffPolicy(option: "fixed:5s") == .fixed(.seconds(5)))
        #expect(try BackoffPolicy(option: "full-jitter") == .standard)
        #expect(
            try BackoffPolicy(option: "full-jitter:100ms,2m") == .fullJitter(base: .milliseconds(100), cap: .minutes(2))
        )
        #expect(try BackoffPolicy(option: BackoffPolicy.standard.text) == .standard)
    }

    @Test(
        arguments: [
            "", "never", "none:", "none:1s", "fixed", "fixed:", "fixed:0s", "fixed:1s,2s", "full-jitter:",
            "full-jitter:1s",
            "full-jitter:2s,1s", "full-jitter:1s,2s,3s", "full-jitter:x,y", "full-jitter:-1s,2s",
        ])
    func refuses(option: String) {
        #expect(throws: SimulatorError.self) { try BackoffPolicy(option: option) }
    }

    @Test func fullJitterStaysWithinADoublingBoundAndUsesAllOfIt() {
        let policy = BackoffPolicy.fullJitter(base: .seconds(1), cap: .seconds(8))
        var generator = SeededGenerator(seed: 1)
        for (failures, bound) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (1_000_000, 8)] {
            let delays = (0..<500).compactMap { _ in policy.delay(afterFailures: failures, using: &generator) }
            #expect(delays.count == 500)
            #expect(delays.allSatisfy { $0 >= .zero && $0 <= .seconds(Int64(bound)) })
            #expect(delays.contains { $0 > .milliseconds(Int64(bound) * 900) })
            #expect(delays.contains { $0 < .milliseconds(Int64(bound) * 100) })
        }
    }

    @Test func repeatsWithItsSeed() {
        var first = SeededGenerator(seed: 7, stream: 3)
        var second = SeededGenerator(seed: 7, stream: 3)
        var other = SeededGenerator(seed: 7, stream: 4)
        let policy = BackoffPolicy.standard
        let a = (1...20).map { policy.delay(afterFailures: $0, using: &first) }
        #expect(a == (1...20).map { policy.delay(afterFailures: $0, using: &second) })
        #expect(a != (1...20).map { policy.delay(afterFailures: $0, using: &other) })
    }

    @Test func noneAndFixed() {
        var generator = SeededGenerator(seed: 1)
        #expect(BackoffPolicy.none.delay(afterFailures: 1, using: &generator) == nil)
        #expect(BackoffPolicy.fixed(.seconds(3)).delay(afterFailures: 9, using: &generator) == .seconds(3))
    }
}
