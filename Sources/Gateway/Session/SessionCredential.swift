internal import FleetPolicy
internal import NIOMbedTLS

/// What a session's device presented, kept for judging it again: the certificate's DER, from which everything else can
/// be read again, and what only the handshake knew. Some 1 KiB for each session; the parts would be four times that.
struct SessionCredential: Sendable {
    let der: [UInt8]
    let fingerprint: SHA256Value?
    let publicKey: SHA256Value?
    /// Seconds since 1970.
    let notAfter: Int64
    private let tlsVersion: ConnectionCircumstances.TLSVersion
    private let serverName: String?
    /// Shared by all sessions of the loop under the anchor.
    private let anchor: PolicyAnchor?

    init(_ peer: TLSPeer, anchor: PolicyAnchor?) {
        self.der = peer.certificate.der
        self.fingerprint = SHA256Value(peer.certificate.sha256Fingerprint)
        self.publicKey = SHA256Value(peer.certificate.publicKeySHA256)
        self.notAfter = peer.certificate.notAfter
        self.tlsVersion = ConnectionCircumstances.TLSVersion(peer.version)
        self.serverName = peer.serverName
        self.anchor = anchor
    }

    /// The certificate, read again; nil only when libcrypto has no memory for it.
    var certificate: PeerCertificate? { try? PeerCertificate(parsing: self.der) }

    /// What a decision depends on beside the certificate, at this time.
    ///
    /// - Parameter isTrusted: says whether the anchor is one still.
    func circumstances(
        now: Int64, listener: String, isTrusted: (PolicyAnchor) -> Bool = { _ in true }
    ) -> ConnectionCircumstances {
        let anchor = self.anchor.flatMap { isTrusted($0) ? $0.value : nil }
        return ConnectionCircumstances(
            now: now, tlsVersion: self.tlsVersion, listener: listener, serverName: self.serverName, trustAnchor: anchor
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
