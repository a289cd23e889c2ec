internal import CMbedTLS
internal import Glibc

// mbedTLS's reasons against a chain, and the codes and alerts that go with them.

extension PeerVerification {
    static let notTrusted = UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED)
    static let expired = UInt32(FLEETGATE_CERTIFICATE_EXPIRED)
    static let notYetValid = UInt32(FLEETGATE_CERTIFICATE_NOT_YET_VALID)

    /// The code for what mbedTLS itself has against a chain.
    static func refusal(for reasons: UInt32) -> VerificationRules.Refusal? {
        guard reasons != 0 else { return nil }
        let known: [(Int32, TLSError.Code, String, TLSAlert)] = [
            (FLEETGATE_CERTIFICATE_NOT_TRUSTED, .unknownCA, "no trust anchor issued it", .unknownCA),
            (FLEETGATE_CERTIFICATE_WEAK_DIGEST, .weakSignature, "signed with a weak digest", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM, .weakKey, "unacceptable algorithm", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_WEAK_KEY, .weakKey, "unacceptable key size or curve", .unsupportedCertificate),
            (FLEETGATE_CERTIFICATE_REVOKED, .revoked, "revoked", .certificateRevoked),
            (FLEETGATE_CERTIFICATE_EXPIRED, .expired, "a certificate of the chain has expired", .certificateExpired),
            (
                FLEETGATE_CERTIFICATE_NOT_YET_VALID, .notYetValid, "a certificate of the chain is not valid yet",
                .certificateExpired
            ),
            (FLEETGATE_CERTIFICATE_WRONG_NAME, .wrongName, "not for the name of the server", .badCertificate),
            (
                FLEETGATE_CERTIFICATE_KEY_USAGE, .wrongKeyUsage, "key usage does not allow signatures",
                .unsupportedCertificate
            ),
            (
                FLEETGATE_CERTIFICATE_EXTENDED_KEY_USAGE, .wrongExtendedKeyUsage, "extended key usage does not fit",
                .unsupportedCertificate
            ),
        ]
        for (bit, code, detail, alert) in known where reasons & UInt32(bit) != 0 {
            return .init(code: code, detail: detail, alert: alert)
        }
        return nil
    }

    /// The reason that makes mbedTLS send that alert (`mbedtls_ssl_verify_certificate`).
    static func reason(choosing alert: TLSAlert) -> UInt32 {
        switch alert {
        case .badCertificate: UInt32(FLEETGATE_CERTIFICATE_WRONG_NAME)
        case .unsupportedCertificate: UInt32(FLEETGATE_CERTIFICATE_KEY_USAGE)
        case .certificateExpired: UInt32(FLEETGATE_CERTIFICATE_EXPIRED)
        case .certificateRevoked: UInt32(FLEETGATE_CERTIFICATE_REVOKED)
        case .unknownCA: UInt32(FLEETGATE_CERTIFICATE_NOT_TRUSTED)
        case .certificateUnknown: UInt32(FLEETGATE_CERTIFICATE_NOT_YET_VALID)
        default: UInt32(FLEETGATE_CERTIFICATE_OTHER)
        }
    }

    /// The bytes of an IPv4 or IPv6 address in text form, or nil when the text is a name.
    static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return withUnsafeBytes(of: &four) { Array($0) }
        }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 {
            return withUnsafeBytes(of: &six) { Array($0) }
        }
        return nil
    }
}
