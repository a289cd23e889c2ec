internal import FleetPolicy
internal import NIOMbedTLS

/// What a session's device presented, kept for judging it again: the certificate without its key and signature, and what
/// only the handshake knew. Some 500 bytes for each session: 200 to 350 for the identity, 20 for the serial number, and
/// what is in line here; the path of issuers is shared. The DER alone would be twice that, its parts eight times.
struct SessionCredential: Sendable {
    /// `PeerCertificate.identity`.
    let identity: [UInt8]
    /// The content of the INTEGER.
    let serialNumber: [UInt8]
    let fingerprint: SHA256Value
    let publicKey: SHA256Value?
    /// The leaf's, in seconds since 1970.
    let notAfter: Int64
    let tlsVersion: NIOMbedTLS.TLSVersion
    let serverName: String?
    /// The chain above the leaf; nil: no anchor issued it.
    var path: IssuerPath?

    /// Nil when the certificate has no fingerprint, which every one has that libcrypto could hash.
    init?(_ peer: TLSPeer, path: IssuerPath?) {
        guard let fingerprint = SHA256Value(peer.certificate.sha256Fingerprint) else { return nil }
        self.identity = peer.certificate.identity
        self.serialNumber = peer.certificate.serialNumber
        self.fingerprint = fingerprint
        self.publicKey = SHA256Value(peer.certificate.publicKeySHA256)
        self.notAfter = peer.certificate.notAfter
        self.tlsVersion = peer.version
        self.serverName = peer.serverName
        self.path = path
    }

    /// The certificate, read again, without key and signature; nil only when there is no memory for it.
    var certificate: PeerCertificate? { try? PeerCertificate(identity: self.identity) }

    /// The certificate below its issuer; nil where no trust anchor issued it.
    var certificateID: CertificateID? {
        self.path?.issuer.map { CertificateID(issuer: $0, serialNumber: self.serialNumber) }
    }

    /// The certificates below the anchor, the leaf first; empty where there is no anchor.
    var chain: [CertificateID] { self.path?.chain(ofLeaf: self.serialNumber) ?? [] }

    /// SHA-256 of the trust anchor's certificate; nil: there is none.
    var trustAnchorSHA256: [UInt8]? { self.path?.anchor.value.sha256Fingerprint }

    /// What a decision depends on beside the certificate, at this time.
    ///
    /// The chain is there also when its anchor is none any more: what was revoked in it stays revoked, whatever else lets
    /// the device in.
    ///
    /// - Parameter isTrusted: says whether the anchor is one still.
    func circumstances(
        now: Int64, listener: String, isTrusted: (PolicyAnchor) -> Bool = { _ in true }
    ) -> ConnectionCircumstances {
        let path = self.path.flatMap { isTrusted($0.anchor) ? $0 : nil }
        return ConnectionCircumstances(
            now: now, tlsVersion: ConnectionCircumstances.TLSVersion(self.tlsVersion), listener: listener,
            serverName: self.serverName, trustAnchor: path?.anchor.value, chain: self.chain
        )
    }
}

/// A trust anchor as the policy knows it, made once for each of a loop's anchors.
final class PolicyAnchor: Sendable {
    let value: ConnectionCircumstances.TrustAnchor

    init(_ anchor: TLSTrustAnchor) { self.value = ConnectionCircumstances.TrustAnchor(anchor) }
}

/// A certificate in the time between its handshake and the broker's answer, in which it is asked for more than once.
final class PresentedCertificate: Sendable {
    let certificate: PeerCertificate

    init(_ certificate: PeerCertificate) { self.certificate = certificate }
}
