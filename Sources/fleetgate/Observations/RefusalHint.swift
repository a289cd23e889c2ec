import FleetPolicy

/// What could be done about a certificate that is genuine and was refused by policy, and about a refused CONNECT. Pure.
enum RefusalHint {
    /// - Parameter reason: Of the log: a `PolicyDenial.Code`, or the code of a session's end.
    /// - Returns: Empty when there is nothing to say beyond the reason.
    static func text(forReason reason: String) -> String {
        guard let code = PolicyDenial.Code(rawValue: reason) else { return ends[reason] ?? "" }
        switch code {
        case .noMatchingProfile: return "`fleetgate explain` shows which profile misses it, and why"
        case .ambiguous: return "give one of the profiles another priority; `fleetgate explain` names them"
        case .badDeviceID, .badTenant, .badPlaceholderValue:
            return "the certificate's names hold what cannot be in a topic: issue it anew, or capture less"
        case .missingAttribute: return "set it: fleetgate device set DEVICE --attribute NAME=VALUE"
        case .deviceSuspended: return "fleetgate device enable DEVICE lets it in again"
        case .deviceRetired: return "a retired device stays out; a new one needs a name of its own"
        case .devicePending: return "fleetgate device approve DEVICE"
        case .notRegistered: return "fleetgate device add DEVICE, or a profile with self-registration"
        case .registrationQuotaExceeded: return "raise the profile's quota, or retire devices"
        case .certificateNotPinned:
            return "was the certificate renewed? fleetgate device pin DEVICE --cert FILE adds the new one"
        case .pinnedToAnotherDevice: return "one certificate was given to two devices, or its names are wrong"
        case .noPasswordSet: return "fleetgate device set-password DEVICE"
        case .certificateExpired: return "renew it; a profile can take expired certificates in (quarantine: expired)"
        case .untrustedIssuer: return "pin it: fleetgate device pin DEVICE --cert FILE"
        case .certificateRevoked: return "the device needs a new certificate"
        case .revocationListMissing: return "`fleetgate crl status` shows what is missing, and why"
        case .revocationListOutdated: return "the CA has to publish a new list; `fleetgate crl status` shows which"
        case .anchorNotForTenant: return "the CA is for other tenants (tenants of its trust anchor)"
        case .certificateCloned:
            return
                "`fleetgate certs clones` shows where it is in use; give the device a new certificate and revoke this "
                + "one, or clear the suspicion"
        }
    }

    private static let ends = [
        "upstream-unavailable": "the broker behind the gateway cannot be reached: nothing is wrong with the device",
        "upstream-timeout": "the broker behind the gateway does not answer: nothing is wrong with the device",
        "upstream-refused": "the broker behind the gateway refused the CONNECT: its own log says why",
        "admission-timeout": "what was asked about the device (OCSP, password, registry) was not answered in time",
        "admission-unavailable": "the registry could not be asked: the gateway's log says why",
        "device-closed": "the device, or the network, ended the connection before its session had begun",
        "device-transport": "the connection broke before its session had begun",
        "password-required": "the profile asks for a password; CONNECT has none",
        "bad-password": "CONNECT's password is not the device's: fleetgate device set-password DEVICE",
        "password-attempts-exceeded": "the device tries wrong passwords: find out why before it is let in again",
        "connect-timeout": "the device finished the handshake and sent no CONNECT",
        "connect-misplaced": "the first packet was no CONNECT: is it an MQTT client?",
        "enhanced-authentication-unsupported": "switch authentication methods off in the client: the certificate is it",
        "will-denied": "the profile does not allow the will's topic, QoS or retain flag",
        "keep-alive-out-of-range": "the profile's range of keep-alive and the client's setting do not meet",
        "too-many-connections": "the device is connected already, or its certificate is in use twice",
        "client-id-denied": "the profile's rule for client identifiers does not fit the client's setting",
        "certificate-revoked": "the device needs a new certificate",
        "revocation-unknown":
            "the trust anchor asks for OCSP: its responder gave no answer, or does not know the certificate",
    ]
}
