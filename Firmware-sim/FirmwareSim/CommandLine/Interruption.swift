import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ctrl-C and SIGTERM: the first asks for an early end with a report, a second one ends the program as usual.
struct Interruption {
    /// Safe to use from any thread.
    final class Request: Sendable {
        private let wasMade = Atomic(false)

        var isMade: Bool { wasMade.load(ordering: .relaxed) }

        func make() { wasMade.store(true, ordering: .relaxed) }
    }

    let request = Request()
    private let sources: [any DispatchSourceSignal]

    init() {
        let request = self.request
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                request.make()
                signal(number, SIG_DFL)
            }
            source.resume()
            return source
        }
    }

    /// Gives the signals back.
    func cancel() {
        for source in sources { source.cancel() }
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
    }
}
