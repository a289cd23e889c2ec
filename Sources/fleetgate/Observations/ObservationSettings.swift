import DeviceRegistry

/// What is written down about certificates and failed connections, and for how long: the section `observations` of the
/// configuration.
struct ObservationSettings: Sendable, Hashable {
    /// Where inventory, journal and suspicions are kept: an SQLite file of its own, made with mode 0600 when missing.
    var file: String
    /// Keys: `journal-rows-max` (1,000 to 10,000,000), `journal-days` (1 to 3650), `journal-window` (duration, 1 min to
    /// 24 h, ``ObservationLimits/sameFailureSeconds``), `journal-rows-per-minute` (1 to 100,000),
    /// `journal-rows-per-address` (1 to 10,000), `certificates-max` (1,000 to 10,000,000), `certificate-days`
    /// (1 to 3650).
    var limits = ObservationLimits()
    /// When certificates count as used in two places; nil: nobody watches for it. Keys: `clones.enabled`,
    /// `clones.window` (1 min to 24 h), `clones.points` (2 to 1000), `clones.simultaneous` (1 min to 7 d).
    var clones: CloneThresholds? = CloneThresholds()
    /// Seconds without a new sign after which a suspicion ends by itself; nil: only the operator ends it. Key:
    /// `clones.quiet` (1 min to 365 d, or `never`).
    var cloneQuietSeconds: Int64? = 86_400
    /// Days before its notAfter from which on `fleetgate_certificates_expiring` says that a certificate is due; fixed.
    static let expiryBucketsDays = [7, 30, 90]

    init(file: String) {
        self.file = file
    }

    /// The file beside the registry's, where the configuration does not say.
    static let defaultFileName = "observations.sqlite"
}
