import FleetPKI
import FleetPolicy

/// How OCSP responders (RFC 6960) are asked about devices' certificates, for all trust anchors.
struct OCSPSettings: Sendable, Hashable {
    /// By the name of the anchor bundle. A bundle that is not in it has no OCSP.
    var bundles: [String: Bundle] = [:]
    /// What this machine's clock and a responder's may differ by. ``clockSkewRange``.
    var clockSkew: Duration = .seconds(300)
    /// Answers that are kept, of all bundles; beyond it the one used longest ago is forgotten. ``cacheEntriesMaxRange``.
    /// An answer takes about 300 bytes.
    var cacheEntriesMax = 100_000

    /// What concerns certificates under the trust anchors of one bundle.
    struct Bundle: Sendable, Hashable {
        /// `off`, `softFail` or `hardFail`: ``FleetPolicy/TrustAnchorRules/OCSPRule``.
        var policy: TrustAnchorRules.OCSPRule = .off
        /// The responder that is asked about every certificate, `http://…` or `https://…`; nil: the one that the
        /// certificate names (authority information access, RFC 5280 section 4.2.2.1).
        var responder: String?
        /// Whether a responder that a certificate names may be at a loopback, link-local or private address. The
        /// configured one always may.
        var allowsPrivateResponders = false
        /// How long one question may take, from the name look-up to the last byte. ``timeoutRange``.
        var timeout: Duration = .seconds(5)
        /// Questions in flight at one responder. ``concurrencyRange``.
        var concurrency = 16
        /// Whether a question carries a nonce (RFC 9654). With `optional` an answer without one is taken, because
        /// responders that sign in advance cannot repeat it. With `required` it is refused.
        var nonce: OCSPNonceRule = .optional
        /// How long an answer is used at most, and at the longest how late a live session hears of a revocation.
        /// ``maxAgeRange``.
        var maxAge: Duration = .seconds(3600)
        /// How a question names the certificate's issuer. SHA-1 is what every responder knows (RFC 5019 section 2.1.1);
        /// nothing rests on it that a collision would break.
        var digest: OCSPDigest = .sha1
    }

    /// The documented ranges, for who reads the configuration.
    static let clockSkewRange: ClosedRange<Duration> = .zero ... .seconds(86_400)
    static let cacheEntriesMaxRange = 1...10_000_000
    static let timeoutRange: ClosedRange<Duration> = .milliseconds(100) ... .seconds(60)
    static let concurrencyRange = 1...1024
    static let maxAgeRange: ClosedRange<Duration> = .seconds(10) ... .seconds(7 * 86_400)
}
