import AdminAPI
import DeviceRegistry
import FleetPolicy
import Foundation

/// Where `journal` and `certs` get what they show: from the running gateway, or from its file when none runs.
///
/// Throws `ControlFailure`; over the socket also ``ControlClientError``.
protocol ObservationSource: Sendable {
    func journal(_ query: JournalQuery) async throws -> [JournalRecord]
    func certificates(_ query: CertificateQuery) async throws -> [ObservedCertificate]
    func duplicates() async throws -> [CertificateDuplicates]
    func suspicions() async throws -> [CloneSuspicion]
    /// - Returns: Whether there was a suspicion.
    func clearSuspicion(of fingerprint: String) async throws -> Bool
}

/// Of the running gateway.
struct GatewayObservations: ObservationSource {
    let client: ControlClient

    func journal(_ query: JournalQuery) async throws -> [JournalRecord] {
        try await items(ObservationExchange.journalRoute, query)
    }

    func certificates(_ query: CertificateQuery) async throws -> [ObservedCertificate] {
        try await items(ObservationExchange.certificatesRoute, query)
    }

    func duplicates() async throws -> [CertificateDuplicates] {
        try await items(ObservationExchange.duplicatesRoute, ObservationExchange.Nothing())
    }

    func suspicions() async throws -> [CloneSuspicion] {
        try await items(ObservationExchange.clonesRoute, ObservationExchange.Nothing())
    }

    func clearSuspicion(of fingerprint: String) async throws -> Bool {
        try await client.call(
            ObservationExchange.clearRoute, ObservationExchange.Clear(fingerprint: fingerprint),
            as: ObservationExchange.Cleared.self
        ).wasSuspected
    }

    private func items<Item: Decodable & Sendable>(
        _ route: String, _ body: some Encodable & Sendable
    ) async throws -> [Item] {
        let items = ReceivedItems<Item>()
        _ = try await client.call(route, body, as: ControlDone.self) { (item: Item) in await items.append(item) }
        return await items.all
    }
}

/// The items of one answer, which is bounded by the page that was asked for.
private actor ReceivedItems<Item: Sendable> {
    private(set) var all: [Item] = []

    func append(_ item: Item) { all.append(item) }
}

/// Of the file, when no gateway runs.
struct FileObservations: ObservationSource {
    let path: String
    /// Opened for reading only.
    let store: ObservationStore

    init(path: String) throws {
        self.path = path
        do throws(RegistryError) {
            store = try ObservationStore(reading: path)
        } catch {
            throw CommandFailure("the observations \(path): \(error.message)")
        }
    }

    func journal(_ query: JournalQuery) async throws -> [JournalRecord] {
        try await failing { () async throws(RegistryError) in try await store.journal(query) }
    }

    func certificates(_ query: CertificateQuery) async throws -> [ObservedCertificate] {
        try await failing { () async throws(RegistryError) in try await store.certificates(query) }
    }

    func duplicates() async throws -> [CertificateDuplicates] {
        let now = Int64(Date().timeIntervalSince1970)
        return try await failing { () async throws(RegistryError) in try await store.duplicates(at: now) }
    }

    func suspicions() async throws -> [CloneSuspicion] {
        try await failing { () async throws(RegistryError) in try await store.suspicions() }
    }

    /// The only thing that changes the file: it is opened anew for it.
    func clearSuspicion(of fingerprint: String) async throws -> Bool {
        try await failing { () async throws(RegistryError) in
            let writable = try ObservationStore(path: path)
            let wasSuspected = try await writable.clearSuspicion(of: fingerprint)
            try writable.close()
            return wasSuspected
        }
    }

    private func failing<Answer: Sendable>(
        _ body: () async throws(RegistryError) -> Answer
    ) async throws -> Answer {
        do {
            return try await body()
        } catch {
            throw ControlFailure(error)
        }
    }
}

/// Finds out where the commands go.
enum ObservationAccess {
    /// - Throws: ``CommandFailure``, ``ControlClientError``.
    static func source(at location: ControlLocation) async throws -> any ObservationSource {
        let client = ControlClient(socketPath: location.socketPath)
        do {
            try await client.greet()
            return GatewayObservations(client: client)
        } catch let error as ControlClientError where error.reason == .notRunning {
            guard let path = location.observationsPath else {
                throw CommandFailure("\(error); with --config, the file of observations could be used")
            }
            guard FileManager.default.fileExists(atPath: path) else {
                throw CommandFailure("the gateway is not running, and there are no observations at \(path)")
            }
            Terminal.printError("the gateway is not running; reading the observations \(LogText.visible(path))")
            return try FileObservations(path: path)
        }
    }
}
