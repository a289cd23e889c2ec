import DeviceRegistry
import NIOMbedTLS

extension JournalRecord.Offer {
    /// What a client offered, by the names of the IANA registries; what has none here by its number.
    init(_ hello: TLSClientHello) {
        self.init(
            serverName: hello.serverName, applicationProtocols: hello.applicationProtocols,
            versions: hello.versions.filter(OfferNames.isNoGrease).map(OfferNames.version),
            cipherSuites: hello.cipherSuites.filter(OfferNames.isNoGrease).map(OfferNames.cipherSuite),
            groups: hello.namedGroups.filter(OfferNames.isNoGrease).map(OfferNames.group))
    }
}

/// Names of the numbers in a ClientHello.
enum OfferNames {
    /// Values that clients offer only so that servers learn to ignore the unknown (RFC 8701): 0x0A0A, 0x1A1A and so on.
    static func isNoGrease(_ number: UInt16) -> Bool {
        !(number & 0x0F0F == 0x0A0A && number >> 8 == number & 0xFF)
    }

    static func version(_ number: UInt16) -> String {
        switch number {
        case 0x0304: "TLS 1.3"
        case 0x0303: "TLS 1.2"
        case 0x0302: "TLS 1.1"
        case 0x0301: "TLS 1.0"
        case 0x0300: "SSL 3.0"
        case 0xFEFD: "DTLS 1.2"
        case 0xFEFF: "DTLS 1.0"
        case _: hexadecimal(number)
        }
    }

    static func cipherSuite(_ number: UInt16) -> String {
        TLSCipherSuite(rawValue: number)?.name ?? otherSuites[number] ?? hexadecimal(number)
    }

    static func group(_ number: UInt16) -> String {
        groups[number] ?? hexadecimal(number)
    }

    private static func hexadecimal(_ number: UInt16) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// Of the suites that are refused here, those that devices are seen to offer.
    private static let otherSuites: [UInt16: String] = [
        0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0x0005: "TLS_RSA_WITH_RC4_128_SHA",
        0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
        0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        0x006B: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x008C: "TLS_PSK_WITH_AES_128_CBC_SHA",
        0x008D: "TLS_PSK_WITH_AES_256_CBC_SHA", 0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384", 0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x00A8: "TLS_PSK_WITH_AES_128_GCM_SHA256",
        0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", 0x5600: "TLS_FALLBACK_SCSV",
        0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xC024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0xC028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        0xC0A8: "TLS_PSK_WITH_AES_128_CCM_8", 0xCCAA: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ]

    private static let groups: [UInt16: String] = [
        0x0013: "secp192r1", 0x0015: "secp224r1", 0x0016: "secp256k1", 0x0017: "secp256r1", 0x0018: "secp384r1",
        0x0019: "secp521r1", 0x001A: "brainpoolP256r1", 0x001B: "brainpoolP384r1", 0x001C: "brainpoolP512r1",
        0x001D: "x25519", 0x001E: "x448", 0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096",
        0x11EC: "X25519MLKEM768",
    ]
}
