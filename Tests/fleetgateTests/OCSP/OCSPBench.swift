import FleetPKI
import FleetPolicy
import Foundation
import Gateway
import Logging
import Synchronization

@testable import fleetgate

/// A CA, a client that asks its responder, and a responder that does as it is told.
struct OCSPBench {
    static let address = "http://ocsp.example.org/"

    let root: CertificateAuthority
    let authority: AuthorityID
    let rootDER: [UInt8]
    let clock = OCSPTestClock()
    let responder: ScriptedResponder
    let client: OCSPClient

    init(
        policy: TrustAnchorRules.OCSPRule = .hardFail, _ change: (inout OCSPSettings.Bundle) -> Void = { _ in },
        cacheEntriesMax: Int = 100
    ) async throws {
        root = try CertificateAuthority.makeDevelopmentRoot()
        rootDER = try CertificateFile(contents: Array(root.certificatePEM.utf8)).der
        authority = AuthorityID(try AuthorityIDs.id(ofCertificateDER: rootDER))!
        responder = ScriptedResponder(root: root, rootDER: rootDER, clock: clock)
        client = OCSPClient(
            transport: responder.transport, clock: clock.clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var bundle = OCSPSettings.Bundle(policy: policy, responder: Self.address)
        change(&bundle)
        await client.adopt(
            OCSPSettings(bundles: ["field": bundle], cacheEntriesMax: cacheEntriesMax), anchors: [[1]: "field"],
            authorities: [rootDER])
    }

    func leaf(_ name: String = "meter-1", responder: String? = nil) throws -> IssuedCertificate {
        var extensions: [CertificateTemplate.RawExtension] = []
        if let responder {
            // AuthorityInfoAccess with one id-ad-ocsp.
            let location: [UInt8] = [0x86, UInt8(responder.utf8.count)] + Array(responder.utf8)
            let description: [UInt8] = [0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01] + location
            let sequence: [UInt8] = [0x30, UInt8(description.count)] + description
            extensions = [
                .init(
                    oid: "1.3.6.1.5.5.7.1.1", critical: false, value: [0x30, UInt8(sequence.count)] + sequence)
            ]
        }
        return try root.issue(.init(subject: [("CN", name)], additionalExtensions: extensions))
    }

    func id(_ leaf: IssuedCertificate) -> CertificateID {
        CertificateID(issuer: authority, serialNumber: HexadecimalText.bytes(leaf.serialNumber) ?? [])
    }

    func question(
        _ leaf: IssuedCertificate, rule: TrustAnchorRules.OCSPRule = .hardFail, anchor: [UInt8] = [1]
    ) -> RevocationQuestion {
        RevocationQuestion(certificate: id(leaf), issuer: rootDER, rule: rule, trustAnchorSHA256: anchor)
    }

    func subject(_ leaf: IssuedCertificate) -> OCSPSubject {
        OCSPSubject(certificate: id(leaf), der: leaf.certificateDER, trustAnchorSHA256: [1])
    }

    func standing(_ leaf: IssuedCertificate) async -> OCSPStanding {
        await client.standing(of: question(leaf), certificate: leaf.certificateDER)
    }

    func session(_ leaf: IssuedCertificate) -> LiveSession {
        LiveSession(
            key: DeviceKey(tenant: "default", deviceID: "meter-1"), profile: "meter", connectionID: 1,
            remoteAddress: "127.0.0.1:1", since: 0, clientID: nil, certificate: leaf.certificateDER,
            certificateSHA256: [], quarantine: nil, isEstablished: true, certificateID: id(leaf),
            trustAnchorSHA256: [1])
    }
}

/// Time that goes on when a test says so.
final class OCSPTestClock: Sendable {
    private struct State {
        var elapsed: Duration = .zero
        var nextID = 0
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, Never>)] = [:]
        var cancelled: Set<Int> = []
    }

    static let start: Int64 = Int64(Date().timeIntervalSince1970)
    private let state = Mutex(State())

    var now: Int64 { Self.start + state.withLock { $0.elapsed.components.seconds } }
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    var clock: OCSPClock {
        OCSPClock(
            wall: { self.now }, elapsed: { self.state.withLock { $0.elapsed } }, sleep: { await self.sleep($0) })
    }

    func advance(_ time: Duration) {
        let due = state.withLock { state in
            state.elapsed += time
            let due = state.sleepers.filter { $0.value.until <= state.elapsed }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    private func sleep(_ time: Duration) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(id) != nil || Task.isCancelled { return true }
                    state.sleepers[id] = (state.elapsed + time, continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume()
        }
    }
}

/// A responder of a CA, which answers as it is told.
actor ScriptedResponder {
    enum Act: Sendable {
        case status(OCSPAnswer.Status, life: Int64)
        case bytes([UInt8])
        case fails(HTTPFetchError.Reason)
        /// Says so and does nothing before ``go()``, and is good then.
        case holds
    }

    private let root: CertificateAuthority
    private let rootDER: [UInt8]
    private let clock: OCSPTestClock
    private(set) var act = Act.status(.good, life: 600)
    private(set) var requests: [OCSPTransport.Request] = []
    private(set) var inFlight = 0
    private(set) var inFlightMax = 0
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    init(root: CertificateAuthority, rootDER: [UInt8], clock: OCSPTestClock) {
        self.root = root
        self.rootDER = rootDER
        self.clock = clock
    }

    nonisolated var transport: OCSPTransport {
        OCSPTransport { request throws(HTTPFetchError) in try await self.answer(request) }
    }

    func does(_ act: Act) { self.act = act }

    /// When so many requests have come.
    func received(_ count: Int) async {
        guard requests.count < count else { return }
        await withCheckedContinuation { watchers.append((count, $0)) }
    }

    /// Lets all requests that are held go on.
    func go() {
        act = .status(.good, life: 600)
        for continuation in held { continuation.resume() }
        held = []
    }

    private func answer(_ request: OCSPTransport.Request) async throws(HTTPFetchError) -> [UInt8] {
        requests.append(request)
        inFlight += 1
        inFlightMax = max(inFlightMax, inFlight)
        defer { inFlight -= 1 }
        for watcher in watchers where watcher.count <= requests.count { watcher.continuation.resume() }
        watchers.removeAll { $0.count <= requests.count }
        if case .holds = act { await withCheckedContinuation { held.append($0) } }
        switch act {
        case .fails(let reason): throw HTTPFetchError(reason, "as it was told")
        case .bytes(let bytes): return bytes
        case .status(let status, let life): return try response(request.body, status, life: life)
        case .holds: return try response(request.body, .good, life: 600)
        }
    }

    private func response(
        _ body: [UInt8], _ status: OCSPAnswer.Status, life: Int64
    ) throws(HTTPFetchError) -> [UInt8] {
        do {
            let request = try OCSPRequest(der: body)
            let singles = request.certificates.map {
                OCSPResponseTemplate.Single(
                    certificate: $0, status: status, thisUpdate: clock.now, nextUpdate: clock.now + life)
            }
            return try OCSPResponseTemplate(
                singles: singles, producedAt: clock.now, responder: root.certificate, nonce: request.nonce
            ).der(signedBy: root.key)
        } catch {
            throw HTTPFetchError(.badAnswer, "\(error)")
        }
    }
}
