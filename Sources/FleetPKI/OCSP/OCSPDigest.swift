import Crypto
import SwiftASN1

/// Whether a question to an OCSP responder carries a nonce (RFC 9654), and what its answer has to say then.
public enum OCSPNonceRule: String, Sendable, Hashable, CaseIterable, Codable {
    /// None is sent. One that comes back all the same is not looked at.
    case off
    /// One is sent. An answer without one is taken, one with another is refused.
    case optional
    /// One is sent, and the answer has to repeat it.
    case required
}

/// The hash by which a question names the issuer of a certificate (RFC 6960 section 4.1.1, CertID).
///
/// The answer is compared with hashes that we compute of the issuer's certificate, so that a collision of SHA-1 is of no
/// use to anybody.
public enum OCSPDigest: String, Sendable, Hashable, CaseIterable, Codable {
    case sha1
    case sha256

    func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let bytes = Array(bytes)
        switch self {
        case .sha1: return Array(Insecure.SHA1.hash(data: bytes))
        case .sha256: return Array(SHA256.hash(data: bytes))
        }
    }

    /// RFC 3279 section 2.1 gives id-sha1 as the OIW's; RFC 5754 section 2.2 gives id-sha256.
    var identifier: ASN1ObjectIdentifier {
        switch self {
        case .sha1: [1, 3, 14, 3, 2, 26]
        case .sha256: [2, 16, 840, 1, 101, 3, 4, 2, 1]
        }
    }
}
