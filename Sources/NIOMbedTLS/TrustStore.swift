internal import CMbedTLS
internal import Synchronization

/// The trust anchors of a context, with the intermediates configured: what mbedTLS verifies with, and what is known of
/// each. Immutable but for what it remembers of others.
///
/// Contexts of one event loop can share it; of two loops they must not, because mbedTLS 2.28 computes with the anchors'
/// own curves.
final class TrustStore {
    /// As given, to recognise it by.
    let pem: [UInt8]
    let intermediatesPEM: [UInt8]
    /// A server's has tables with which signatures are checked.
    let role: TLSConfiguration.Role
    /// Whether keys that are too weak were accepted in the intermediates.
    let weakKeysAllowed: Bool
    /// What mbedTLS takes as trusted: the anchors, then the intermediates.
    let certificates: CertificateChain
    /// In the order of the PEM.
    let anchors: [VerificationRules.Anchor]
    let standIns: [VerificationRules.StandIn]
    /// Configured too, but not valid when this was made.
    let unusedStandIns: [VerificationRules.StandIn]
    let values: [TLSTrustAnchor]
    /// SHA-256 of all anchors' fingerprints in their order: the same for stores of the same anchors.
    let digest: [UInt8]
    let firstServer = FirstServer()
    let authorities = AuthorityCache()

    /// - Parameter certificates: the anchors, parsed; the intermediates are added to them.
    init(
        _ configuration: TLSConfiguration, _ certificates: CertificateChain, now: Int64
    ) throws(IntermediateProblem) {
        var anchors: [VerificationRules.Anchor] = []
        for (index, der) in certificates.ders.enumerated() {
            do throws(DERReader.Failure) {
                anchors.append(try VerificationRules.Anchor(der: der))
            } catch {
                throw IntermediateProblem(isAboutAnchor: true, detail: "number \(index + 1): \(error.detail)")
            }
        }
        self.pem = configuration.trustAnchorsPEM
        self.intermediatesPEM = configuration.intermediatesPEM
        self.role = configuration.role
        self.weakKeysAllowed = !configuration.leafPolicy.refusesWeakKeys
        self.certificates = certificates
        self.anchors = anchors
        let configured = try Self.standIns(configuration, below: certificates, anchors)
        // mbedTLS prefers what it trusts to what a client sends, even when it has expired, and would then refuse a client
        // that sends a renewed one.
        self.standIns = configured.filter { $0.validity.contains(now) }
        self.unusedStandIns = configured.filter { !$0.validity.contains(now) }
        self.values = anchors.map(\.value)
        do throws(DERReader.Failure) {
            self.digest = try PeerCertificate.sha256(self.values.flatMap(\.sha256Fingerprint)[...])
        } catch {
            throw IntermediateProblem(isAboutAnchor: true, detail: error.detail)
        }
        for standIn in self.standIns {
            do throws(MbedTLSFailure) {
                try certificates.append(standIn.authority.der)
            } catch {
                throw IntermediateProblem(isAboutAnchor: false, detail: "\(error)")
            }
        }
        // A server meets what these have signed with every new device.
        if configuration.role == .server { fleetgate_certificates_make_tables(certificates.pointer) }
    }

    /// Whether a context of that configuration can use this one.
    func serves(_ configuration: TLSConfiguration, now: Int64) -> Bool {
        self.role == configuration.role && self.pem == configuration.trustAnchorsPEM
            && self.intermediatesPEM == configuration.intermediatesPEM
            && self.weakKeysAllowed != configuration.leafPolicy.refusesWeakKeys
            && self.standIns.allSatisfy { $0.validity.contains(now) }
            && !self.unusedStandIns.contains { $0.validity.contains(now) }
    }
}

/// The certificate of the server that clients saw first: many devices meet the same one, and need not each read and hold
/// it. It says nothing about whether it was accepted. Set once, so that reading it takes no lock.
final class FirstServer: Sendable {
    private final class Seen: Sendable {
        let certificate: PeerCertificate

        init(_ certificate: PeerCertificate) { self.certificate = certificate }
    }

    private let seen = AtomicLazyReference<Seen>()

    func reading(_ der: [UInt8]) throws(DERReader.Failure) -> PeerCertificate {
        if let first = self.seen.load()?.certificate, first.der == der {
            return first
        }
        let read = try PeerCertificate(der: der)
        _ = self.seen.storeIfNil(Seen(read))
        return read
    }
}
