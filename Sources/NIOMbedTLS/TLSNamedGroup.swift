/// A group for the key exchange (IANA "TLS Supported Groups").
///
/// With TLS 1.2 the list also bounds the curves of the peer's certificate key.
public enum TLSNamedGroup: UInt16, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case secp256r1 = 0x0017
    case secp384r1 = 0x0018
    case x25519 = 0x001D

    /// The IANA name.
    public var description: String {
        switch self {
        case .secp256r1: "secp256r1"
        case .secp384r1: "secp384r1"
        case .x25519: "x25519"
        }
    }

    /// The same curve as a certificate names it, in dotted form; nil for one that certificates cannot have.
    var curveOID: String? {
        switch self {
        case .secp256r1: "1.2.840.10045.3.1.7"
        case .secp384r1: "1.3.132.0.34"
        case .x25519: nil
        }
    }

    /// P-256 first: it is what constrained devices have in hardware, and what is fast here.
    public static let defaults: [TLSNamedGroup] = [.secp256r1, .x25519, .secp384r1]
}

/// What a client may ask a server to keep its records to, in bytes of plaintext (RFC 6066, section 4). A server of ours
/// always honours what it is asked for; mbedTLS does not use it in TLS 1.3.
public enum MaximumFragmentLength: Int, Sendable, Hashable, CaseIterable {
    case bytes512 = 512
    case bytes1024 = 1024
    case bytes2048 = 2048
    case bytes4096 = 4096

    /// The code in the extension.
    var wireValue: Int32 {
        switch self {
        case .bytes512: 1
        case .bytes1024: 2
        case .bytes2048: 3
        case .bytes4096: 4
        }
    }
}
