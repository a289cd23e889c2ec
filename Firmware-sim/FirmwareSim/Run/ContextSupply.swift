import NIOCore
import NIOMbedTLS
import NIOPosix

/// Makes devices' TLS contexts beside the event loop, some ahead of their connect, and hands each over once.
///
/// Every device has its own certificate and so its own context. Parsing it takes as long as a good part of a handshake;
/// done on the event loop it would delay every other device. What all contexts of the loop have in common is held once.
/// Belongs to one event loop.
final class ContextSupply {
    typealias Made = Result<TLSContext, any Error>
    /// Runs on a thread of the pool; `sharing` is an earlier context of the same loop.
    typealias Make =
        @Sendable (_ device: SimulatedDevice, _ credential: DeviceCredential?, _ sharing: TLSContext?) throws ->
        TLSContext

    private enum Slot {
        /// Being made; whoever came for it meanwhile waits.
        case making(waiting: ((Made) -> Void)?)
        case made(Made)
    }

    private let eventLoop: any EventLoop
    private let threads: NIOThreadPool
    private let keepsContexts: Bool
    private let make: Make
    /// By the device's index in the run.
    private var slots: [Int: Slot] = [:]
    private var renewed: [Int: DeviceCredential] = [:]
    /// The first that was made: what the others take their common parts from.
    private var first: TLSContext?
    private(set) var beingMade = 0

    /// - Parameter keepsContexts: Whether a context stays here after it was taken, for devices that connect again and
    ///   again.
    init(eventLoop: any EventLoop, threads: NIOThreadPool, keepsContexts: Bool, make: @escaping Make) {
        self.eventLoop = eventLoop
        self.threads = threads
        self.keepsContexts = keepsContexts
        self.make = make
    }

    /// Contexts that are here or being made.
    var count: Int { slots.count }

    /// Begins making the device's context, if that was not done yet.
    func prepare(_ device: SimulatedDevice) {
        guard slots[device.index] == nil else { return }
        slots[device.index] = .making(waiting: nil)
        beingMade += 1
        let make = self.make
        let credential = renewed[device.index]
        let first = self.first
        threads.runIfActive(eventLoop: eventLoop) {
            try make(device, credential, first)
        }.assumeIsolated().whenComplete { [weak self] result in
            self?.arrived(device.index, result)
        }
    }

    /// Calls back with the device's context: at once if it is there, otherwise when it is made.
    func take(_ device: SimulatedDevice, _ body: @escaping (Made) -> Void) {
        prepare(device)
        switch slots[device.index] {
        case .made(let made):
            if !keepsContexts { slots[device.index] = nil }
            body(made)
        case .making, nil:
            // The one who waited before, if any, has given up its attempt.
            slots[device.index] = .making(waiting: body)
        }
    }

    /// From now on the device's contexts are made of this credential.
    func renew(_ device: SimulatedDevice, _ credential: DeviceCredential) {
        renewed[device.index] = credential
        switch slots[device.index] {
        case .made:
            slots[device.index] = nil
        case .making, nil:
            // One that is being made of the old one serves for a last time.
            break
        }
    }

    /// Runs something that takes its time on the threads that make contexts, and comes back to the loop.
    func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value, then: @escaping (Result<Value, any Error>) -> Void
    ) {
        threads.runIfActive(eventLoop: eventLoop, body).assumeIsolated().whenComplete(then)
    }

    private func arrived(_ deviceIndex: Int, _ made: Made) {
        beingMade -= 1
        if first == nil, case .success(let context) = made { first = context }
        guard case .making(let waiting) = slots[deviceIndex] else { return }
        slots[deviceIndex] = waiting == nil || keepsContexts ? .made(made) : nil
        waiting?(made)
    }
}
