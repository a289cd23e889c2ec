extension TLSError {
    /// A stable reason, in kebab case: fit for metrics and for programs.
    ///
    /// When several reasons apply to a certificate, the first of this order is the code: `chain-too-long`,
    /// `unsupported-signature`, `unsupported-key`, `unsupported-critical-extension`, `certificate-unparsable`,
    /// `unsupported-name-constraints`, `bad-signature`, `unknown-ca`, `weak-signature`, `weak-key`, `revoked`, `expired`,
    /// `not-yet-valid`, `wrong-name`, `not-v3`, `leaf-is-ca`, `bad-serial`, `wrong-key-usage`,
    /// `wrong-extended-key-usage`, and last what the authorization says.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { self.rawValue }

        // MARK: About the peer's certificate

        /// The client presented no certificate.
        public static let noCertificate = Code(rawValue: "no-certificate")
        /// A certificate of the chain cannot be parsed or is too large.
        public static let certificateUnparsable = Code(rawValue: "certificate-unparsable")
        /// A certificate of the chain has a critical extension that mbedTLS does not know and so could not honour, such as
        /// name constraints or policy constraints (RFC 5280, 4.2).
        public static let unsupportedCriticalExtension = Code(rawValue: "unsupported-critical-extension")
        /// An intermediate limits the names below it (name constraints that are not marked critical), which mbedTLS would
        /// pass over and nothing here checks: what the limit was meant to keep out would get in.
        public static let unsupportedNameConstraints = Code(rawValue: "unsupported-name-constraints")
        /// A certificate of the chain has a key that mbedTLS cannot compute with: Ed25519 and Ed448, DSA, a curve that it
        /// does not have, RSA of more than 8192 bits.
        public static let unsupportedKey = Code(rawValue: "unsupported-key")
        /// A certificate that the chain needs is signed with an algorithm that mbedTLS does not know, such as Ed25519 or
        /// ML-DSA. It passes over such a certificate as if it had not been sent.
        public static let unsupportedSignature = Code(rawValue: "unsupported-signature")
        /// No trust anchor issued the chain: none has the issuer's name (and key identifier).
        public static let unknownCA = Code(rawValue: "unknown-ca")
        /// An issuer of the right name exists, but its key did not make the signature; or the peer could not prove that
        /// it holds the certificate's key.
        public static let badSignature = Code(rawValue: "bad-signature")
        /// A certificate is signed with an algorithm that is not accepted, such as SHA-1.
        public static let weakSignature = Code(rawValue: "weak-signature")
        /// A key is too small, or of an algorithm or on a curve that is not accepted.
        public static let weakKey = Code(rawValue: "weak-key")
        /// A certificate of the chain has expired.
        public static let expired = Code(rawValue: "expired")
        /// A certificate of the chain is not valid yet.
        public static let notYetValid = Code(rawValue: "not-yet-valid")
        /// The chain is longer than ``TLSLimits/chainDepthMax``, or than an issuer's path length allows.
        public static let chainTooLong = Code(rawValue: "chain-too-long")
        /// The server's certificate is not for the name or address it was reached by.
        public static let wrongName = Code(rawValue: "wrong-name")
        /// The leaf's key usage does not allow digital signatures.
        public static let wrongKeyUsage = Code(rawValue: "wrong-key-usage")
        /// The leaf's extended key usage does not allow its role (clientAuth, serverAuth), or does not name it.
        public static let wrongExtendedKeyUsage = Code(rawValue: "wrong-extended-key-usage")
        /// The leaf is a CA certificate, or may sign certificates.
        public static let leafIsCA = Code(rawValue: "leaf-is-ca")
        /// The leaf's serial number is zero, negative or longer than 20 octets.
        public static let badSerial = Code(rawValue: "bad-serial")
        /// The leaf is not an X.509 version 3 certificate.
        public static let notV3 = Code(rawValue: "not-v3")
        /// The authorization refused the certificate as revoked.
        public static let revoked = Code(rawValue: "revoked")
        /// The authorization refused the certificate; its own code is ``TLSError/deniedCode``.
        public static let accessDenied = Code(rawValue: "access-denied")
        /// The handshake ended without a recorded permission for a peer certificate; refused to be on the safe side.
        public static let unauthenticatedPeer = Code(rawValue: "unauthenticated-peer")

        // MARK: About the handshake

        /// The first bytes are not a TLS record: plain MQTT, HTTP, SSH, a port scanner.
        public static let notTLS = Code(rawValue: "not-tls")
        /// No version of TLS in common.
        public static let noSharedVersion = Code(rawValue: "no-shared-version")
        /// No cipher suite, named group or signature algorithm in common.
        public static let noSharedCipher = Code(rawValue: "no-shared-cipher")
        /// The client offers application protocols (ALPN), and none of ours is among them.
        public static let noSharedALPN = Code(rawValue: "no-shared-alpn")
        /// The handshake was not complete in time.
        public static let handshakeTimeout = Code(rawValue: "handshake-timeout")
        /// The handshake took more bytes than ``TLSLimits`` allows.
        public static let handshakeTooLarge = Code(rawValue: "handshake-too-large")
        /// The connection ended before the handshake did.
        public static let eofDuringHandshake = Code(rawValue: "eof-during-handshake")

        // MARK: About the connection

        /// The peer broke the protocol: a malformed or unexpected message.
        public static let protocolError = Code(rawValue: "protocol-error")
        /// A record that cannot be decrypted, or whose header is wrong.
        public static let badRecord = Code(rawValue: "bad-record")
        /// The peer ended the connection with a fatal alert, ``TLSError/alertReceived``.
        public static let peerAlert = Code(rawValue: "peer-alert")
        /// The connection ended without close_notify: what the peer sent last may be missing.
        public static let truncated = Code(rawValue: "truncated")
        /// The peer did not answer our close_notify in time.
        public static let closeTimeout = Code(rawValue: "close-timeout")
        /// The connection was closed here before a write was done.
        public static let closed = Code(rawValue: "closed")
        /// More plaintext was written before the handshake was complete than ``TLSLimits/plaintextHeldMax``.
        public static let heldPlaintextTooLarge = Code(rawValue: "held-plaintext-too-large")
        /// mbedTLS could not get memory.
        public static let outOfMemory = Code(rawValue: "out-of-memory")
        /// A fault in this program or in mbedTLS.
        public static let internalError = Code(rawValue: "internal-error")
    }
}
