import NIOCore
import NIOMbedTLS
import NIOPosix

/// Makes devices' TLS contexts beside the event loop, some ahead of their connect, and hands each over once.
///
/// Every device has its own certificate and so its own context. Parsing it takes as long as a good part of a handshake;
/// done on the event loop it would delay every other device. Belongs to one event loop.
final class ContextSupply {
    typealias Made = Result<TLSContext, any Error>

    private enum Slot {
        /// Being made; whoever came for it meanwhile waits.
        case making(waiting: ((Made) -> Void)?)
        case made(Made)
    }

    private let eventLoop: any EventLoop
    private let threads: NIOThreadPool
    private let keepsContexts: Bool
    private let make: @Sendable (_ deviceIndex: Int) throws -> sending TLSContext
    private var slots: [Int: Slot] = [:]

    /// - Parameters:
    ///   - keepsContexts: Whether a context stays here after it was taken, for devices that connect again and again.
    ///   - make: Runs on `threads`.
    init(
        eventLoop: any EventLoop, threads: NIOThreadPool, keepsContexts: Bool,
        make: @escaping @Sendable (_ deviceIndex: Int) throws -> sending TLSContext
    ) {
        self.eventLoop = eventLoop
        self.threads = threads
        self.keepsContexts = keepsContexts
        self.make = make
    }

    /// Begins making the device's context, if that was not done yet.
    func prepare(_ deviceIndex: Int) {
        guard slots[deviceIndex] == nil else { return }
        slots[deviceIndex] = .making(waiting: nil)
        let make = self.make
        let eventLoop = self.eventLoop
        threads.runIfActive(eventLoop: eventLoop) {
            // A context belongs to one thread at a time: it goes to the loop's, and stays there.
            NIOLoopBoundBox.makeBoxSendingValue(try make(deviceIndex), as: TLSContext.self, eventLoop: eventLoop)
        }.assumeIsolated().whenComplete { [weak self] result in
            self?.arrived(deviceIndex, result.map(\.value))
        }
    }

    /// Calls back with the device's context: at once if it is there, otherwise when it is made.
    func take(_ deviceIndex: Int, _ body: @escaping (Made) -> Void) {
        prepare(deviceIndex)
        switch slots[deviceIndex] {
        case .made(let made):
            if !keepsContexts { slots[deviceIndex] = nil }
            body(made)
        case .making, nil:
            // The one who waited before, if any, has given up its attempt.
            slots[deviceIndex] = .making(waiting: body)
        }
    }

    private func arrived(_ deviceIndex: Int, _ made: Made) {
        guard case .making(let waiting) = slots[deviceIndex] else { return }
        slots[deviceIndex] = waiting == nil || keepsContexts ? .made(made) : nil
        waiting?(made)
    }
}
