extension MatchDocument {
    static func read(_ reader: inout MappingReader) -> MatchDocument {
        var patterns: [(field: MatchField, pattern: Located<String>)] = []
        var plain: [Plain] = []
        let issuer = readName(&reader, "issuer")
        let subject = readName(&reader, "subject")
        let directoryName = reader.nested("san") { san in
            for kind in AlternativeNameKind.allCases {
                if let pattern = san.text(kind.rawValue) { patterns.append((.alternativeName(kind), pattern)) }
            }
            let directoryName = readName(&san, "directory-name")
            _ = san.nested("other-name") { patterns += readOtherNames(&$0) }
            return directoryName
        }
        let trustAnchor = readTrustAnchor(&reader, &plain)
        if let pattern = reader.text("serial-number") { patterns.append((.serialNumber, pattern)) }
        readFingerprints(&reader, &plain)
        readPolicies(&reader, &plain)
        _ = reader.nested("key") { readKey(&$0, &plain) }
        if let days = reader.nested("days-left", { readRange(&$0, within: PolicyBounds.daysLeft) }) ?? nil {
            plain.append(Plain(field: .daysLeft, test: .range(days), wanted: words(days)))
        }
        if let version = reader.choice("tls-version", of: ConnectionCircumstances.TLSVersion.self) {
            plain.append(one(.tlsVersion, version.rawValue))
        }
        let listener = reader.text("listener")
        if let listener { plain.append(one(.listener, listener.value)) }
        if let pattern = reader.text("sni") { patterns.append((.serverName, pattern)) }
        return MatchDocument(
            location: reader.location, subject: subject, issuer: issuer, directoryName: directoryName ?? nil,
            trustAnchor: trustAnchor, patterns: patterns, plain: plain, listener: listener)
    }

    // MARK: Names

    private static func readName(_ reader: inout MappingReader, _ key: String) -> Name? {
        guard let node = reader.node(key) else { return nil }
        if case .scalar = node {
            return ScalarReader(reader.mistakes).text(node, key: reader.keyPath(key)).map(Name.exact)
        }
        return MappingReader.read(node, path: reader.keyPath(key), reporting: reader.mistakes) { attributes in
            Name.attributes(readAttributes(&attributes))
        }
    }

    private static func readAttributes(_ reader: inout MappingReader) -> [(oid: String, pattern: Located<String>)] {
        readByOID(
            &reader, AttributeType.table, "not an attribute of a distinguished name",
            hint: "a short name such as CN, O, OU, serialNumber, or an object identifier such as 2.5.4.3")
    }

    private static func readOtherNames(
        _ reader: inout MappingReader
    ) -> [(field: MatchField, pattern: Located<String>)] {
        readByOID(
            &reader, OtherNameText.table, "not a type of otherName",
            hint: "hardwareModuleName, or an object identifier such as 1.3.6.1.4.1.311.20.2.3"
        ).map { (.otherName($0.oid), $0.pattern) }
    }

    private static func readByOID(
        _ reader: inout MappingReader, _ table: [(name: String, oid: String)], _ problem: String, hint: String
    ) -> [(oid: String, pattern: Located<String>)] {
        var found: [(oid: String, pattern: Located<String>)] = []
        for key in reader.keys {
            let pattern = reader.text(key)
            guard let oid = table.first(where: { $0.name == key })?.oid ?? (AttributeType.isDottedOID(key) ? key : nil)
            else {
                reader.mistakes.report(
                    .unknownKey, at: reader.location(of: key), key: reader.keyPath(key), problem,
                    hint: Spelling.nearest(to: key, among: table.map(\.name)).map { "did you mean `\($0)`?" } ?? hint)
                continue
            }
            guard !found.contains(where: { $0.oid == oid }) else {
                reader.mistakes.report(
                    .duplicateKey, at: reader.location(of: key), key: reader.keyPath(key),
                    "this attribute was given before under another name")
                continue
            }
            if let pattern { found.append((oid, pattern)) }
        }
        return found
    }

    // MARK: Whole certificates and anchors

    private static func readTrustAnchor(_ reader: inout MappingReader, _ plain: inout [Plain]) -> Located<String>? {
        let key = "trust-anchor"
        guard let node = reader.node(key) else { return nil }
        if case .scalar = node { return ScalarReader(reader.mistakes).text(node, key: reader.keyPath(key)) }
        let text = MappingReader.read(node, path: reader.keyPath(key), reporting: reader.mistakes) {
            $0.requiredText("sha256")
        }
        if let text = text ?? nil, let hash = readHash(text, reporting: reader.mistakes) {
            plain.append(
                Plain(
                    field: .trustAnchorFingerprint, test: .oneOf([hash]), wanted: HexadecimalText.text(hash)))
        }
        return nil
    }

    private static func readFingerprints(_ reader: inout MappingReader, _ plain: inout [Plain]) {
        let mistakes = reader.mistakes
        let texts = readOneOrMore(&reader, "fingerprint")
        let hashes = Set(texts.compactMap { readHash($0, reporting: mistakes) })
        guard !hashes.isEmpty else { return }
        let wanted = hashes.count == 1 ? hashes.map(HexadecimalText.text).joined() : "one of \(hashes.count)"
        plain.append(Plain(field: .fingerprint, test: .oneOf(hashes), wanted: wanted))
    }

