import Logging
import NIOPosix
import ServiceLifecycle

@testable import AdminAPI

/// Runs a gateway's admin socket with these routes while `body` runs.
func whileServing(
    _ routes: [ControlRoute], at path: String, logger: Logger, _ body: @escaping @Sendable () async throws -> Void
) async throws {
    let (starts, continuation) = AsyncStream<Void>.makeStream()
    var server = ControlServer(
        path: path, routes: routes, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    server.onListening = { continuation.yield() }
    let services = ServiceGroup(services: [server], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await services.run()
        }
        var iterator = starts.makeAsyncIterator()
        if await iterator.next() != nil {
            do {
                try await body()
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
        }
        try await group.waitForAll()
    }
}
