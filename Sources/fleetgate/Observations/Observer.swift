import DeviceRegistry
import FleetPolicy
import Foundation
import Gateway
import Logging
import NIOMbedTLS
import Synchronization

/// Sorts what happens on the data plane into inventory, journal and the watch for clones.
///
/// Safe to use from any thread but an event loop's; nothing waits for the disk.
final class Observer: Sendable {
    /// Sessions that are remembered as accepted by the broker, by 8 bytes each: more than one machine carries.
    private static let sessionsMax = 1_000_000
    /// Signs of clones that wait for the service.
    private static let signsMax = 1024

    private struct State {
        var detector: CloneDetector?
        /// Connections whose CONNECT was accepted.
        var established: Set<UInt64> = []
        var signs: [CloneSign] = []
        var contexts: [String: HintContext] = [:]
        /// By the SHA-256 of the anchor's certificate.
        var bundles: [[UInt8]: String] = [:]
    }

    let store: ObservationStore
    private let state: Mutex<State>

    /// - Parameter clones: Nil: nobody watches for clones.
    init(store: ObservationStore, clones: CloneThresholds?) {
        self.store = store
        state = Mutex(State(detector: clones.map { CloneDetector(thresholds: $0) }))
    }

    /// What hints and inventory know of the configuration.
    ///
    /// - Parameters:
    ///   - contexts: By the listeners' names.
    ///   - bundles: The names of the anchors' bundles, by the SHA-256 of the anchor's certificate.
    func adopt(contexts: [String: HintContext], bundles: [[UInt8]: String]) {
        state.withLock { state in
            state.contexts = contexts
            state.bundles = bundles
        }
    }

    func observe(_ event: GatewayEvent, at date: Date) {
        let now = Int64(date.timeIntervalSince1970)
        switch event {
        case .connectionsRefused(let reason, let count):
            store.record(JournalRecord(refusedBeforeHandshake: reason, count: count, at: now))
        case .handshakeFailed(let connection, let error):
            let context = state.withLock { $0.contexts[connection.listener] }
            let hint = HandshakeHint.text(for: error, context: context, now: now)
            store.record(JournalRecord(error, connection, hint: hint, at: now))
        case .policyDenied(let connection, let certificate, let reason, let detail, let hello):
            store.record(JournalRecord(denied: reason, detail: detail, certificate, hello, connection, at: now))
        case .sessionEstablished(let connection, let device, let certificate, _, let handshake):
            established(connection, device, certificate, handshake, at: now)
        case .sessionEnded(let connection, let device, let handshake, let end):
            ended(connection, device, handshake, end, at: now)
        case .registrationWanted, .chainSeen, .packetDenied:
            break
        }
    }

    private func established(
        _ connection: ConnectionDescription, _ device: DeviceDescription, _ certificate: PeerCertificate,
        _ handshake: HandshakeDescription, at now: Int64
    ) {
        let network = ClientNetwork(address: connection.remoteAddress)
        let bundle = state.withLock { state in
            if state.established.count < Self.sessionsMax { state.established.insert(connection.id) }
            if let network {
                let sign = state.detector?.began(
                    handshake.certificateSHA256, from: network, connection: connection.id, at: now)
                Self.keep(sign, &state)
            }
            return handshake.trustAnchorSHA256.flatMap { state.bundles[$0] }
        }
        store.record(
            ObservedCertificate(
                certificate, issuerID: handshake.certificate?.issuer, device: device,
                address: connection.remoteAddress, anchor: bundle ?? "", at: now))
    }

    private func ended(
        _ connection: ConnectionDescription, _ device: DeviceDescription?, _ handshake: HandshakeDescription?,
        _ end: SessionEnd, at now: Int64
    ) {
        let wasEstablished = state.withLock { state in
            if let handshake {
                let sign = state.detector?.ended(
                    handshake.certificateSHA256, connection: connection.id, Self.ending(end), at: now)
                Self.keep(sign, &state)
            }
            return state.established.remove(connection.id) != nil
        }
        if !wasEstablished, Self.isFailure(end) {
            store.record(JournalRecord(refused: end, device, handshake, connection, at: now))
        }
    }

    private static func keep(_ sign: CloneSign?, _ state: inout State) {
        if let sign, state.signs.count < signsMax { state.signs.append(sign) }
    }

    private static func ending(_ end: SessionEnd) -> CloneDetector.Ending {
        switch end.code {
        case .deviceDisconnected, .deviceClosed: .byDevice
        case .sessionTakenOver: .displaced
        case _: .other
        }
    }

    /// Whether a connection that ended before its session was established has failed, whoever's fault it is: who asks why a
    /// device is not in must find the answer. The gateway's own end fails nobody.
    private static func isFailure(_ end: SessionEnd) -> Bool {
        end.fault != .none && end.code != .shuttingDown
    }

    // MARK: For the service

    /// Signs of clones since the last call.
    func takeSigns() -> [CloneSign] {
        state.withLock { state in
            defer { state.signs = [] }
            return state.signs
        }
    }

    /// Certificates with sessions in two networks for long; to be asked for once a minute.
    func lastingSigns(at now: Int64) -> [CloneSign] {
        state.withLock { $0.detector?.check(at: now) ?? [] }
    }

    /// Sessions that have ended although no event said so: the stream of events was full.
    func forget(_ connections: [UInt64], of fingerprint: [UInt8], at now: Int64) {
        state.withLock { state in
            for connection in connections {
                _ = state.detector?.ended(fingerprint, connection: connection, .other, at: now)
                state.established.remove(connection)
            }
        }
    }

    /// Forgets what was held against a certificate.
    func clear(_ fingerprint: [UInt8]) {
        state.withLock { $0.detector?.clear(fingerprint) }
    }
}
