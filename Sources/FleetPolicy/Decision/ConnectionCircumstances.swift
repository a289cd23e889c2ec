/// What a decision may depend on beside the certificate: how, where and when it was presented.
public struct ConnectionCircumstances: Sendable {
    /// A version of TLS, as it is written in profiles.
    public enum TLSVersion: String, Sendable, Hashable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// The CA that the chain ends at.
    public struct TrustAnchor: Sendable, Hashable {
        /// One object for all of it, so that circumstances are cheap to pass on.
        private final class Storage: Sendable {
            let subject: DistinguishedName
            let sha256Fingerprint: [UInt8]
            let text: [UInt8]
            let textHash: ValueHash
            let fingerprintHash: ValueHash

            init(_ subject: DistinguishedName, _ sha256Fingerprint: [UInt8]) {
                self.subject = subject
                self.sha256Fingerprint = sha256Fingerprint
                text = Array(subject.description.utf8)
                textHash = MatchField.trustAnchor.key.hash.combining(text)
                fingerprintHash = MatchField.trustAnchorFingerprint.key.hash.combining(sha256Fingerprint)
            }
        }

        private let storage: Storage

        public var subject: DistinguishedName { storage.subject }
        /// SHA-256 of its DER encoding: 32 bytes.
        public var sha256Fingerprint: [UInt8] { storage.sha256Fingerprint }
        /// The subject in the form of RFC 4514, as matches compare it.
        var text: [UInt8] { storage.text }
        var textHash: ValueHash { storage.textHash }
        var fingerprintHash: ValueHash { storage.fingerprintHash }

        /// Puts the anchor together; takes some microseconds, so make it once for each trust anchor.
        public init(subject: DistinguishedName, sha256Fingerprint: [UInt8]) {
            storage = Storage(subject, sha256Fingerprint)
        }

        public static func == (left: Self, right: Self) -> Bool {
            left.storage === right.storage
                || left.sha256Fingerprint == right.sha256Fingerprint && left.subject == right.subject
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(sha256Fingerprint)
            hasher.combine(subject)
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    public var now: Int64
    public var tlsVersion: TLSVersion
    /// The name of the listener in the configuration.
    public var listener: String
    /// What the device asked for in SNI; proves nothing.
    public var serverName: String?
    /// Nil: no trust anchor issued the chain. Only a pinned certificate gets in then.
    public var trustAnchor: TrustAnchor?
    /// The certificates of the chain below the anchor, the leaf first; empty where no anchor issued it, or where only the
    /// leaf is known. An anchor that was taken away since has issued it.
    public var chain: [CertificateID]

    public init(
        now: Int64, tlsVersion: TLSVersion = .tls13, listener: String = "default", serverName: String? = nil,
        trustAnchor: TrustAnchor?, chain: [CertificateID] = []
    ) {
        self.chain = chain
        self.now = now
        self.tlsVersion = tlsVersion
        self.listener = listener
        self.serverName = serverName
        self.trustAnchor = trustAnchor
    }
}
