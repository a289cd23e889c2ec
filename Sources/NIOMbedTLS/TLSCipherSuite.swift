/// A cipher suite, by its IANA number and name.
///
/// Only suites with forward secrecy and authenticated encryption exist here; there is no way to ask for another.
public struct TLSCipherSuite: Sendable, Hashable, CustomStringConvertible {
    /// IANA "TLS Cipher Suites" number.
    public let rawValue: UInt16
    /// IANA name, such as `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
    public let name: String
    /// The version it belongs to: a suite of TLS 1.2 cannot be used in TLS 1.3, nor the other way round.
    public let version: TLSVersion

    private init(_ rawValue: UInt16, _ name: String, _ version: TLSVersion) {
        self.rawValue = rawValue
        self.name = name
        self.version = version
    }

    public var description: String { self.name }

    /// The suite of that IANA number, when it is one of ``all``.
    public init?(rawValue: UInt16) {
        guard let known = Self.all.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = known
    }

    /// The suite of that IANA name, when it is one of ``all``.
    public init?(name: String) {
        guard let known = Self.all.first(where: { $0.name == name }) else { return nil }
        self = known
    }

    public static func == (left: TLSCipherSuite, right: TLSCipherSuite) -> Bool { left.rawValue == right.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(self.rawValue) }

    // TLS 1.3 (RFC 8446, B.4)
    public static let aes128GCM = TLSCipherSuite(0x1301, "TLS_AES_128_GCM_SHA256", .v1_3)
    public static let aes256GCM = TLSCipherSuite(0x1302, "TLS_AES_256_GCM_SHA384", .v1_3)
    public static let chaCha20Poly1305 = TLSCipherSuite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", .v1_3)
    public static let aes128CCM = TLSCipherSuite(0x1304, "TLS_AES_128_CCM_SHA256", .v1_3)
    public static let aes128CCM8 = TLSCipherSuite(0x1305, "TLS_AES_128_CCM_8_SHA256", .v1_3)

    // TLS 1.2 (RFC 5289, RFC 7905, RFC 7251)
    public static let ecdheECDSAWithAES128GCM = TLSCipherSuite(
        0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .v1_2)
    public static let ecdheECDSAWithAES256GCM = TLSCipherSuite(
        0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", .v1_2)
    public static let ecdheECDSAWithChaCha20Poly1305 = TLSCipherSuite(
        0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", .v1_2)
    public static let ecdheECDSAWithAES128CCM = TLSCipherSuite(
        0xC0AC, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", .v1_2)
    public static let ecdheECDSAWithAES128CCM8 = TLSCipherSuite(
        0xC0AE, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", .v1_2)
    public static let ecdheRSAWithAES128GCM = TLSCipherSuite(
        0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .v1_2)
    public static let ecdheRSAWithAES256GCM = TLSCipherSuite(
        0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", .v1_2)
    public static let ecdheRSAWithChaCha20Poly1305 = TLSCipherSuite(
        0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", .v1_2)

    /// Every suite there is here, in the order of preference that is the default: AES-128 first, because a processor
    /// that does AES in hardware does it best and one that does not will seldom ask for more; ChaCha20 for those
    /// without; CCM next; CCM-8, whose tag is short (64 bits), last and only for devices that have nothing else.
    public static let all: [TLSCipherSuite] = [
        .aes128GCM, .aes256GCM, .chaCha20Poly1305, .aes128CCM, .aes128CCM8,
        .ecdheECDSAWithAES128GCM, .ecdheECDSAWithAES256GCM, .ecdheECDSAWithChaCha20Poly1305,
        .ecdheRSAWithAES128GCM, .ecdheRSAWithAES256GCM, .ecdheRSAWithChaCha20Poly1305,
        .ecdheECDSAWithAES128CCM, .ecdheECDSAWithAES128CCM8,
    ]
}
