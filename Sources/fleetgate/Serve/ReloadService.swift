import ServiceLifecycle
import UnixSignals

/// Reloads on SIGHUP.
struct ReloadService: Service {
    let reloader: Reloader

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        // What is wrong is in the log.
        for await _ in signals.cancelOnGracefulShutdown() { _ = try? await self.reloader.reload(by: "SIGHUP") }
    }
}
