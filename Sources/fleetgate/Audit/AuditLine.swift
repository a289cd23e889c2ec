/// A line of the audit log, read: strictly what ``AuditChain`` writes. The bytes are those of a file that anybody may
/// have changed.
struct AuditLine: Sendable {
    let sequence: Int64
    /// The hash of the line before, 32 bytes.
    let previous: [UInt8]
    /// As ``AuditText/time(_:)`` writes it: 24 characters.
    let time: String
    /// The word for it in the file; kinds of later versions are read too.
    let kind: String
    /// The fields behind those, in their order.
    let fields: [(name: String, value: AuditField.Value)]

    /// Nil when the bytes are not such a line.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count <= AuditLimits.lineBytes, let all = FlatJSON.read(bytes), all.count >= 4,
            all[0].name == "seq", case .number(let sequence) = all[0].value, sequence > 0,
            all[1].name == "previous", case .text(let hash) = all[1].value, let previous = Self.digest(hash),
            all[2].name == "time", case .text(let time) = all[2].value, time.utf8.count == 24,
            all[3].name == "kind", case .text(let kind) = all[3].value
        else { return nil }
        self.sequence = sequence
        self.previous = previous
        self.time = time
        self.kind = kind
        self.fields = Array(all.dropFirst(4))
    }

    func text(_ key: AuditKey) -> String? {
        guard case .text(let text)? = value(key) else { return nil }
        return text
    }

    func number(_ key: AuditKey) -> Int64? {
        guard case .number(let number)? = value(key) else { return nil }
        return number
    }

    /// 32 bytes in hexadecimal.
    func digest(_ key: AuditKey) -> [UInt8]? { text(key).flatMap(Self.digest) }

    private func value(_ key: AuditKey) -> AuditField.Value? { fields.first { $0.name == key.rawValue }?.value }

    /// 64 lower-case digits.
    static func digest(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            case _: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// What separates the signed part of a checkpoint from its signature.
    static let signatureOpening = Array(",\"signature\":\"".utf8)

    /// What a checkpoint's signature is over: its bytes up to the last field. Nil when it has no such field.
    static func signedPart(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        // The last field of ours is short: 72 bytes in base64 and what is around them.
        let searched = bytes.suffix(160)
        guard searched.count >= signatureOpening.count else { return nil }
        var start = searched.endIndex - signatureOpening.count
        while start >= searched.startIndex {
            if searched[start..<start + signatureOpening.count].elementsEqual(signatureOpening) {
                return bytes[bytes.startIndex..<start]
            }
            start -= 1
        }
        return nil
    }
}

/// JSON objects without objects and arrays in them (RFC 8259), on one line and without white space: the form of the audit
/// log. No name twice.
enum FlatJSON {
    /// Fields of one object; ours have at most some thirty.
    static let fieldsMax = 64

    static func read(_ bytes: ArraySlice<UInt8>) -> [(name: String, value: AuditField.Value)]? {
        var reader = Reader(rest: bytes)
        guard reader.take("{"), var fields = reader.field().map({ [$0] }) else { return nil }
        while reader.take(",") {
            guard fields.count < fieldsMax, let field = reader.field(),
                !fields.contains(where: { $0.name == field.name })
            else { return nil }
            fields.append(field)
        }
        return reader.take("}") && reader.rest.isEmpty ? fields : nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard let first = rest.first, UInt32(first) == character.value else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func take(word: String) -> Bool {
            guard rest.starts(with: word.utf8) else { return false }
            rest = rest.dropFirst(word.utf8.count)
            return true
        }

        mutating func field() -> (name: String, value: AuditField.Value)? {
            guard let name = text(), take(":") else { return nil }
            if let text = text() { return (name, .text(text)) }
            if take(word: "true") { return (name, .flag(true)) }
            if take(word: "false") { return (name, .flag(false)) }
            return number().map { (name, .number($0)) }
        }

        /// A whole number as Swift writes it.
        private mutating func number() -> Int64? {
            let digits = rest.prefix(20).prefix { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }
            guard let number = Int64(String(decoding: digits, as: UTF8.self)), String(number).utf8.elementsEqual(digits)
            else { return nil }
            rest = rest.dropFirst(digits.count)
            return number
        }

        private mutating func text() -> String? {
            guard rest.first == UInt8(ascii: "\"") else { return nil }
            let plain = rest.dropFirst().prefix {
                $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20
            }
            guard plain.endIndex < rest.endIndex else { return nil }
            if rest[plain.endIndex] == UInt8(ascii: "\"") {
                guard let text = String(validating: plain, as: UTF8.self) else { return nil }
                rest = rest[rest.index(after: plain.endIndex)...]
                return text
            }
            var reader = self
            guard let text = reader.escapedText() else { return nil }
            self = reader
            return text
        }

        private mutating func escapedText() -> String? {
            guard take("\"") else { return nil }
            var result: [UInt8] = []
            while let byte = rest.first {
                rest = rest.dropFirst()
                switch byte {
                case UInt8(ascii: "\""): return String(validating: result, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let scalar = escape() else { return nil }
                    guard let encoded = UTF8.encode(scalar) else { return nil }
                    result.append(contentsOf: encoded)
                case 0..<0x20: return nil
                case _: result.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> Unicode.Scalar? {
            if take("\"") { return "\"" }
            if take("\\") { return "\\" }
            guard take("u"), let unit = hexadecimalUnit() else { return nil }
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard UTF16.isLeadSurrogate(unit), take("\\"), take("u"), let trail = hexadecimalUnit(),
                UTF16.isTrailSurrogate(trail)
            else { return nil }
            return Unicode.Scalar((UInt32(unit) - 0xD800) << 10 + (UInt32(trail) - 0xDC00) + 0x10000)
        }

        private mutating func hexadecimalUnit() -> UInt16? {
            var unit: UInt16 = 0
            for _ in 0..<4 {
                guard let digit = rest.first else { return nil }
                let value: UInt16
                switch digit {
                case 0x30...0x39: value = UInt16(digit) - 0x30
                case 0x61...0x66: value = UInt16(digit) - 0x61 + 10
                case _: return nil
                }
                unit = unit << 4 | value
                rest = rest.dropFirst()
            }
            return unit
        }
    }
}
