import AdminAPI
import DeviceRegistry
import FleetPolicy
import Foundation

/// What goes over the admin socket for journal and inventory, beside the queries themselves.
enum ObservationExchange {
    static let journalRoute = "observations/journal"
    static let certificatesRoute = "observations/certificates"
    static let duplicatesRoute = "observations/duplicates"
    static let clonesRoute = "observations/clones"
    static let clearRoute = "observations/clear-clone"

    struct Nothing: Sendable, Hashable, Codable {}

    struct Clear: Sendable, Hashable, Codable {
        /// SHA-256 in hexadecimal.
        var fingerprint: String
    }

    struct Cleared: Sendable, Hashable, Codable {
        var wasSuspected: Bool
    }
}

extension ControlRoutes {
    /// The server's side of `journal` and `certs`. What was observed before the question is in the answer.
    ///
    /// - Parameter cleared: Is told which operator has ended the suspicion of which certificate (SHA-256, hexadecimal).
    static func observations(
        _ store: ObservationStore, _ suspicions: Suspicions,
        cleared: @escaping @Sendable (_ actor: String, _ fingerprint: String) -> Void = { _, _ in }
    ) -> [ControlRoute] {
        let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        return [
            ControlRoute(ObservationExchange.journalRoute) { request, answer in
                let query = try await request.decode(JournalQuery.self)
                let records = try await failing { () async throws(RegistryError) in
                    try await store.flush(at: now())
                    return try await store.journal(query)
                }
                for record in records { try await answer.item(record) }
                return ControlDone()
            },
            ControlRoute(ObservationExchange.certificatesRoute) { request, answer in
                let query = try await request.decode(CertificateQuery.self)
                let certificates = try await failing { () async throws(RegistryError) in
                    try await store.flush(at: now())
                    return try await store.certificates(query)
                }
                for certificate in certificates { try await answer.item(certificate) }
                return ControlDone()
            },
            ControlRoute(ObservationExchange.duplicatesRoute) { _, answer in
                let groups = try await failing { () async throws(RegistryError) in
                    try await store.flush(at: now())
                    return try await store.duplicates(at: now())
                }
                for group in groups { try await answer.item(group) }
                return ControlDone()
            },
            ControlRoute(ObservationExchange.clonesRoute) { _, answer in
                let all = try await failing { () async throws(RegistryError) in try await store.suspicions() }
                for suspicion in all { try await answer.item(suspicion) }
                return ControlDone()
            },
            ControlRoute(ObservationExchange.clearRoute) { request, _ in
                let clear = try await request.decode(ObservationExchange.Clear.self)
                guard let fingerprint = HexadecimalText.bytes(clear.fingerprint), fingerprint.count == 32 else {
                    throw ControlFailure.badRequest("`fingerprint` is not a SHA-256 hash")
                }
                do {
                    let wasSuspected = try await suspicions.clear(fingerprint)
                    if wasSuspected {
                        cleared(OperatorName.name(of: request.peer), HexadecimalText.text(fingerprint))
                    }
                    return ObservationExchange.Cleared(wasSuspected: wasSuspected)
                } catch let error as RegistryError {
                    throw ControlFailure(error)
                }
            },
        ]
    }

    private static func failing<Answer: Sendable>(
        _ body: () async throws(RegistryError) -> Answer
    ) async throws(ControlFailure) -> Answer {
        do {
            return try await body()
        } catch {
            throw ControlFailure(error)
        }
    }
}
