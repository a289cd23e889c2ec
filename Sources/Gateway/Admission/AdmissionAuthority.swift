public import FleetPolicy
public import NIOMbedTLS

/// Answers, between CONNECT and the broker, what no snapshot can answer: whether a device that is not registered yet
/// can be, and whether a password is the device's.
public protocol AdmissionAuthority: Sendable {
    /// Called off the event loops, for at most `GatewayLimits.admissionsInFlightMax` connections at a time. The task is
    /// cancelled when the connection ends before the answer; an answer that comes later is not used.
    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict
}

/// One question. Asked only when there is a registration to be made or a password to be checked.
public struct AdmissionRequest: Sendable {
    public let device: DeviceKey
    /// What has to be written down first; nil: nothing.
    public let registration: RegistrationNeed?
    /// What the password is checked against; nil: no password is asked for.
    public let secondFactor: SecondFactor?
    /// CONNECT's password; never nil where there is a second factor, and nil where there is none. Secret: it belongs in
    /// no log.
    public let password: [UInt8]?
    /// The device's verified certificate.
    public let certificate: PeerCertificate
    /// The peer's address and port.
    public let remoteAddress: String

    public init(
        device: DeviceKey, registration: RegistrationNeed?, secondFactor: SecondFactor?, password: [UInt8]?,
        certificate: PeerCertificate, remoteAddress: String
    ) {
        self.device = device
        self.registration = registration
        self.secondFactor = secondFactor
        self.password = password
        self.certificate = certificate
        self.remoteAddress = remoteAddress
    }
}

/// The answer to an ``AdmissionRequest``.
public enum AdmissionVerdict: Sendable, Hashable {
    case admitted
    /// Refused. The code is a stable name, such as `bad-password`, for logs and metrics; the detail is for the
    /// operator's log and holds no secret.
    case refused(code: String, detail: String)
    /// No answer can be had: the device is refused for now.
    case unavailable(detail: String)
}

/// What the state machine wants to know of the authority; the session adds who asks.
struct AdmissionQuestion: Sendable, Hashable {
    let registration: RegistrationNeed?
    let secondFactor: SecondFactor?
    let password: [UInt8]?
}
