/// What the policy says about a certificate.
public enum PolicyDecision: Sendable {
    case granted(DeviceGrant)
    case denied(PolicyDenial)
}

/// Why a genuine certificate gets nothing. The fault is the certificate's, or the profiles'; never the packet's.
public struct PolicyDenial: Error, Sendable, Hashable {
    /// Stable, for logs, metrics and audit; an enum so that whoever turns it into a protocol answer covers all of them.
    public enum Code: String, Sendable, CaseIterable {
        /// No profile matches the certificate.
        case noMatchingProfile = "no-matching-profile"
        /// Two profiles of the same priority match, or one profile matches in more than one way.
        case ambiguous = "ambiguous"
        /// The device id would be empty, too long, or hold a character with a meaning in topics.
        case badDeviceID = "bad-device-id"
        /// The same of the tenant.
        case badTenant = "bad-tenant"
        /// The same of another captured value that a topic needs.
        case badPlaceholderValue = "bad-placeholder-value"
        /// The registry has no value for a `{registry.NAME}` of the profile.
        case missingAttribute = "missing-attribute"
        /// The device is suspended in the registry.
        case deviceSuspended = "device-suspended"
        /// The device is retired in the registry.
        case deviceRetired = "device-retired"
        /// The device waits for approval.
        case devicePending = "device-pending"
        /// The profile lets only registered devices in, and this one is not.
        case notRegistered = "not-registered"
        /// The profile's quota of devices that register by themselves is used up.
        case registrationQuotaExceeded = "registration-quota-exceeded"
        /// The device has pinned certificates, and this one is none of them.
        case certificateNotPinned = "certificate-not-pinned"
        /// The certificate is pinned for another device than the one its names say.
        case pinnedToAnotherDevice = "pinned-to-another-device"
        /// The profile asks for a password, and the registry has none for the device.
        case noPasswordSet = "no-password-set"
        /// The certificate's notAfter has passed, and no quarantine profile takes it.
        case certificateExpired = "certificate-expired"
        /// No trust anchor issued the chain, and the certificate is pinned for no device.
        case untrustedIssuer = "untrusted-issuer"
        /// A certificate of the chain was revoked: by its CA, or by the operator.
        case certificateRevoked = "certificate-revoked"
        /// The trust anchor's rules ask for a CRL of every CA of the chain, and one has none.
        case revocationListMissing = "revocation-list-missing"
        /// The CRL of a CA of the chain is out of date by more than the trust anchor's rules forgive.
        case revocationListOutdated = "revocation-list-outdated"
        /// The trust anchor is for other tenants than the one that the certificate's names say.
        case anchorNotForTenant = "anchor-not-for-tenant"
        /// The certificate seems to be in use in two places at once.
        case certificateCloned = "certificate-cloned"
    }

    public let code: Code
    /// For the operator's log, never for the device. Values from the certificate are escaped.
    public let detail: String
    /// The device is refused for now, but belongs into the registry's queue of devices to be approved.
    public let registration: RegistrationNeed?

    public init(code: Code, detail: String, registration: RegistrationNeed? = nil) {
        self.code = code
        self.detail = detail
        self.registration = registration
    }
}

extension PolicyDenial: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(detail)" }
}
