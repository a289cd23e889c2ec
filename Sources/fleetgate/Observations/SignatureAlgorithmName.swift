/// What a certificate is signed with, read from its DER: the second member of Certificate (RFC 5280, section 4.1).
///
/// The TLS layer has no use for it once it has checked the signature; the inventory has.
enum SignatureAlgorithmName {
    /// The name, or the identifier in dotted form; empty when it cannot be read.
    static func read(certificate der: [UInt8]) -> String {
        guard let certificate = element(0x30, in: der[...]), let toBeSigned = element(0x30, in: certificate.inside),
            let algorithm = element(0x30, in: certificate.inside[toBeSigned.end...]),
            let identifier = element(0x06, in: algorithm.inside), let oid = dotted(identifier.inside)
        else { return "" }
        return names[oid] ?? oid
    }

    private struct Element {
        let inside: ArraySlice<UInt8>
        /// Behind the last byte.
        let end: Int
    }

    /// The element that the bytes begin with; nil when it is of another tag or longer than they are.
    private static func element(_ tag: UInt8, in bytes: ArraySlice<UInt8>) -> Element? {
        guard bytes.count >= 2, bytes[bytes.startIndex] == tag else { return nil }
        let first = bytes[bytes.startIndex + 1]
        var start = bytes.startIndex + 2
        var length = Int(first)
        if first >= 0x80 {
            // Three bytes of length are more than a certificate has.
            let count = Int(first & 0x7F)
            guard (1...3).contains(count), bytes.endIndex - start >= count else { return nil }
            length = bytes[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
            start += count
        }
        guard bytes.endIndex - start >= length else { return nil }
        return Element(inside: bytes[start..<start + length], end: start + length)
    }

    /// The content of an OBJECT IDENTIFIER (X.690, 8.19); nil when it is longer than any there is.
    private static func dotted(_ content: ArraySlice<UInt8>) -> String? {
        guard (1...32).contains(content.count) else { return nil }
        var parts: [UInt64] = []
        var value: UInt64 = 0
        for byte in content {
            guard value <= UInt64.max >> 8 else { return nil }
            value = value << 7 | UInt64(byte & 0x7F)
            guard byte & 0x80 == 0 else { continue }
            if parts.isEmpty {
                let first = min(value / 40, 2)
                parts += [first, value - first * 40]
            } else {
                parts.append(value)
            }
            value = 0
        }
        return parts.map(String.init).joined(separator: ".")
    }

    private static let names = [
        "1.2.840.113549.1.1.4": "md5WithRSAEncryption", "1.2.840.113549.1.1.5": "SHA1WithRSAEncryption",
        "1.2.840.113549.1.1.11": "sha256WithRSAEncryption", "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13": "sha512WithRSAEncryption", "1.2.840.113549.1.1.10": "RSASSA-PSS",
        "1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3": "ecdsa-with-SHA384", "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
        "1.3.101.112": "Ed25519",
    ]
}
