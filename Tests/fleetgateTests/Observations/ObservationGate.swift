import AdminAPI
import DeviceRegistry
import FleetPKI
import FleetPolicy
import Foundation
import Logging
import NIOMbedTLS
import Synchronization

@testable import AdminAPI
@testable import Gateway
@testable import fleetgate

/// Observations of a gateway: a real store in a folder of the test's own, behind a real socket or by its file.
final class ObservationGate: Sendable {
    static let now: Int64 = 1_800_000_000

    let folder: TemporaryFolder
    let store: ObservationStore
    let observer: Observer
    let suspicions: Suspicions
    let published: Published
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let location: ControlLocation

    /// What decisions were told.
    final class Published: Sendable {
        let sets = Mutex<[Set<[UInt8]>]>([])
    }

    init(_ folder: TemporaryFolder? = nil) throws {
        let folder = try folder ?? TemporaryFolder()
        let published = Published()
        self.folder = folder
        self.published = published
        let file = folder.path + "/observations.sqlite"
        store = try ObservationStore(path: file)
        observer = Observer(store: store, clones: CloneThresholds())
        suspicions = Suspicions(observer: observer, logger: logger) { set in
            published.sets.withLock { $0.append(set) }
        }
        // A socket's path has to be short.
        location = ControlLocation(
            socketPath: "/tmp/fgo-" + String(UInt32.random(in: .min ... .max), radix: 36), registryPath: nil,
            observationsPath: file)
    }

    /// A running gateway, as far as the commands can tell.
    func whileRunning(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await whileServing(
            ControlRoutes.observations(store, suspicions), at: location.socketPath, logger: logger, body)
    }

    // MARK: Events

    static func date(_ seconds: Int64 = 0) -> Date { Date(timeIntervalSince1970: TimeInterval(now + seconds)) }

    static func connection(_ id: UInt64, from address: String = "192.0.2.7:50000") -> ConnectionDescription {
        ConnectionDescription(id: id, remoteAddress: address, listener: "default")
    }

    static let device = DeviceDescription(
        deviceID: "meter-4711", tenant: "hamburg", profile: "smart-meter", quarantine: nil)

    static func handshake(of certificate: PeerCertificate, anchor: [UInt8]? = nil) -> HandshakeDescription {
        HandshakeDescription(
            version: .v1_3, serverName: nil, isResumed: false, certificateSHA256: certificate.sha256Fingerprint,
            certificate: nil, trustAnchorSHA256: anchor, finishedAt: now)
    }

    static func established(
        _ id: UInt64, _ certificate: PeerCertificate, from address: String = "192.0.2.7:50000", anchor: [UInt8]? = nil
    ) -> GatewayEvent {
        .sessionEstablished(
            connection: connection(id, from: address), device: device, certificate: certificate, clientID: "c",
            handshake: handshake(of: certificate, anchor: anchor))
    }

    static func ended(
        _ id: UInt64, _ certificate: PeerCertificate, _ code: SessionEnd.Code, _ fault: SessionEnd.Fault,
        from address: String = "192.0.2.7:50000"
    ) -> GatewayEvent {
        .sessionEnded(
            connection: connection(id, from: address), device: device, handshake: handshake(of: certificate),
            end: SessionEnd(code, fault, answer: nil, "said in a test"))
    }
}

/// Certificates for hints and inventory, made once for a run.
struct ObservedCredentials {
    let root: CertificateAuthority
    let rootCertificate: PeerCertificate
    let device: PeerCertificate

    private static let made = Result { try ObservedCredentials() }
    static func get() throws -> ObservedCredentials { try made.get() }

    private init() throws {
        root = try CertificateAuthority.makeDevelopmentRoot(commonName: "Fleet Root", maxPathLength: nil)
        rootCertificate = try Self.read(try root.certificatePEM)
        device = try Self.issue(root)
    }

    static func issue(
        _ authority: CertificateAuthority, _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> PeerCertificate {
        var template = CertificateTemplate(subject: [("O", "Elbe Netz"), ("CN", "meter-4711")])
        change(&template)
        return try read(try authority.issue(template).chainPEM)
    }

    /// The first certificate of a PEM text.
    static func read(_ pem: String) throws -> PeerCertificate {
        let body = pem.components(separatedBy: "-----END CERTIFICATE-----").first ?? ""
        let base64 = body.components(separatedBy: "-----BEGIN CERTIFICATE-----").last ?? ""
        let der = Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data()
        return try PeerCertificate(parsing: Array(der))
    }
}
