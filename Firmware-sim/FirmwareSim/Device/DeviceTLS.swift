import NIOCore
import NIOMbedTLS

/// How devices speak TLS: what they have in common, and what each makes of its own credential and class.
struct DeviceTLS: Sendable {
    let serverAuthoritiesPEM: String
    let choice: RunPlan.TLSVersionChoice
    /// The session's own deadline decides; the handshake's only has to be later.
    let connectTimeout: TimeAmount

    /// Parses the device's key and certificate. Takes a good part of a millisecond: not for event loops.
    ///
    /// - Parameters:
    ///   - credential: Empty for a device without a certificate.
    ///   - keepsSessions: Whether sessions are handed out for a later resumption.
    ///   - other: A context of the same event loop, whose trust anchors are shared.
    /// - Throws: `TLSConfigurationError`.
    func context(
        for credential: DeviceCredential, deviceClass: DeviceClass = .native, keepsSessions: Bool = false,
        sharing other: TLSContext? = nil
    ) throws(TLSConfigurationError) -> TLSContext {
        var configuration = TLSConfiguration(
            role: .client,
            certificateChainPEM: Array(credential.chainPEM.utf8),
            privateKeyPEM: Array(credential.privateKeyPEM.utf8),
            trustAnchorsPEM: Array(serverAuthoritiesPEM.utf8),
            versions: versions(for: deviceClass),
            handshakeTimeout: connectTimeout + .seconds(5),
            closeTimeout: SimulatorLimits.closeTime,
            maximumFragmentLength: deviceClass.tls.maximumFragmentLength,
            keepsSessions: keepsSessions)
        if !deviceClass.tls.cipherSuites.isEmpty {
            configuration.cipherSuites = deviceClass.tls.cipherSuites
        }
        return try TLSContext(configuration, sharing: other)
    }

    /// What the run asks for, as far as the class can do it. A class that can do nothing of it does what it can: the
    /// option cannot give a device a TLS stack that it does not have.
    func versions(for deviceClass: DeviceClass) -> ClosedRange<TLSVersion> {
        let asked: ClosedRange<TLSVersion> =
            switch choice {
            case .v12: .v1_2 ... .v1_2
            case .v13: .v1_3 ... .v1_3
            case .newest: .v1_2...TLSVersion.highestSupported
            }
        guard let able = deviceClass.tls.versions else { return asked }
        return asked.overlaps(able) ? asked.clamped(to: able) : able
    }

    /// Whether the linked library can do what is asked for.
    static func supports(_ version: RunPlan.TLSVersionChoice) -> Bool {
        switch version {
        case .v12, .newest: true
        case .v13: MbedTLSLibrary.supportsTLS13
        }
    }
}
