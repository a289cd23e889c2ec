/// One of the certificates that a peer's chain may end in. Made once with its ``TLSContext``, then shared.
public struct TLSTrustAnchor: Sendable, Hashable {
    /// Relative names in the order of the certificate. Empty when the name is not valid text in its own encoding:
    /// such a certificate can be an anchor, but not be found by its name.
    public let subject: [[NameAttribute]]
    /// SHA-256 of the whole certificate, 32 bytes.
    public let sha256Fingerprint: [UInt8]

    public init(subject: [[NameAttribute]], sha256Fingerprint: [UInt8]) {
        self.subject = subject
        self.sha256Fingerprint = sha256Fingerprint
    }

    /// The subject in the manner of RFC 4514. For reading; never for comparing.
    public var subjectDescription: String { DistinguishedName.description(of: self.subject) }
}