    /// Thirty-two bytes in hexadecimal; colons, spaces and case do not matter.
    private static func readHash(_ text: Located<String>, reporting mistakes: MistakeCollector) -> [UInt8]? {
        let digits = text.value.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: " ") }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: digits.count - 1, by: 2) {
            let pair = String(decoding: digits[position...position + 1], as: UTF8.self)
            guard !pair.hasPrefix("+"), !pair.hasPrefix("-"), let byte = UInt8(pair, radix: 16) else { break }
            bytes.append(byte)
        }
        guard digits.count == 64, bytes.count == 32 else {
            mistakes.report(
                .badValue, about: text, "not a SHA-256 hash: 64 hexadecimal digits",
                hint: "openssl x509 -noout -fingerprint -sha256 -in device.pem")
            return nil
        }
        return bytes
    }

    private static func readPolicies(_ reader: inout MappingReader, _ plain: inout [Plain]) {
        let texts = readOneOrMore(&reader, "policy")
        for text in texts where !AttributeType.isDottedOID(text.value) {
            reader.mistakes.report(
                .badValue, about: text, "`\(text.value)` is not an object identifier",
                hint: "in dotted form, such as 1.3.6.1.4.1.99999.2")
        }
        guard !texts.isEmpty else { return }
        plain.append(
            Plain(
                field: .policy, test: .oneOf(Set(texts.map { Array($0.value.utf8) })),
                wanted: texts.map { "`\($0.value)`" }.joined(separator: " or ")))
    }

    /// A text, or a list of texts.
    private static func readOneOrMore(_ reader: inout MappingReader, _ key: String) -> [Located<String>] {
        guard let node = reader.node(key) else { return [] }
        if case .scalar = node {
            return ScalarReader(reader.mistakes).text(node, key: reader.keyPath(key)).map { [$0] } ?? []
        }
        let texts = reader.strings(key, countMax: PolicyBounds.listedValuesMax)
        if case .sequence(let items, let location) = node, items.isEmpty {
            reader.mistakes.report(
                .missingKey, at: location, key: reader.keyPath(key), "an empty list matches nothing",
                hint: "remove the key when it is not needed")
        }
        return texts
    }

    // MARK: Keys, numbers, single words

    private enum KeyType: String, CaseIterable {
        case ellipticCurve = "ec"
        case rsa
    }

    private static func readKey(_ reader: inout MappingReader, _ plain: inout [Plain]) {
        let type = reader.choice("type", of: KeyType.self)
        if let type { plain.append(one(.keyType, type.rawValue)) }
        if let curve = reader.text("curve") {
            let names = KeyTypeName.curves.map(\.name)
            let known = KeyTypeName.curves.first { $0.name == curve.value }?.oid
            if let oid = known ?? (AttributeType.isDottedOID(curve.value) ? curve.value : nil) {
                plain.append(
                    Plain(field: .keyCurve, test: .oneOf([Array(oid.utf8)]), wanted: "`\(curve.value)`"))
            } else {
                reader.mistakes.report(
                    .badValue, about: curve, "`\(curve.value)` is not a curve (\(names.joined(separator: ", ")))",
                    hint: Spelling.nearest(to: curve.value, among: names).map { "did you mean `\($0)`?" }
                        ?? "a name, or an object identifier in dotted form")
            }
            if type == .rsa {
                reader.mistakes.report(.badValue, about: curve, "an RSA key has no curve")
            }
        }
        if let bits = reader.nested("bits", { readRange(&$0, within: PolicyBounds.keyBits) }) ?? nil {
            plain.append(Plain(field: .keyBits, test: .range(bits), wanted: words(bits)))
        }
        if reader.keys.isEmpty {
            reader.mistakes.report(
                .missingKey, at: reader.location, key: reader.path, "give at least one of type, curve, bits")
        }
    }

    private static func readRange(_ reader: inout MappingReader, within bounds: ClosedRange<Int>) -> ClosedRange<Int>? {
        let low = reader.int("min", in: bounds)
        let high = reader.int("max", in: bounds)
        guard low != nil || high != nil else {
            if reader.keys.isEmpty {
                reader.mistakes.report(
                    .missingKey, at: reader.location, key: reader.path, "give at least one of min and max")
            }
            return nil
        }
        let (least, most) = (low ?? bounds.lowerBound, high ?? bounds.upperBound)
        guard least <= most else {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path, "min \(least) is above max \(most)")
            return nil
        }
        // An open end is open: a number beyond what profiles can say still lies within.
        return (low == nil ? Int.min : least)...(high == nil ? Int.max : most)
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (.min, let high): "at most \(high)"
        case (let low, .max): "at least \(low)"
        case (let low, let high): "\(low) to \(high)"
        }
    }

    private static func one(_ field: MatchField, _ value: String) -> Plain {
        Plain(field: field, test: .oneOf([Array(value.utf8)]), wanted: "`\(value)`")
    }
}
