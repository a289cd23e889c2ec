/// What the operator asks of certificates that come from one trust anchor.
public struct TrustAnchorRules: Sendable, Hashable {
    /// Whether a CRL has to say that a certificate is good.
    public enum ListRule: Sendable, Hashable {
        /// Lists of its CAs are not looked at.
        case off
        /// A list that there is counts, also when it is out of date; where there is none, its CA has revoked nothing.
        case optional
        /// Every CA of the chain must have a list, which is at most `graceSeconds` past its nextUpdate.
        case required(graceSeconds: Int64)
    }

    /// Whether an OCSP responder is asked, between the handshake and CONNACK.
    public enum OCSPRule: Sendable, Hashable {
        case off
        /// Without an answer the device is let in, and that is counted.
        case softFail
        /// Without an answer the device is refused.
        case hardFail
    }

    /// The bundle that the anchor is in, as the configuration names it: for logs, audit and hints.
    public var name: String
    /// The tenants that devices under it may belong to; empty: any.
    public var tenants: Set<String>
    public var lists: ListRule
    public var ocsp: OCSPRule

    /// Whether a device of this tenant may be under the anchor. Compared byte for byte, as the broker compares topics.
    func permits(tenant: String) -> Bool {
        if tenants.isEmpty { return true }
        guard let place = tenants.firstIndex(of: tenant) else { return false }
        return tenants[place].utf8.elementsEqual(tenant.utf8)
    }

    public init(
        name: String, tenants: Set<String> = [], lists: ListRule = .optional, ocsp: OCSPRule = .off
    ) {
        self.name = name
        self.tenants = tenants
        self.lists = lists
        self.ocsp = ocsp
    }
}
