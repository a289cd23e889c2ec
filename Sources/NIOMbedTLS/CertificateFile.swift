extension PeerCertificate {
    /// Reads a file of certificates: PEM (RFC 7468), any number of `CERTIFICATE` blocks with any text and other blocks
    /// around them, or the DER of one. Bounded to 2 MiB and 64 certificates.
    ///
    /// What mbedTLS would refuse for what it says is read all the same, so that it can be told of.
    ///
    /// - Returns: at least one, in the order of the file: of a chain, the leaf first.
    /// - Throws: ``TLSError`` with `certificate-unparsable`, the fault being the operator's: when there is no certificate,
    ///   or one of them cannot be read.
    public static func reading(_ bytes: [UInt8]) throws(TLSError) -> [PeerCertificate] {
        do throws(DERReader.Failure) {
            guard bytes.count <= TLSLimits.certificateFileBytesMax else {
                throw DERReader.Failure(detail: "file of \(bytes.count) bytes")
            }
            if Self.isDER(bytes) {
                return [try PeerCertificate(der: bytes)]
            }
            var reader = PEMReader(bytes)
            var certificates: [PeerCertificate] = []
            while let der = try reader.nextCertificate() {
                guard certificates.count < TLSLimits.certificatesInFileMax else {
                    throw DERReader.Failure(detail: "more than \(TLSLimits.certificatesInFileMax) certificates")
                }
                do throws(DERReader.Failure) {
                    certificates.append(try PeerCertificate(der: der))
                } catch {
                    throw DERReader.Failure(detail: "certificate \(certificates.count + 1): \(error.detail)")
                }
            }
            guard !certificates.isEmpty else {
                throw DERReader.Failure(detail: "neither PEM with a certificate nor the DER of one")
            }
            return certificates
        } catch {
            throw TLSError(code: .certificateUnparsable, fault: .operator, detail: error.detail)
        }
    }

    /// A SEQUENCE with a length of more than one byte, as any certificate's is. The second byte is not text.
    private static func isDER(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 2 && bytes[0] == DERReader.Tag.sequence && bytes[1] >= 0x80
    }
}

/// Finds the certificates in PEM text, line by line; lines end with LF, CR or both.
struct PEMReader {
    private static let begin = Array("-----BEGIN ".utf8)
    private static let beginCertificate = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let endCertificate = Array("-----END CERTIFICATE-----".utf8)
    /// The base64 of the largest certificate.
    private static let base64BytesMax = (TLSLimits.certificateBytesMax + 2) / 3 * 4

    private var rest: ArraySlice<UInt8>

    init(_ text: [UInt8]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]  // U+FEFF, which some editors begin a file with
        self.rest = text.starts(with: mark) ? text.dropFirst(mark.count) : text[...]
    }

    /// - Returns: the DER of the next `CERTIFICATE` block, or nil when there is none.
    mutating func nextCertificate() throws(DERReader.Failure) -> [UInt8]? {
        while let line = self.nextLine() {
            guard line.elementsEqual(Self.beginCertificate) else { continue }
            var base64: [UInt8] = []
            while let line = self.nextLine() {
                if line.elementsEqual(Self.endCertificate) {
                    guard let der = Base64.decode(base64) else {
                        throw DERReader.Failure(detail: "PEM block that is not base64")
                    }
                    return der
                }
                guard !line.starts(with: Self.begin) else {
                    throw DERReader.Failure(detail: "PEM block that does not end")
                }
                guard line.count <= Self.base64BytesMax - base64.count else {
                    throw DERReader.Failure(detail: "PEM block larger than a certificate can be")
                }
                base64 += line
            }
            throw DERReader.Failure(detail: "PEM block that does not end")
        }
        return nil
    }

    /// The next line without blanks at its ends; an empty one between CR and LF does no harm.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        guard !self.rest.isEmpty else { return nil }
        let line = self.rest.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        self.rest = self.rest[line.endIndex...].dropFirst()
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let trimmed = line.drop(while: isBlank)
        guard let last = trimmed.lastIndex(where: { !isBlank($0) }) else { return trimmed.prefix(0) }
        return trimmed[...last]
    }
}

/// RFC 4648, section 4: with padding, without anything between.
enum Base64 {
    /// - Returns: nil when it is not the one encoding that the bytes have.
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let digits = text.prefix { $0 != UInt8(ascii: "=") }
        let padding = text[digits.endIndex...]
        guard padding.count <= 2, padding.allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            guard let value = Self.value(of: digit) else { return nil }
            bits = (bits << 6 | value) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
