internal import Crypto
internal import FleetPolicy

/// What a ticket is bound to beside the certificate, its chain and the listener's scope: who the device was to the gateway
/// when the session began. A session is resumed only where that is the same today. What the device may do is not in it,
/// because a resumed session gets the grant of the rules in force, as any other.
enum TicketBinding {
    /// Half of a SHA-256: what is bound is not secret, and tickets are sent over slow radio.
    private static let byteCount = 16

    /// - Parameter anchor: SHA-256 of the trust anchor's certificate.
    /// - Returns: nil: the device gets no ticket, because what it has is for now (quarantine, a registration that has yet
    ///   to be made), or because no anchor issued its certificate: each of those is looked at in full every time.
    static func make(_ grant: DeviceGrant, listener: String, anchor: [UInt8]?) -> [UInt8]? {
        guard grant.quarantine == nil, grant.registration == nil, let anchor else { return nil }
        var hash = SHA256()
        hash.update(data: anchor)
        for text in [
            listener, grant.tenant, grant.deviceID, grant.profileName, grant.clientIDRule.rawValue, grant.topicPrefix,
            grant.upstreamName ?? "",
        ] {
            // Each with its length before it, so that no two lists of texts are one sequence of bytes.
            let bytes = Array(text.utf8)
            hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) })
            hash.update(data: bytes)
        }
        return Array(hash.finalize().prefix(Self.byteCount))
    }
}
