import DeviceRegistry
import FleetPKI
import FleetPolicy
import NIOMbedTLS
import Synchronization
import Testing

@testable import Gateway
@testable import fleetgate

@Suite struct ObserverTests {
    private let gate: ObservationGate
    private let device: PeerCertificate

    init() throws {
        gate = try ObservationGate()
        device = try ObservedCredentials.get().device
    }

    private func journal() async throws -> [JournalRecord] {
        try await gate.store.flush(at: ObservationGate.now)
        return try await gate.store.journal(JournalQuery())
    }

    @Test func anEstablishedSessionIsInTheInventory() async throws {
        gate.observer.adopt(contexts: [:], bundles: [[1, 2]: "factory"])
        gate.observer.observe(ObservationGate.established(1, device, anchor: [1, 2]), at: ObservationGate.date())
        gate.observer.observe(ObservationGate.established(2, device), at: ObservationGate.date(5))
        try await gate.store.flush(at: ObservationGate.now)
        let row = try #require(try await gate.store.certificates(CertificateQuery()).first)
        #expect(row.fingerprint == device.sha256FingerprintHex)
        #expect(row.device == "hamburg/meter-4711")
        #expect(row.profile == "smart-meter")
        #expect(row.subject == device.subjectDescription)
        #expect(row.keyAlgorithm == "P-256")
        #expect(row.keyHash == HexadecimalText.text(device.publicKeySHA256))
        #expect(row.signatureAlgorithm == "ecdsa-with-SHA256")
        #expect(row.lastAddress == "192.0.2.7")
        #expect(row.anchor == "factory")
        #expect(row.count == 2)
        #expect(row.lastSeen == ObservationGate.now + 5)
        #expect(try await journal().isEmpty)
    }

    @Test func aFailedHandshakeIsInTheJournalWithWhatWasPresented() async throws {
        let hello = TLSClientHello(
            versions: [0x0303], cipherSuites: [0xC02B], namedGroups: [0x0017], signatureSchemes: [],
            serverName: "gate.example", applicationProtocols: ["mqtt"], offersResumption: false)
        gate.observer.observe(
            .handshakeFailed(
                connection: ObservationGate.connection(1),
                error: TLSError(
                    code: .unknownCA, fault: .peer, detail: "no anchor", peerCertificate: device,
                    alertSent: .unknownCA, clientHello: hello)), at: ObservationGate.date())
        let row = try #require(try await journal().first)
        #expect(row.reason == "unknown-ca")
        #expect(row.address == "192.0.2.7")
        #expect(row.alert == "sent unknown_ca")
        #expect(row.certificate?.fingerprint == device.sha256FingerprintHex)
        #expect(row.certificate?.subject == device.subjectDescription)
        #expect(row.certificate?.notAfter == device.notAfter)
        #expect(row.offer?.serverName == "gate.example")
        #expect(row.offer?.cipherSuites == ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
        #expect(row.hint.contains("Fleet Root"))
        #expect(try await gate.store.certificates(CertificateQuery()).isEmpty)
    }

    @Test func aRefusalByPolicyIsInTheJournal() async throws {
        gate.observer.observe(
            .policyDenied(
                connection: ObservationGate.connection(1), certificate: device, reason: "not-registered",
                detail: "d", clientHello: nil), at: ObservationGate.date())
        let row = try #require(try await journal().first)
        #expect(row.reason == "not-registered")
        #expect(row.hint.contains("fleetgate device add"))
    }

