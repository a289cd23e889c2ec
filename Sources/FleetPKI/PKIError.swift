/// Why a key, certificate or archive could not be read or made.
///
/// The message names the input at fault and never contains key material or a pass phrase.
public struct PKIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable reason code, in kebab case: `rawValue` may be shown, logged and matched.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { self.rawValue }
    }

    /// The stable reason.
    public let code: Code
    /// One sentence for a person, with what to change where that is known.
    public let message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(self.code): \(self.message)" }
}

extension PKIError.Code {
    /// The input has no PEM block of the wanted kind.
    public static let noPEMBlock = Self(rawValue: "no-pem-block")
    /// A PEM block is not closed, closed under another label, or not base64.
    public static let malformedPEM = Self(rawValue: "malformed-pem")
    /// One item was expected and the input has more.
    public static let severalItems = Self(rawValue: "several-items")
    /// The input is longer than anything real.
    public static let inputTooLong = Self(rawValue: "input-too-long")
    /// Not a DER certificate of RFC 5280, or one with a key of a kind that is not supported.
    public static let malformedCertificate = Self(rawValue: "malformed-certificate")
    /// Not a PKCS#12 archive, or one whose protection libcrypto does not offer.
    public static let malformedArchive = Self(rawValue: "malformed-archive")
    /// The private key cannot be parsed.
    public static let malformedKey = Self(rawValue: "malformed-key")
    /// The private key is sound but of a kind that is not supported here.
    public static let unsupportedKey = Self(rawValue: "unsupported-key")
    /// The private key is encrypted and no pass phrase was given.
    public static let passphraseRequired = Self(rawValue: "passphrase-required")
    /// The private key did not decrypt with the pass phrase.
    public static let wrongPassphrase = Self(rawValue: "wrong-passphrase")
    /// The pass phrase given for encryption is empty, too long, or has a NUL in it.
    public static let invalidPassphrase = Self(rawValue: "invalid-passphrase")
    /// The private key does not belong to the certificate.
    public static let keyMismatch = Self(rawValue: "key-mismatch")
    /// The certificate may not sign others (basicConstraints or keyUsage).
    public static let notACertificateAuthority = Self(rawValue: "not-a-ca")
    /// A certificate of the chain was not signed by the one after it.
    public static let brokenChain = Self(rawValue: "broken-chain")
    /// The CA certificate has expired or is not valid yet.
    public static let authorityNotValid = Self(rawValue: "ca-not-valid")
    /// The CA's path length leaves no room for another CA below it.
    public static let pathLengthExceeded = Self(rawValue: "path-length-exceeded")
    /// The template's subject cannot be encoded or breaks RFC 5280.
    public static let invalidSubject = Self(rawValue: "invalid-subject")
    /// A subject alternative name cannot be encoded.
    public static let invalidAlternativeName = Self(rawValue: "invalid-alternative-name")
    /// An object identifier is not a dotted decimal one.
    public static let invalidObjectIdentifier = Self(rawValue: "invalid-object-identifier")
    /// notAfter is not after notBefore, or a date is outside the years X.509 can express.
    public static let invalidValidity = Self(rawValue: "invalid-validity")
    /// The serial number breaks RFC 5280 section 4.1.2.2.
    public static let invalidSerialNumber = Self(rawValue: "invalid-serial-number")
    /// An extension of the template cannot be encoded.
    public static let invalidExtension = Self(rawValue: "invalid-extension")
    /// Not a DER certificate revocation list of RFC 5280.
    public static let malformedRevocationList = Self(rawValue: "malformed-crl")
    /// The key usage of the CA's certificate does not allow it to sign revocation lists (cRLSign).
    public static let revocationSigningNotAllowed = Self(rawValue: "crl-sign-missing")
    /// A parameter of a call is outside its range.
    public static let invalidArgument = Self(rawValue: "invalid-argument")
    /// The cryptographic library failed in itself.
    public static let cryptoFailure = Self(rawValue: "crypto-failure")
}
