internal import Dispatch
internal import Foundation
internal import Synchronization

/// What a password is found to be.
public enum PasswordVerdict: Sendable, Hashable, CaseIterable {
    case accepted
    case refused
    /// Too many passwords wait to be looked at. The fault is not the device's; it may try again.
    case overloaded
}

/// Compares passwords with their hashes, which is expensive on purpose, without harm to the rest of the gateway.
///
/// A few computations run at a time, on threads of their own; some more wait, and beyond that the answer is
/// `overloaded`. A pair of hash and password that was found right is remembered for a while, under a keyed hash of both
/// with a key that never leaves the process, so that a fleet that comes back at once costs little.
public final class PasswordVerifier: Sendable {
    private struct Job {
        let password: [UInt8]
        let hash: String
        let continuation: CheckedContinuation<PasswordVerdict, Never>
    }

    private struct State {
        var running = 0
        var waiting: [Job] = []
        /// Where the next job is in `waiting`: what is before it is done.
        var next = 0
        var known: VerifiedPasswords

        var waitingCount: Int { waiting.count - next }

        mutating func takeNext() -> Job? {
            guard next < waiting.count else {
                waiting = []
                next = 0
                return nil
            }
            defer { next += 1 }
            if next > 1_024 {
                waiting.removeFirst(next)
                next = 0
            }
            return waiting[next]
        }
    }

    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "fleetgate.passwords", qos: .utility, attributes: .concurrent)
    private let concurrencyMax: Int
    private let waitingMax: Int
    private let compute: @Sendable (_ password: [UInt8], _ hash: String) -> Bool

    /// - Parameters:
    ///   - concurrencyMax: computations at a time; each takes a thread and up to 64 MiB. By default half of the
    ///     processors: the handshakes need the others.
    ///   - waitingMax: passwords that wait. By default 4,096: with some tens of milliseconds each, who comes later would
    ///     not be answered before the device gives up.
    ///   - rememberedMax: pairs that are remembered, 32 bytes each and the table around them.
    public convenience init(concurrencyMax: Int? = nil, waitingMax: Int = 4_096, rememberedMax: Int = 131_072) {
        self.init(
            concurrencyMax: concurrencyMax ?? max(1, ProcessInfo.processInfo.activeProcessorCount / 2),
            waitingMax: waitingMax, rememberedMax: rememberedMax, compute: Self.matches)
    }

    init(
        concurrencyMax: Int, waitingMax: Int, rememberedMax: Int,
        compute: @escaping @Sendable (_ password: [UInt8], _ hash: String) -> Bool
    ) {
        self.concurrencyMax = max(1, concurrencyMax)
        self.waitingMax = max(0, waitingMax)
        self.compute = compute
        state = Mutex(State(known: VerifiedPasswords(countMax: max(1, rememberedMax))))
    }

    /// Whether a password is the one that a hash was made from. A hash that is malformed costs as much as another one,
    /// and no password fits it.
    public func verify(password: [UInt8], hash: String) async -> PasswordVerdict {
        guard PasswordHash.isPossible(password) else { return .refused }
        return await withCheckedContinuation { continuation in
            let job = Job(password: password, hash: hash, continuation: continuation)
            enum Next {
                case answer(PasswordVerdict)
                case run, wait
            }
            let next: Next = state.withLock { state in
                if state.known.contains(password: password, hash: hash) { return .answer(.accepted) }
                if state.running < concurrencyMax {
                    state.running += 1
                    return .run
                }
                guard state.waitingCount < waitingMax else { return .answer(.overloaded) }
                state.waiting.append(job)
                return .wait
            }
            switch next {
            case .answer(let verdict): continuation.resume(returning: verdict)
            case .run: queue.async { self.work(job) }
            case .wait: break
            }
        }
    }

    /// Works until nothing waits any more.
    private func work(_ first: Job) {
        var next: Job? = first
        while let job = next {
            // Somebody else may have asked the same while this one waited.
            let isKnown = state.withLock { $0.known.contains(password: job.password, hash: job.hash) }
            let isRight = isKnown || compute(job.password, job.hash)
            next = state.withLock { state in
                if isRight { state.known.insert(password: job.password, hash: job.hash) }
                let following = state.takeNext()
                if following == nil { state.running -= 1 }
                return following
            }
            job.continuation.resume(returning: isRight ? .accepted : .refused)
        }
    }

    private static func matches(_ password: [UInt8], _ hash: String) -> Bool {
        guard let hash = PasswordHash(parsing: hash) else {
            _ = dummy?.matches(password)
            return false
        }
        return hash.matches(password)
    }

    /// What a password is compared with when there is nothing to compare it with: time tells nothing then.
    private static let dummy = PasswordHash(
        parsing: "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}