    @Test func aConnectionThatFailedIsInTheJournalAndAnEndedSessionIsNot() async throws {
        let observer = gate.observer
        observer.observe(ObservationGate.ended(1, device, .badPassword, .device), at: ObservationGate.date())
        observer.observe(ObservationGate.ended(2, device, .upstreamUnavailable, .upstream), at: ObservationGate.date())
        observer.observe(ObservationGate.ended(3, device, .deviceClosed, .network), at: ObservationGate.date())
        observer.observe(
            ObservationGate.ended(4, device, .init(rawValue: "certificate-revoked"), .operator),
            at: ObservationGate.date())
        observer.observe(ObservationGate.established(5, device), at: ObservationGate.date())
        observer.observe(ObservationGate.ended(5, device, .publishDenied, .device), at: ObservationGate.date())
        // Nobody fails by saying good-bye, nor by the gateway's own end.
        observer.observe(ObservationGate.ended(6, device, .deviceDisconnected, .none), at: ObservationGate.date())
        observer.observe(ObservationGate.ended(7, device, .shuttingDown, .operator), at: ObservationGate.date())
        let rows = try await journal()
        #expect(
            rows.map(\.reason).sorted()
                == ["bad-password", "certificate-revoked", "device-closed", "upstream-unavailable"])
        #expect(rows.allSatisfy { $0.device == "hamburg/meter-4711" })
        // The inventory knows whose fingerprint it is.
        #expect(rows.allSatisfy { $0.certificate?.subject == device.subjectDescription })
    }

    @Test func connectionsRefusedAtOnceAreSummedUp() async throws {
        for count in [5, 7] {
            gate.observer.observe(
                .connectionsRefused(reason: "rate-limited", count: count), at: ObservationGate.date())
        }
        let row = try #require(try await journal().first)
        #expect(row.count == 12)
        #expect(row.address.isEmpty)
    }

    @Test func aStolenKeyBecomesASuspicionThatDecisionsKnow() async throws {
        for index in 0..<8 {
            let address = index % 2 == 0 ? "192.0.2.7:1" : "198.51.100.9:1"
            gate.observer.observe(
                ObservationGate.established(UInt64(index), device, from: address),
                at: ObservationGate.date(Int64(index * 20)))
            gate.observer.observe(
                ObservationGate.ended(UInt64(index), device, .sessionTakenOver, .device, from: address),
                at: ObservationGate.date(Int64(index * 20 + 19)))
        }
        let signs = gate.observer.takeSigns()
        #expect(signs.count == 1)
        for sign in signs { await gate.suspicions.add(sign) }
        for sign in signs { await gate.suspicions.add(sign) }
        let suspected = Set([device.sha256Fingerprint])
        #expect(gate.published.sets.withLock { $0 } == [suspected])
        // The next run knows it too.
        let next = Suspicions(observer: gate.observer, logger: gate.logger) { [published = gate.published] set in
            published.sets.withLock { $0.append(set) }
        }
        try await next.load()
        #expect(gate.published.sets.withLock { $0 } == [suspected, suspected])
        #expect(try await next.clear(device.sha256Fingerprint))
        #expect(try await !next.clear(device.sha256Fingerprint))
        #expect(gate.published.sets.withLock { $0.last } == [])
    }

    @Test func aSuspicionEndsAfterAQuietTime() async throws {
        let networks = ["192.0.2.7", "198.51.100.9"].compactMap(ClientNetwork.init(address:))
        #expect(networks.count == 2)
        gate.observer.observe(ObservationGate.established(1, device), at: ObservationGate.date())
        gate.observer.observe(
            ObservationGate.established(2, device, from: "198.51.100.9:1"), at: ObservationGate.date(1))
        let signs = gate.observer.lastingSigns(at: ObservationGate.now + 10_000)
        #expect(signs.map(\.kind) == [.simultaneous])
        #expect(signs.first.map { Set($0.connections) } == [1, 2])
        for sign in signs { await gate.suspicions.add(sign) }
        try await gate.suspicions.expire(before: ObservationGate.now + 9_999)
        #expect(gate.published.sets.withLock { $0.count } == 1)
        try await gate.suspicions.expire(before: ObservationGate.now + 10_001)
        #expect(gate.published.sets.withLock { $0.last } == [])
        #expect(try await gate.store.suspicions().isEmpty)
    }

    @Test func sessionsWhoseEndWasLostAreForgotten() {
        gate.observer.observe(ObservationGate.established(1, device), at: ObservationGate.date())
        gate.observer.observe(
            ObservationGate.established(2, device, from: "198.51.100.9:1"), at: ObservationGate.date(1))
        gate.observer.forget([1], of: device.sha256Fingerprint, at: ObservationGate.now + 5)
        #expect(gate.observer.lastingSigns(at: ObservationGate.now + 10_000).isEmpty)
    }
}
