import Dispatch
import Synchronization
import Testing

@testable import DeviceRegistry

/// A computation that a test can hold up and count.
private final class Computation: Sendable {
    let count = Mutex(0)
    let running = Mutex((now: 0, most: 0))
    let gate = DispatchSemaphore(value: 0)

    func run(_ password: [UInt8], _ hash: String) -> Bool {
        count.withLock { $0 += 1 }
        running.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
        gate.wait()
        running.withLock { $0.now -= 1 }
        return Array(hash.utf8) == password
    }

    func open(_ times: Int) { for _ in 0..<times { gate.signal() } }
}

@Suite struct PasswordVerifierTests {
    @Test func asksTheRealFunction() async throws {
        let verifier = PasswordVerifier(concurrencyMax: 2)
        let hash = try PasswordHash(of: Array("secret".utf8), parameters: PasswordHashTests.cheap).text
        #expect(await verifier.verify(password: Array("secret".utf8), hash: hash) == .accepted)
        #expect(await verifier.verify(password: Array("secret".utf8), hash: hash) == .accepted)
        #expect(await verifier.verify(password: Array("secreT".utf8), hash: hash) == .refused)
        for malformed in ["", "secret", "$scrypt$ln=63,r=8,p=1$c2FsdA$AAAA"] {
            #expect(await verifier.verify(password: Array("secret".utf8), hash: malformed) == .refused)
        }
        #expect(await verifier.verify(password: [], hash: hash) == .refused)
        #expect(await verifier.verify(password: Array(repeating: 65, count: 257), hash: hash) == .refused)
    }

    @Test func neverMoreAtATimeThanItMay() async {
        let computation = Computation()
        let verifier = PasswordVerifier(
            concurrencyMax: 3, waitingMax: 100, rememberedMax: 10, compute: computation.run)
        computation.open(100)
        let right = await withTaskGroup(of: PasswordVerdict.self) { group in
            for number in 0..<100 {
                let hash = "h\(number)"
                group.addTask {
                    await verifier.verify(password: Array((number % 2 == 0 ? hash : "x").utf8), hash: hash)
                }
            }
            return await group.reduce(into: 0) { $0 += $1 == .accepted ? 1 : 0 }
        }
        #expect(right == 50)
        #expect(computation.running.withLock { $0.most } <= 3)
    }

    @Test func tooMuchIsAnAnswer() async {
        let computation = Computation()
        let verifier = PasswordVerifier(concurrencyMax: 1, waitingMax: 4, rememberedMax: 10, compute: computation.run)
        let verdicts = await withTaskGroup(of: PasswordVerdict.self) { group in
            for number in 0..<20 { group.addTask { await verifier.verify(password: [1], hash: "\(number)") } }
            var verdicts: [PasswordVerdict] = []
            // One runs and four wait, held up; the others have their answer at once.
            while verdicts.count < 15, let verdict = await group.next() { verdicts.append(verdict) }
            #expect(verdicts.allSatisfy { $0 == .overloaded })
            computation.open(5)
            for await verdict in group { verdicts.append(verdict) }
            return verdicts
        }
        #expect(verdicts.count { $0 == .refused } == 5)
        // Afterwards there is room again.
        computation.open(1)
        #expect(await verifier.verify(password: [1], hash: "again") == .refused)
    }

    @Test func aStormOfOnePairIsComputedOnce() async {
        let computation = Computation()
        let verifier = PasswordVerifier(
            concurrencyMax: 1, waitingMax: 1_000, rememberedMax: 10, compute: computation.run)
        computation.open(1)
        #expect(await verifier.verify(password: [65], hash: "A") == .accepted)
        for _ in 0..<1_000 { #expect(await verifier.verify(password: [65], hash: "A") == .accepted) }
        #expect(computation.count.withLock { $0 } == 1)
    }

    @Test func wrongPasswordsAreNotRemembered() async {
        let computation = Computation()
        let verifier = PasswordVerifier(concurrencyMax: 1, waitingMax: 9, rememberedMax: 10, compute: computation.run)
        computation.open(2)
        for _ in 0..<2 { #expect(await verifier.verify(password: [66], hash: "A") == .refused) }
        #expect(computation.count.withLock { $0 } == 2)
    }

    @Test func theOldestIsForgotten() {
        var known = VerifiedPasswords(countMax: 3)
        for number in 0..<5 { known.insert(password: [UInt8(number)], hash: "h") }
        known.insert(password: [4], hash: "h")
        #expect(known.count == 3)
        #expect((0..<5).map { known.contains(password: [UInt8($0)], hash: "h") } == [false, false, true, true, true])
        // The end of one and the beginning of the other are kept apart.
        known.insert(password: Array("bc".utf8), hash: "a")
        #expect(!known.contains(password: Array("c".utf8), hash: "ab"))
    }
}
