import FleetPKI
import FleetPolicy
import Foundation
import Logging
import Synchronization

@testable import fleetgate

/// A CA with what tests of its lists need.
struct ListingCA {
    /// An hour before the tests.
    static let moment = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down) - 3600)

    let authority: CertificateAuthority
    let bundle: String

    init(_ name: String = "Test CA", bundle: String = "default") throws {
        self.init(try CertificateAuthority.makeDevelopmentRoot(commonName: name), bundle: bundle)
    }

    init(_ authority: CertificateAuthority, bundle: String = "default") {
        self.authority = authority
        self.bundle = bundle
    }

    var der: [UInt8] { get throws { try CertificateFile(contents: Array(authority.certificatePEM.utf8)).der } }
    var certificate: AuthorityCertificate { get throws { try AuthorityCertificate(der: der, bundle: bundle) } }
    var id: AuthorityID { get throws { try certificate.id } }

    /// - Parameters:
    ///   - thisUpdate: In seconds after ``moment``.
    ///   - nextUpdate: Likewise.
    func list(
        _ serials: [String] = [], number: UInt64 = 1, thisUpdate: TimeInterval = 0, nextUpdate: TimeInterval = 86_400
    ) throws -> [UInt8] {
        try authority.issueCRL(
            revoked: serials.map { .init(serialNumber: $0, revokedAt: Self.moment, reason: .keyCompromise) },
            thisUpdate: Self.moment + thisUpdate, nextUpdate: Self.moment + nextUpdate, number: number
        ).der
    }

    func certificateID(_ serial: String) throws -> CertificateID {
        CertificateID(issuer: try id, serialNumber: HexadecimalText.bytes(serial) ?? [])
    }
}

enum PEMText {
    static func list(_ der: [UInt8]) -> [UInt8] {
        let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN X509 CRL-----\n\(base64)\n-----END X509 CRL-----\n".utf8)
    }
}

/// The changes that a store hands on, and the store itself, with everything that a test may turn.
final class StoreBench: Sendable {
    let store: RevocationStore
    let changes: AsyncStream<RevocationChange>
    private let continuation: AsyncStream<RevocationChange>.Continuation

    init() {
        let (changes, continuation) = AsyncStream.makeStream(of: RevocationChange.self)
        (self.changes, self.continuation) = (changes, continuation)
        let box = Box()
        store = RevocationStore(
            logger: Logger(label: "test") { _ in ReasonHandler(box: box) },
            now: { box.now.withLock { $0 } })
        self.box = box
    }

    private let box: Box

    fileprivate final class Box: Sendable {
        let now = Mutex(Int64(ListingCA.moment.timeIntervalSince1970) + 3600)
        let reasons = Mutex<[String]>([])
    }

    /// Of the problems that were logged.
    var reasons: [String] { box.reasons.withLock { $0 } }

    func turnClock(by seconds: Int64) { box.now.withLock { $0 += seconds } }

    func observe() async {
        let continuation = continuation
        await store.observe { change in
            continuation.yield(change)
            return change.authorities.count + change.certificates.count + change.fingerprints.count
        }
    }

    /// Runs the store while `body` does.
    func whileRunning(_ body: (_ next: () async -> RevocationChange?) async throws -> Void) async throws {
        await observe()
        let task = Task { await store.run() }
        var iterator = changes.makeAsyncIterator()
        do {
            try await body { await iterator.next() }
        } catch {
            task.cancel()
            await task.value
            throw error
        }
        task.cancel()
        await task.value
    }

    private struct ReasonHandler: LogHandler {
        let box: Box
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if let reason = event.metadata?["reason"] { box.reasons.withLock { $0.append("\(reason)") } }
        }
    }
}

extension RevocationSettings {
    static func test(
        _ sources: [Source], policy: TrustAnchorRules.ListRule = .optional, cache: String? = nil,
        bundle: String = "default"
    ) -> RevocationSettings {
        var settings = RevocationSettings()
        settings.bundles[bundle] = Bundle(policy: policy, sources: sources)
        settings.pollInterval = .milliseconds(50)
        settings.retryInterval = .seconds(1)
        settings.cacheFolder = cache
        return settings
    }
}
