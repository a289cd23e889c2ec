import FleetPKI
import FleetPolicy
import Gateway

/// What OCSP has to say of a certificate.
enum OCSPStanding: Sendable, Hashable {
    case good
    case revoked(Revocation)
    /// The responder says that it knows nothing of the certificate: an answer, and not a good one.
    case unknown
    /// There is no answer that could be used. The detail is for the operator.
    case unavailable(detail: String)
}

/// What a fresh answer changes for sessions and handshakes.
enum OCSPFinding: Sendable, Hashable {
    case revoked(CertificateID, Revocation)
    /// A certificate that was on hold (RFC 5280 section 5.3.1) is good again.
    case reinstated(CertificateID)
}

/// A certificate that OCSP can be asked about again, when there is no handshake.
struct OCSPSubject: Sendable, Hashable {
    let certificate: CertificateID
    /// DER; empty when the session was resumed.
    let der: [UInt8]
    let trustAnchorSHA256: [UInt8]

    init(certificate: CertificateID, der: [UInt8], trustAnchorSHA256: [UInt8]) {
        self.certificate = certificate
        self.der = der
        self.trustAnchorSHA256 = trustAnchorSHA256
    }

    /// Nil: no trust anchor issued the certificate.
    init?(_ session: LiveSession) {
        guard let certificate = session.certificateID, let anchor = session.trustAnchorSHA256 else { return nil }
        self.init(certificate: certificate, der: session.certificate, trustAnchorSHA256: anchor)
    }
}

/// The clocks of OCSP, which tests replace.
struct OCSPClock: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z: what answers are judged by.
    let wall: @Sendable () -> Int64
    /// Since some moment, never backwards: what breakers and the wait for one's turn are measured by.
    let elapsed: @Sendable () -> Duration
    /// Returns when that time has passed, and at once when the task is cancelled.
    let sleep: @Sendable (Duration) async -> Void

    static var system: OCSPClock {
        let start = ContinuousClock.now
        return OCSPClock(
            wall: { DeviceTimes.now },
            elapsed: { ContinuousClock.now - start },
            sleep: { try? await Task.sleep(for: $0) })
    }
}

/// How a request reaches a responder, which tests replace.
struct OCSPTransport: Sendable {
    struct Request: Sendable, Hashable {
        let address: String
        /// OCSPRequest in DER.
        let body: [UInt8]
        let timeout: Duration
        let reach: HTTPReach
    }

    /// Gives the body of the answer.
    let send: @Sendable (Request) async throws(HTTPFetchError) -> [UInt8]

    /// HTTP with POST (RFC 6960 appendix A.1).
    static func http(_ fetch: HTTPFetch = HTTPFetch()) -> OCSPTransport {
        OCSPTransport { request throws(HTTPFetchError) in
            try await fetch.post(
                request.address, contentType: OCSPRequest.mediaType, body: request.body,
                bytesMax: OCSPLimits.responseOctetsMax, timeout: request.timeout, reach: request.reach)
        }
    }
}
