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
    }

    public let code: Code
    /// For the operator's log, never for the device. Values from the certificate are escaped.
    public let detail: String

    public init(code: Code, detail: String) {
        self.code = code
        self.detail = detail
    }
}

extension PolicyDenial: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(detail)" }
}
