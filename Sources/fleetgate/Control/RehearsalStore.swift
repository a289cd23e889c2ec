import DeviceRegistry
import FleetPolicy
import Synchronization

/// A store in which everything is tried and nothing stays: for imports that are only checked.
struct RehearsalStore: DeviceStore {
    let base: any DeviceStore

    /// What is decided about commands is read in their transactions; the directory is for the data plane.
    func loadDirectory() async throws(RegistryError) -> DeviceDirectory { .empty }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreReader) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        try await base.read(body)
    }

    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (any DeviceStoreWriter) throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        let held = Held<Answer>()
        // What is thrown out of the transaction undoes it; this error is never seen.
        let undo = RegistryError(.storeFailed, "a rehearsal is undone")
        do throws(RegistryError) {
            return try await base.write { writer throws(RegistryError) in
                let answer = try body(writer)
                held.answer.withLock { $0 = answer }
                throw undo
            }
        } catch {
            guard error == undo, let answer = held.answer.withLock({ $0 }) else { throw error }
            return answer
        }
    }

    /// The store goes on to be used by whoever has it.
    func close() async throws(RegistryError) {}

    private final class Held<Answer: Sendable>: Sendable {
        let answer = Mutex<Answer?>(nil)
    }
}
