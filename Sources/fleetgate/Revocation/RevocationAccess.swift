import AdminAPI
import FleetPolicy
import Foundation

/// Where `fleetgate revoke` goes: to the running gateway, or to the file when none runs. Never to both.
enum RevocationAccess: Sendable {
    case gateway(ControlClient)
    case file(LocalRevocations)

    /// - Parameter isForChange: Whether the file is to be changed, when it comes to that.
    /// - Throws: ``CommandFailure``, ``ControlClientError``, ``RevocationProblem``.
    static func open(_ location: ControlLocation, isForChange: Bool) async throws -> RevocationAccess {
        let client = ControlClient(socketPath: location.socketPath)
        do {
            try await client.greet()
            return .gateway(client)
        } catch let error as ControlClientError where error.reason == .notRunning {
            guard let registry = location.registryPath else {
                throw CommandFailure("\(error); with --config, the file of revocations could be used")
            }
            let path = LocalRevocations.path(besideRegistry: registry)
            Terminal.printError("the gateway is not running; working on the file \(LogText.visible(path))")
            return .file(try LocalRevocations(path: path, isExclusive: isForChange))
        }
    }

    /// - Throws: `ControlFailure`; over the socket also ``ControlClientError``.
    func apply(_ command: RevocationExchange.Command) async throws -> RevocationExchange.Outcome {
        switch self {
        case .gateway(let client): return try await client.call(RevocationExchange.changeRoute, command)
        case .file(let locals):
            do throws(RevocationProblem) {
                return RevocationExchange.Outcome(
                    changed: try await locals.apply(command, by: OperatorName.own, at: Date(), knowledge: nil))
            } catch {
                throw ControlFailure(error)
            }
        }
    }

    /// Hands over all revocations, in the order in which they were made.
    func list(_ body: @escaping @Sendable (LocalRevocation) async throws -> Void) async throws {
        switch self {
        case .gateway(let client):
            _ = try await client.call(RevocationExchange.listRoute, ControlDone(), as: ControlDone.self) {
                (revocation: LocalRevocation) in try await body(revocation)
            }
        case .file(let locals): for revocation in await locals.all { try await body(revocation) }
        }
    }
}

/// The items of one answer.
actor CollectedItems<Item: Sendable> {
    private(set) var all: [Item] = []

    func append(_ item: Item) { all.append(item) }
}
