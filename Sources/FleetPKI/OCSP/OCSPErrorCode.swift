/// What an OCSP responder's answer can have wrong. Each is the responder's fault, or that of somebody on the way to it;
/// none says anything about the certificate that was asked about.
extension PKIError.Code {
    /// Not a DER OCSPResponse of RFC 6960 section 4.2.1 with a basic response in it, or one beyond our limits.
    public static let malformedOCSPResponse = Self(rawValue: "malformed-ocsp-response")
    /// Not a DER OCSPRequest of RFC 6960 section 4.1.1.
    public static let malformedOCSPRequest = Self(rawValue: "malformed-ocsp-request")
    /// The response is of another type than id-pkix-ocsp-basic.
    public static let unknownOCSPResponseType = Self(rawValue: "ocsp-unknown-response-type")
    /// The responder says `malformedRequest`.
    public static let ocspRequestRefused = Self(rawValue: "ocsp-malformed-request")
    /// The responder says `internalError`.
    public static let ocspInternalError = Self(rawValue: "ocsp-internal-error")
    /// The responder says `tryLater`.
    public static let ocspTryLater = Self(rawValue: "ocsp-try-later")
    /// The responder says `sigRequired`; requests are never signed here.
    public static let ocspSignatureRequired = Self(rawValue: "ocsp-signature-required")
    /// The responder says `unauthorized`: it does not answer for this CA, or not to us.
    public static let ocspUnauthorized = Self(rawValue: "ocsp-unauthorized")
    /// The response has an extension that is critical and not known here.
    public static let ocspUnknownCriticalExtension = Self(rawValue: "ocsp-unknown-critical-extension")
    /// The response speaks of certificates of another CA.
    public static let ocspIssuerMismatch = Self(rawValue: "ocsp-issuer-mismatch")
    /// The response speaks of other certificates of this CA.
    public static let ocspSerialMismatch = Self(rawValue: "ocsp-serial-mismatch")
    /// The response speaks of the certificate more than once.
    public static let ocspSeveralAnswers = Self(rawValue: "ocsp-several-answers")
    /// Who the response says has signed it is neither the CA nor the owner of a certificate in the response.
    public static let ocspUnknownResponder = Self(rawValue: "ocsp-unknown-responder")
    /// The signature of the response is not that of who it says.
    public static let ocspSignatureInvalid = Self(rawValue: "ocsp-signature-invalid")
    /// The response, or the certificate of who signed it, is signed with a hash that is broken (MD5, SHA-1).
    public static let ocspWeakSignature = Self(rawValue: "ocsp-weak-signature")
    /// The response is signed with an algorithm that is not known here.
    public static let ocspUnsupportedSignature = Self(rawValue: "ocsp-unsupported-signature")
    /// The delegated responder's certificate was not issued by the CA itself, with the same name and key.
    public static let ocspResponderNotDelegated = Self(rawValue: "ocsp-responder-not-delegated")
    /// The delegated responder's certificate does not say id-kp-OCSPSigning.
    public static let ocspResponderPurpose = Self(rawValue: "ocsp-responder-purpose")
    /// The key usage of the delegated responder's certificate is without digitalSignature.
    public static let ocspResponderKeyUsage = Self(rawValue: "ocsp-responder-key-usage")
    /// The delegated responder's certificate is not valid now.
    public static let ocspResponderNotValid = Self(rawValue: "ocsp-responder-not-valid")
    /// The delegated responder's certificate has a critical extension that is not known here, or one that cannot be read.
    public static let ocspResponderExtension = Self(rawValue: "ocsp-responder-extension")
    /// The delegated responder's certificate was revoked.
    public static let ocspResponderRevoked = Self(rawValue: "ocsp-responder-revoked")
    /// The response was made in the future, or its thisUpdate is.
    public static let ocspNotYetValid = Self(rawValue: "ocsp-not-yet-valid")
    /// The response's nextUpdate is past.
    public static let ocspOutdated = Self(rawValue: "ocsp-outdated")
    /// The response has no nextUpdate, and its thisUpdate is too long ago.
    public static let ocspTooOld = Self(rawValue: "ocsp-too-old")
    /// The response repeats another nonce than the request's.
    public static let ocspNonceMismatch = Self(rawValue: "ocsp-nonce-mismatch")
    /// The response has no nonce and one is required.
    public static let ocspNonceMissing = Self(rawValue: "ocsp-nonce-missing")
}
