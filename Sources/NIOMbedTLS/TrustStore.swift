internal import Synchronization

/// The trust anchors of a context: what mbedTLS verifies with, and what is known of each. Immutable.
///
/// Contexts of one event loop can share it; of two loops they must not, because mbedTLS 2.28 computes with the anchors'
/// own curves.
final class TrustStore {
    /// As given, to recognise it by.
    let pem: [UInt8]
    let certificates: CertificateChain
    /// In the order of the PEM.
    let anchors: [VerificationRules.Anchor]
    let values: [TLSTrustAnchor]
    /// SHA-256 of all fingerprints in their order: the same for stores of the same anchors.
    let digest: [UInt8]
    let firstServer = FirstServer()

    init(pem: [UInt8], _ certificates: CertificateChain) throws(DERReader.Failure) {
        var anchors: [VerificationRules.Anchor] = []
        for der in certificates.ders {
            anchors.append(try VerificationRules.Anchor(der: der))
        }
        self.pem = pem
        self.certificates = certificates
        self.anchors = anchors
        self.values = anchors.map(\.value)
        self.digest = try PeerCertificate.sha256(self.values.flatMap(\.sha256Fingerprint)[...])
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
