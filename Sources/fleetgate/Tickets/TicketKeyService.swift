import FleetPolicy
import Foundation
import Logging
import Metrics
import NIOMbedTLS
import ServiceLifecycle

/// Hands the gateway its ticket keys, those of the start and every change of them.
actor TicketKeyService: Service {
    /// Between two looks at the file. A key is announced minutes before it seals, so that no gateway needs to be faster.
    static let pollInterval: Duration = .seconds(2)

    private var keeper: TicketKeyKeeper
    private let adopt: @Sendable ([TLSTicketKey]) async throws -> Void
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let usable = Gauge(label: "fleetgate_ticket_keys")
    private let changes = Counter(label: "fleetgate_ticket_key_changes_total")

    /// - Parameter adopt: Has the gateway use keys; the first seals.
    init(
        keeper: TicketKeyKeeper, logger: Logger,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        adopt: @escaping @Sendable ([TLSTicketKey]) async throws -> Void
    ) {
        self.keeper = keeper
        self.logger = logger
        self.now = now
        self.adopt = adopt
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                try? await Task.sleep(for: Self.pollInterval)
            }
        }
    }

    /// One look at the file. Called by the service; and once before the gateway listens, so that the first device finds
    /// the keys in place.
    func look() async {
        let now = now()
        switch keeper.look(at: now) {
        case .unchanged: return
        case .failed(let error):
            logger.log(
                .error, "the ticket keys cannot be used; those of before stay in force until they end",
                fields: [.code: "\(error.code.rawValue)", .reason: "\(error.description)"])
            count("failed")
        case .changed:
            let keys = keeper.tlsKeys(at: now)
            do {
                try await adopt(keys)
                logger.log(.info, "ticket keys in force", fields: [.count: "\(keys.count)"])
                count("adopted")
            } catch {
                logger.log(.error, "the ticket keys were not taken over", fields: [.reason: "\(error)"])
                count("refused")
            }
            if keys.isEmpty {
                logger.log(
                    .warning, "no ticket key is good now: all devices have full handshakes",
                    fields: [.file: "\(keeper.settings.file?.value ?? "")"])
            }
            usable.record(keys.count)
        }
    }

    private func count(_ outcome: String) {
        Counter(label: changes.label, dimensions: [("outcome", outcome)]).increment()
    }
}

/// The metrics of ticket keys with their help texts.
enum TicketMetricDescriptions {
    static let all: [(name: String, help: String)] = [
        ("fleetgate_ticket_keys", "Keys that session tickets are opened with now; 0: no tickets are given."),
        ("fleetgate_ticket_key_changes_total", "Changes of the ticket keys, by outcome."),
    ]
}
