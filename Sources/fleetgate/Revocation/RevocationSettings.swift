import FleetPolicy

/// Where certificate revocation lists come from and how they are kept up to date, for all trust anchors.
///
/// All paths are absolute, or relative to the working directory of the process.
struct RevocationSettings: Sendable, Hashable {
    /// By the name of the anchor bundle.
    var bundles: [String: Bundle] = [:]
    /// Where lists that were fetched are kept, so that they are there after a restart; nil: they are not kept. The
    /// folder is made when it is missing, open to its owner only.
    var cacheFolder: String?
    /// How long one request for a list may take, from the name look-up to the last byte. ``fetchTimeoutRange``.
    var fetchTimeout: Duration = .seconds(30)
    /// The largest list that is taken, from a file or from the network, in bytes. ``listBytesMaxRange``. 64 MiB hold
    /// about 1,500,000 entries with 16 byte serial numbers.
    var listBytesMax = 64 << 20
    /// How long before nextUpdate the successor of a list is fetched. Never more than half of the list's own life, and
    /// up to a tenth of it earlier, so that many gateways do not ask in the same second. ``refreshLeadRange``.
    var refreshLead: Duration = .seconds(3600)
    /// How long before nextUpdate the metric `fleetgate_crl_alarm` becomes 1. Never more than a quarter of the list's
    /// own life. ``alarmLeadRange``.
    var alarmLead: Duration = .seconds(1800)
    /// After the first failed request for a list; it is doubled with each further one, up to
    /// ``RevocationSettings/retryIntervalMax``. ``retryIntervalRange``.
    var retryInterval: Duration = .seconds(30)
    /// How often a list is asked for that does not say when the next one comes, and at the latest one that does.
    /// ``refreshIntervalRange``.
    var refreshInterval: Duration = .seconds(86_400)
    /// How often files and folders are looked at for changes. ``pollIntervalRange``.
    var pollInterval: Duration = .milliseconds(200)

    /// What concerns the CAs under the trust anchors of one bundle.
    struct Bundle: Sendable, Hashable {
        /// `off`, `optional`, or `required` with its grace: ``FleetPolicy/TrustAnchorRules/ListRule``. With `off` no
        /// source of the bundle is read.
        var policy: TrustAnchorRules.ListRule = .optional
        /// At most ``RevocationSettings/sourcesMax``. Each may hold lists of any CA under the bundle's anchors.
        var sources: [Source] = []
        /// Whether the CRL distribution points are followed that the certificates below the bundle's anchors name: those
        /// of configured intermediates, and those of the chains that devices presented and that were found good. Only
        /// addresses with http or https, and never more than ``RevocationSettings/learnedURLsMax``.
        var usesDistributionPoints = false
        /// Whether a distribution point may be at a loopback, link-local or private address. A certificate names it, so
        /// a CA that makes certificates for somebody else's names could have the gateway ask its own neighbours.
        var allowsPrivateDistributionPoints = false
    }

    enum Source: Sendable, Hashable {
        /// A file with one list in DER, or one or several in PEM.
        case file(String)
        /// A folder; every file in it whose name ends in `.crl`, `.pem` or `.der` and does not begin with a dot is one.
        case folder(String)
        /// `http://…` or `https://…`: ``HTTPAddress``.
        case url(String)
    }

    /// The documented ranges, for who reads the configuration.
    static let fetchTimeoutRange: ClosedRange<Duration> = .seconds(1) ... .seconds(600)
    static let listBytesMaxRange = 1 << 10...1 << 28
    static let refreshLeadRange: ClosedRange<Duration> = .zero ... .seconds(30 * 86_400)
    static let alarmLeadRange: ClosedRange<Duration> = .zero ... .seconds(30 * 86_400)
    static let retryIntervalRange: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)
    static let refreshIntervalRange: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)
    static let pollIntervalRange: ClosedRange<Duration> = .milliseconds(50) ... .seconds(60)
    /// Of `required`, in seconds: up to a year. A larger one is no check any more.
    static let graceSecondsRange: ClosedRange<Int64> = 0...366 * 86_400
    /// However many requests have failed, the next one is made after this long at most.
    static let retryIntervalMax: Duration = .seconds(3600)
    /// In one bundle: each is a loop of requests or of looks at the file system.
    static let sourcesMax = 64
    /// Files in one folder that are looked at; those after them, by name, are not, and that is logged.
    static let folderFilesMax = 1024
    /// CAs that are known because a device presented them, beside the configured ones.
    static let learnedAuthoritiesMax = 256
    /// Distribution points that are followed, of all bundles.
    static let learnedURLsMax = 256
    /// A name of a bundle as it stands in settings that have none: `tls.client-ca`.
    static let defaultBundle = "default"
}
