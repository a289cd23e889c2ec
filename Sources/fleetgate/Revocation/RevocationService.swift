import ServiceLifecycle

/// Runs the store beside the gateway.
struct RevocationService: Service {
    let store: RevocationStore

    func run() async throws {
        await cancelWhenGracefulShutdown { await store.run() }
    }
}
