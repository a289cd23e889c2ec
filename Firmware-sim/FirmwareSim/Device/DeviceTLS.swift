import NIOCore
import NIOMbedTLS

/// How devices speak TLS: what they have in common, and what each makes of its own credential.
struct DeviceTLS: Sendable {
    let serverAuthoritiesPEM: String
    let version: RunPlan.TLSVersionChoice
    /// The session's own deadline decides; the handshake's only has to be later.
    let connectTimeout: TimeAmount

    /// Parses the device's key and certificate. Takes a good part of a millisecond: not for event loops.
    ///
    /// - Throws: `TLSConfigurationError`.
    func context(for credential: DeviceCredential) throws(TLSConfigurationError) -> TLSContext {
        let versions: ClosedRange<TLSVersion> =
            switch version {
            case .v12: .v1_2 ... .v1_2
            case .v13: .v1_3 ... .v1_3
            case .newest: .v1_2...TLSVersion.highestSupported
            }
        return try TLSContext(
            TLSConfiguration(
                role: .client,
                certificateChainPEM: Array(credential.chainPEM.utf8),
                privateKeyPEM: Array(credential.privateKeyPEM.utf8),
                trustAnchorsPEM: Array(serverAuthoritiesPEM.utf8),
                versions: versions,
                handshakeTimeout: connectTimeout + .seconds(5),
                closeTimeout: SimulatorLimits.closeTime))
    }

    /// Whether the linked library can do what is asked for.
    static func supports(_ version: RunPlan.TLSVersionChoice) -> Bool {
        switch version {
        case .v12, .newest: true
        case .v13: MbedTLSLibrary.supportsTLS13
        }
    }
}
