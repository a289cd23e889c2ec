/// Everything that is wrong with a ``TLSConfiguration``, all at once.
public struct TLSConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One mistake.
    public struct Problem: Sendable, Hashable {
        /// Stable, in kebab case; one of the constants of ``Code``.
        public let code: Code
        /// What is wrong, for a person. Never holds a secret.
        public let message: String
    }

    /// What kind of mistake.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A server without a certificate, or a client with a key but none.
        public static let noCertificate = Code(rawValue: "no-certificate")
        /// A certificate of the chain cannot be parsed.
        public static let certificateUnparsable = Code(rawValue: "certificate-unparsable")
        /// A certificate without a private key.
        public static let noPrivateKey = Code(rawValue: "no-private-key")
        /// The private key cannot be parsed.
        public static let keyUnparsable = Code(rawValue: "key-unparsable")
        /// The private key is encrypted and there is no pass phrase.
        public static let passphraseMissing = Code(rawValue: "pass-phrase-missing")
        /// The pass phrase does not decrypt the private key.
        public static let passphraseWrong = Code(rawValue: "pass-phrase-wrong")
        /// The private key is not that of the first certificate.
        public static let keyMismatch = Code(rawValue: "key-mismatch")
        /// There is no trust anchor.
        public static let noTrustAnchors = Code(rawValue: "no-trust-anchors")
        /// A trust anchor cannot be parsed.
        public static let trustAnchorUnparsable = Code(rawValue: "trust-anchor-unparsable")
        /// An intermediate that cannot be parsed, that no trust anchor issued, or that may not issue certificates.
        public static let intermediateUnusable = Code(rawValue: "intermediate-unusable")
        /// Rules of a trust anchor that are weaker than what holds for all, or that nothing can meet.
        public static let anchorRules = Code(rawValue: "anchor-rules")
        /// Keys of tickets that cannot be told apart.
        public static let ticketKeys = Code(rawValue: "ticket-keys")
        /// TLS 1.3 was asked for, which the linked library cannot do safely.
        public static let versionUnavailable = Code(rawValue: "version-unavailable")
        /// No cipher suite, too many, or none for a version that is offered.
        public static let cipherSuites = Code(rawValue: "cipher-suites")
        /// No named group, or too many.
        public static let namedGroups = Code(rawValue: "named-groups")
        /// An application protocol that is empty or longer than 255 bytes, or too many of them.
        public static let applicationProtocols = Code(rawValue: "application-protocols")
        /// A limit or a time that is not positive, or beyond what mbedTLS can do.
        public static let limit = Code(rawValue: "limit")
        /// A setting that belongs to the other role.
        public static let wrongRole = Code(rawValue: "wrong-role")
        /// The library could not be initialised, or had no memory or entropy.
        public static let library = Code(rawValue: "library")
    }

    public let problems: [Problem]

    public var description: String {
        self.problems.map { "\($0.code.rawValue): \($0.message)" }.joined(separator: "; ")
    }
}

/// Something in a configuration that works but should be known.
public struct TLSConfigurationWarning: Sendable, Hashable {
    /// What kind of warning.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Our certificate, or a certificate of our chain, has expired: peers will refuse it.
        public static let certificateExpired = Code(rawValue: "certificate-expired")
        /// Our certificate, or a certificate of our chain, is not valid yet: peers will refuse it.
        public static let certificateNotYetValid = Code(rawValue: "certificate-not-yet-valid")
        /// A trust anchor has expired: chains that end in it are refused.
        public static let trustAnchorExpired = Code(rawValue: "trust-anchor-expired")
        /// A configured intermediate has expired: only clients that send a newer one are accepted by way of it.
        public static let intermediateExpired = Code(rawValue: "intermediate-expired")
    }

    public let code: Code
    /// For a person.
    public let message: String
}
