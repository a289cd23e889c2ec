/// Which rows of the journal, newest first (oldest first with ``after``). All conditions hold together.
public struct JournalQuery: Sendable, Hashable, Codable {
    /// A part of the device's name, of the certificate's subject or of one of its alternative names, in either case.
    public var device: String?
    /// A part of the subject, in either case.
    public var subject: String?
    /// The serial number in lower-case hexadecimal, without leading zeros.
    public var serialNumber: String?
    /// The beginning of the address.
    public var address: String?
    public var reason: String?
    /// Rows whose last failure is not before this, in seconds since 1970-01-01T00:00:00Z.
    public var since: Int64?
    /// Rows before the one of this id: the next page.
    public var before: Int64?
    /// Rows after the one of this id, oldest first: what is new.
    public var after: Int64?
    /// 1 to ``limitMax``.
    public var limit: Int

    public static let limitMax = 1000

    public init(limit: Int = Self.limitMax) {
        self.limit = limit
    }
}

/// Which certificates of the inventory, by their notAfter, the soonest first. All conditions hold together.
public struct CertificateQuery: Sendable, Hashable, Codable {
    /// A page goes on behind this certificate.
    public struct Cursor: Sendable, Hashable, Codable {
        public var notAfter: Int64
        public var fingerprint: String

        public init(_ certificate: ObservedCertificate) {
            notAfter = certificate.notAfter
            fingerprint = certificate.fingerprint
        }
    }

    /// What counts as weak.
    public struct Weakness: Sendable, Hashable, Codable {
        /// Bits of an RSA modulus. Below 3072 is not for use beyond 2030 (NIST SP 800-57 part 1).
        public var rsaBitsMin: Int
        /// Days from notBefore to notAfter.
        public var validityDaysMax: Int

        public init(rsaBitsMin: Int = 3072, validityDaysMax: Int = 3653) {
            self.rsaBitsMin = rsaBitsMin
            self.validityDaysMax = validityDaysMax
        }
    }

    /// The beginning of the fingerprint, in lower-case hexadecimal.
    public var fingerprint: String?
    /// A part of the device's name, in either case.
    public var device: String?
    /// A part of the subject or of an alternative name, in either case.
    public var subject: String?
    /// A part of the issuer, in either case.
    public var issuer: String?
    public var serialNumber: String?
    public var profile: String?
    /// Certificates whose notAfter is not after this, in seconds since 1970-01-01T00:00:00Z.
    public var expiringUntil: Int64?
    /// Certificates whose notAfter is after this.
    public var expiringAfter: Int64?
    /// Only certificates whose devices were not seen with one that is valid longer.
    public var notRenewed = false
    public var seenSince: Int64?
    public var notSeenSince: Int64?
    /// Only those that are weak by this.
    public var weakness: Weakness?
    public var after: Cursor?
    /// 1 to ``limitMax``.
    public var limit: Int
    /// Whether the certificates themselves come along.
    public var includesDER = false

    public static let limitMax = 500

    public init(limit: Int = Self.limitMax) {
        self.limit = limit
    }
}

/// Certificates of which there should be one.
public struct CertificateDuplicates: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// Different devices with one key: an image that was copied, or a poor random number generator.
        case sharedKey = "shared-key"
        /// One key in several certificates of one device: renewed without a new key.
        case reusedKey = "reused-key"
        /// One device with several certificates that are valid still.
        case severalValid = "several-valid"
    }

    public var kind: Kind
    /// The key's hash, or the device.
    public var common: String
    /// At most ``certificatesMax``, the latest seen first.
    public var certificates: [ObservedCertificate]
    /// How many there are.
    public var count: Int

    public static let certificatesMax = 20
    /// Groups of one answer.
    public static let groupsMax = 500
}

/// How many certificates expire when. Each counts once.
public struct ExpiryCounts: Sendable, Hashable, Codable {
    public var expired = 0
    /// By the days given, each without those of the ones before.
    public var within: [Int] = []
    public var later = 0
}
