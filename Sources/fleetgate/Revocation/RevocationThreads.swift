import NIOPosix

/// Where lists are read and checked: a thread of its own, so that neither devices nor other tasks wait for a list of a
/// million entries.
enum RevocationThreads {
    private static let pool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await pool.runIfActive(body)
    }
}
