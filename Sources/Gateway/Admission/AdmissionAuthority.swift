public import FleetPolicy
public import NIOMbedTLS

/// Answers, between CONNECT and the broker, what no snapshot can answer: whether a device that is not registered yet
/// can be, whether a password is the device's, and whether an OCSP responder says that its certificate is revoked.
public protocol AdmissionAuthority: Sendable {
    /// Called off the event loops, for at most `GatewayLimits.admissionsInFlightMax` connections at a time. The task is
    /// cancelled when the connection ends before the answer; an answer that comes later is not used.
    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict
}

/// One question. Asked only when there is a registration to be made, a password to be checked, or a responder to be
/// asked.
public struct AdmissionRequest: Sendable {
    public let device: DeviceKey
    /// What has to be written down first; nil: nothing.
    public let registration: RegistrationNeed?
    /// What the password is checked against; nil: no password is asked for.
    public let secondFactor: SecondFactor?
    /// CONNECT's password; never nil where there is a second factor, and nil where there is none. Secret: it belongs in
    /// no log.
    public let password: [UInt8]?
    /// The device's verified certificate; without its DER where an earlier session was resumed.
    public let certificate: PeerCertificate
    /// The peer's address and port.
    public let remoteAddress: String
    /// Whose revocation an OCSP responder has to be asked about; nil: no one's.
    public let revocation: RevocationQuestion?

    public init(
        device: DeviceKey, registration: RegistrationNeed?, secondFactor: SecondFactor?, password: [UInt8]?,
        certificate: PeerCertificate, remoteAddress: String, revocation: RevocationQuestion? = nil
    ) {
        self.revocation = revocation
        self.device = device
        self.registration = registration
        self.secondFactor = secondFactor
        self.password = password
        self.certificate = certificate
        self.remoteAddress = remoteAddress
    }
}

/// Whether a certificate is revoked, to be found out from an OCSP responder (RFC 6960).
public struct RevocationQuestion: Sendable, Hashable {
    public let certificate: CertificateID
    /// The issuer's certificate in DER.
    public let issuer: [UInt8]
    /// What the trust anchor's rules want without an answer. Never `off`.
    public let rule: TrustAnchorRules.OCSPRule
    /// SHA-256 of the trust anchor's certificate.
    public let trustAnchorSHA256: [UInt8]

    public init(
        certificate: CertificateID, issuer: [UInt8], rule: TrustAnchorRules.OCSPRule, trustAnchorSHA256: [UInt8]
    ) {
        self.certificate = certificate
        self.issuer = issuer
        self.rule = rule
        self.trustAnchorSHA256 = trustAnchorSHA256
    }
}

/// The answer to an ``AdmissionRequest``.
public enum AdmissionVerdict: Sendable, Hashable {
    case admitted
    /// Refused. The code is a stable name, such as `bad-password`, `certificate-revoked` or `revocation-unknown`, for
    /// logs and metrics; the detail is for the operator's log and holds no secret.
    case refused(code: String, detail: String)
    /// No answer can be had: the device is refused for now.
    case unavailable(detail: String)
}

/// What the state machine wants to know of the authority; the session adds who asks.
struct AdmissionQuestion: Sendable, Hashable {
    let registration: RegistrationNeed?
    let secondFactor: SecondFactor?
    let password: [UInt8]?
    /// Whether a responder has to be asked, and what without its answer.
    let revocation: TrustAnchorRules.OCSPRule

    init(
        registration: RegistrationNeed?, secondFactor: SecondFactor?, password: [UInt8]?,
        revocation: TrustAnchorRules.OCSPRule = .off
    ) {
        self.registration = registration
        self.secondFactor = secondFactor
        self.password = password
        self.revocation = revocation
    }
}

extension AdmissionRequest {
    /// What follows where nobody is there to be asked: only a responder that may stay silent can do without.
    var verdictWithoutAuthority: AdmissionVerdict {
        guard self.registration == nil, self.secondFactor == nil else {
            return .unavailable(
                detail: "the device has to be registered or give a password, and nobody is there to be asked")
        }
        switch self.revocation?.rule {
        case nil, .off, .softFail: return .admitted
        case .hardFail:
            return .refused(
                code: SessionEnd.Code.revocationUnknown.rawValue,
                detail: "whether the certificate is revoked has to be asked, and nobody is there to ask")
        }
    }
}
