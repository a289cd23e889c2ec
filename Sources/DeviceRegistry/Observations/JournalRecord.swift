/// A connection that failed, or several that failed in the same way: a row of the journal.
public struct JournalRecord: Sendable, Hashable, Codable {
    /// What the peer presented, verified or not.
    public struct Certificate: Sendable, Hashable, Codable {
        /// SHA-256 in lower-case hexadecimal, as all numbers here; empty when it is not known.
        public var fingerprint: String
        /// In the manner of RFC 4514, as all names here.
        public var subject: String
        /// With their types: `dns:meter-1.example`.
        public var alternativeNames: [String]
        public var issuer: String
        public var serialNumber: String
        /// Seconds since 1970-01-01T00:00:00Z; nil when only the fingerprint is known.
        public var notBefore: Int64?
        public var notAfter: Int64?

        public init(
            fingerprint: String, subject: String = "", alternativeNames: [String] = [], issuer: String = "",
            serialNumber: String = "", notBefore: Int64? = nil, notAfter: Int64? = nil
        ) {
            self.fingerprint = fingerprint
            self.subject = subject
            self.alternativeNames = alternativeNames
            self.issuer = issuer
            self.serialNumber = serialNumber
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    /// What a ClientHello offered, in words.
    public struct Offer: Sendable, Hashable, Codable {
        public var serverName: String?
        public var applicationProtocols: [String]
        public var versions: [String]
        public var cipherSuites: [String]
        public var groups: [String]

        public init(
            serverName: String?, applicationProtocols: [String], versions: [String], cipherSuites: [String],
            groups: [String]
        ) {
            self.serverName = serverName
            self.applicationProtocols = applicationProtocols
            self.versions = versions
            self.cipherSuites = cipherSuites
            self.groups = groups
        }
    }

    /// Grows with each row; 0: not written yet.
    public var id: Int64 = 0
    /// Seconds since 1970-01-01T00:00:00Z.
    public var first: Int64
    public var last: Int64
    /// Connections that it stands for.
    public var count: Int64
    /// Without the port; empty in a row that sums up many.
    public var address: String
    public var listener: String
    /// In kebab case, as the log and the metrics have it.
    public var reason: String
    /// What happened, with what is known of the cause.
    public var detail: String
    /// What could be done about it; empty when nobody knows.
    public var hint: String
    /// Such as `sent unknown_ca`; empty when there was none.
    public var alert: String
    /// `<tenant>/<device>`; empty when it was not known yet.
    public var device: String
    public var certificate: Certificate?
    public var offer: Offer?

    public init(
        at: Int64, count: Int64 = 1, address: String, listener: String, reason: String, detail: String,
        hint: String = "", alert: String = "", device: String = "", certificate: Certificate? = nil,
        offer: Offer? = nil
    ) {
        first = at
        last = at
        self.count = count
        self.address = address
        self.listener = listener
        self.reason = reason
        self.detail = detail
        self.hint = hint
        self.alert = alert
        self.device = device
        self.certificate = certificate
        self.offer = offer
    }

    /// The reason of the row that sums up what ``ObservationLimits`` let through no more.
    public static let suppressedReason = "suppressed"

    /// What of it is kept.
    var bounded: JournalRecord {
        var bounded = self
        bounded.address = BoundedText.cut(address, bytesMax: Sighting.addressBytesMax)
        bounded.reason = BoundedText.cut(reason, bytesMax: 64)
        bounded.detail = BoundedText.cut(detail, bytesMax: BoundedText.nameBytesMax)
        bounded.hint = BoundedText.cut(hint, bytesMax: 2 * BoundedText.nameBytesMax)
        if let certificate {
            bounded.certificate = Certificate(
                fingerprint: certificate.fingerprint,
                subject: BoundedText.cut(certificate.subject, bytesMax: BoundedText.nameBytesMax),
                alternativeNames: BoundedText.names(certificate.alternativeNames),
                issuer: BoundedText.cut(certificate.issuer, bytesMax: BoundedText.nameBytesMax),
                serialNumber: BoundedText.cut(
                    SerialNumberText.normal(certificate.serialNumber), bytesMax: BoundedText.numberBytesMax),
                notBefore: certificate.notBefore, notAfter: certificate.notAfter)
        }
        if let offer {
            bounded.offer = Offer(
                serverName: offer.serverName.map { BoundedText.cut($0, bytesMax: 256) },
                applicationProtocols: BoundedText.names(offer.applicationProtocols),
                versions: BoundedText.names(offer.versions), cipherSuites: Array(offer.cipherSuites.prefix(64)),
                groups: BoundedText.names(offer.groups))
        }
        return bounded
    }
}
