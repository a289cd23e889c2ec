import FleetPolicy
import NIOMbedTLS

/// Whom device certificates may come from, and what is asked of them: the sections `trust` and `tls.client-ca`.
struct TrustSettings: Sendable {
    /// In the order of the file; empty exactly when ``isPinnedOnly``, or when the configuration has a mistake.
    var bundles: [AnchorBundleSettings]
    /// Files with CA certificates for devices that send none but their own.
    var intermediates: [Located<String>]
    /// See ``NIOMbedTLS/TLSConfiguration/clockSkew``.
    var clockSkew: Duration
    /// The depth of the highest certificate: the leaf has 0. For all bundles.
    var chainDepthMax: Int
    /// No CA is trusted: only certificates that are pinned for a device get in.
    var isPinnedOnly: Bool
    var revocation: RevocationSettings
    var ocsp: OCSPSettings

    /// 0: the certificates of an existing configuration go on to end exactly when they say so. The devices' clocks do not
    /// matter for that, only this machine's and the CA's.
    static let clockSkewDefault: Duration = .zero
    /// What mbedTLS is asked for without a word in the configuration.
    static let chainDepthDefault = TLSLimits().chainDepthMax
    /// mbedTLS's own bound (MBEDTLS_X509_MAX_INTERMEDIATE_CA) and one for the anchor.
    static let chainDepthRange = 1...9
    /// Bundles of one configuration. Each device connection looks up one of them, by its anchor.
    static let bundlesMax = 256
}

/// Trust anchors that have rules in common, under a name.
struct AnchorBundleSettings: Sendable {
    let name: String
    /// The place of mistakes that have no key of their own.
    let place: Located<String>
    /// PEM; at least one file.
    let files: [Located<String>]
    /// The listeners that its anchors are trusted at; nil: all.
    let listeners: [String]?
    /// The tenants that its devices may belong to; empty: any.
    let tenants: Set<String>
    let rules: TLSAnchorRules
    /// Whether a CA of the public web may be among its anchors.
    let allowsPublicCA: Bool
    let lists: TrustAnchorRules.ListRule
    let ocsp: TrustAnchorRules.OCSPRule

    /// What the policy knows of each of its anchors.
    var anchorRules: TrustAnchorRules { TrustAnchorRules(name: name, tenants: tenants, lists: lists, ocsp: ocsp) }

    func isTrusted(at listener: String) -> Bool { listeners.map { $0.contains(listener) } ?? true }
}

/// Session tickets: the section `tickets`.
struct TicketSettings: Sendable, Hashable {
    enum Rotation: String, Sendable, Hashable, CaseIterable {
        /// The gateway makes the file and its keys. Gateways that share the file take turns.
        case automatic
        /// The file is somebody else's: `fleetgate tickets rotate`, or what distributes it. It is only read.
        case external
    }

    /// Nil keys: no tickets are given, and none is taken.
    var file: Located<String>?
    /// How long after its full handshake a device may resume.
    var lifetime: Duration
    var rotation: Rotation
    /// How long a key seals new tickets.
    var rotationInterval: Duration

    /// RFC 8446, section 4.6.1: at most 7 days.
    static let lifetimeRange: ClosedRange<Duration> = .seconds(60) ... .seconds(7 * 86_400)
    /// Bounded above so that a stolen key opens little.
    static let rotationRange: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)
    /// A stolen device that was refused meanwhile is refused at resumption too: this only bounds how long a key matters.
    static let lifetimeDefault: Duration = .seconds(2 * 3600)
    static let rotationDefault: Duration = .seconds(12 * 3600)
    /// Beside the configuration, as the registry is.
    static let fileDefault = "tickets.keys"

    static func == (left: Self, right: Self) -> Bool {
        left.file?.value == right.file?.value && left.lifetime == right.lifetime && left.rotation == right.rotation
            && left.rotationInterval == right.rotationInterval
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(file?.value)
        hasher.combine(lifetime)
        hasher.combine(rotation)
        hasher.combine(rotationInterval)
    }
}
