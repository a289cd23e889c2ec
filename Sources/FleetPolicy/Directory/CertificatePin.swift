/// A certificate or a public key that is pinned for a device: known by its hash alone.
public struct CertificatePin: Sendable, Hashable {
    /// What the hash is of.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// Of the whole certificate's DER encoding: this certificate and no other.
        case certificate
        /// Of the DER encoding of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7): any certificate with this key.
        case publicKey = "public-key"
    }

    public let kind: Kind
    /// 32 bytes.
    public let sha256: [UInt8]

    /// Nil when the hash is not 32 bytes.
    public init?(_ kind: Kind, sha256: [UInt8]) {
        guard sha256.count == 32 else { return nil }
        self.kind = kind
        self.sha256 = sha256
    }

    /// Reads `certificate:HEX` or `public-key:HEX`, with 64 hexadecimal digits in either case; colons between the
    /// bytes, as other tools print them, do not matter.
    public init?(parsing text: String) {
        guard text.utf8.count <= 128, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let kind = Kind(rawValue: String(text[..<colon])),
            let sha256 = HexadecimalText.bytes(String(text[text.utf8.index(after: colon)...]), separator: ":")
        else { return nil }
        self.init(kind, sha256: sha256)
    }
}

extension CertificatePin: CustomStringConvertible {
    /// `certificate:HEX` or `public-key:HEX` in lower case, which ``init(parsing:)`` reads.
    public var description: String { "\(kind.rawValue):\(HexadecimalText.text(sha256))" }
}

/// Bytes as hexadecimal digits.
public enum HexadecimalText {
    // Inlinable, so that it is compiled for the sequence at hand: audit log and inventory write several for each session.

    /// Two lower-case digits for each byte, with nothing between them.
    @inlinable
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        append(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the same to a line that is being made.
    @inlinable
    public static func append(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + 2 * bytes.underestimatedCount)
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
    }

    @inlinable
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The bytes of a text of digit pairs in either case; `separator` may stand between two pairs. Nil when it is
    /// anything else.
    public static func bytes(_ text: String, separator: Character? = nil) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        let separator = separator?.asciiValue
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = character - UInt8(ascii: "A") + 10
            case _ where character == separator && high == nil && !bytes.isEmpty: continue
            case _: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }
}
