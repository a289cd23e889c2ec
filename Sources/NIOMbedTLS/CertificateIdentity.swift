/// What ``PeerCertificate/identity`` holds: the fingerprint, and what a certificate says but for its key and its
/// signature. What has structure stands there as in the certificate, in DER, and is read by the same readers.
///
/// Written by this program only, but read as if by anybody: every length is checked, and there is nothing after the end.
struct CertificateIdentity {
    let fingerprint: [UInt8]
    let publicKeySHA256: [UInt8]
    let version: Int
    let serialNumber: [UInt8]
    let issuerDER: [UInt8]
    let subjectDER: [UInt8]
    let notBefore: Int64
    let notAfter: Int64
    let keyAlgorithm: PeerCertificate.KeyAlgorithm
    let keyBits: Int
    let signatureDigest: TLSAnchorRules.SignatureDigest?
    let isCA: Bool
    let pathLength: Int?
    let keyUsage: UInt16?
    let subjectAlternativeNames: [SubjectAlternativeName]
    let extendedKeyUsages: [String]?
    let certificatePolicies: [String]
    let subjectKeyIdentifier: [UInt8]?
    let authorityKeyIdentifier: [UInt8]?

    /// Changes with the form, so that what another program kept is not misread.
    private static let format: UInt8 = 1
    private static let digestLength = 32
    /// From the year 0 to the end of 9999, all that a certificate can say (RFC 5280, 4.1.2.5).
    private static let times: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    private enum Flag {
        static let isCA: UInt8 = 1 << 0
        static let hasPathLength: UInt8 = 1 << 1
        static let hasKeyUsage: UInt8 = 1 << 2
        static let hasSubjectKeyIdentifier: UInt8 = 1 << 3
        static let hasAuthorityKeyIdentifier: UInt8 = 1 << 4
        static let all: UInt8 = 1 << 5 - 1
    }

    /// Keys with a number of their own; others are named.
    private enum KeyTag {
        static let named: UInt8 = 0
        static let namedCurve: UInt8 = 1
        static let rsa: UInt8 = 2
        static let curves: [UInt8: String] = [
            3: "1.2.840.10045.3.1.7", 4: "1.3.132.0.34", 5: "1.3.132.0.35",
        ]
    }

    // MARK: Writing

    static func encode(
        _ parsed: ParsedCertificate, _ der: [UInt8], fingerprint: [UInt8], publicKeySHA256: [UInt8]
    ) -> [UInt8] {
        let extensions = parsed.extensions
        var writer = FieldWriter(
            capacity: 192 + parsed.issuerDER.count + parsed.subjectDER.count + parsed.serialNumber.count
                + extensions.alternativeNamesValue.count + extensions.purposesValue.count
                + extensions.policiesValue.count)
        writer.append(Self.format)
        writer.append(fingerprint)
        writer.append(publicKeySHA256)
        writer.append(UInt8(truncatingIfNeeded: parsed.version))
        writer.appendText(parsed.serialNumber, UInt16.self)
        writer.appendText(parsed.issuerDER, UInt16.self)
        writer.appendText(parsed.subjectDER, UInt16.self)
        writer.append(parsed.notBefore)
        writer.append(parsed.notAfter)
        Self.append(parsed.keyAlgorithm, to: &writer)
        // A key of more bits than that does not fit into a certificate of the largest size.
        writer.append(UInt32(clamping: parsed.keyBits))
        writer.append(Self.number(of: parsed.signature.digest))
        writer.append(Self.flags(extensions))
        writer.append(UInt8(clamping: extensions.pathLength ?? 0))
        writer.append(extensions.keyUsage ?? 0)
        writer.appendText(der[extensions.alternativeNamesValue], UInt16.self)
        writer.appendText(der[extensions.purposesValue], UInt16.self)
        writer.appendText(der[extensions.policiesValue], UInt16.self)
        writer.appendText(extensions.subjectKeyIdentifier ?? [], UInt16.self)
        writer.appendText(extensions.authorityKeyIdentifier ?? [], UInt16.self)
        // Nothing in a certificate of at most 16 KiB is longer than two bytes can tell.
        return writer.isGood ? writer.bytes : []
    }

    private static func append(_ algorithm: PeerCertificate.KeyAlgorithm, to writer: inout FieldWriter) {
        switch algorithm {
        case .rsa: writer.append(KeyTag.rsa)
        case .ellipticCurve(let oid):
            if let tag = KeyTag.curves.first(where: { $0.value == oid })?.key {
                writer.append(tag)
            } else {
                writer.append(KeyTag.namedCurve)
                writer.appendText(oid.utf8, UInt16.self)
            }
        case .other(let oid):
            writer.append(KeyTag.named)
            writer.appendText(oid.utf8, UInt16.self)
        }
    }

    private static func flags(_ extensions: ParsedCertificate.Extensions) -> UInt8 {
        var flags: UInt8 = extensions.isCA ? Flag.isCA : 0
        flags |= extensions.pathLength == nil ? 0 : Flag.hasPathLength
        flags |= extensions.keyUsage == nil ? 0 : Flag.hasKeyUsage
        flags |= extensions.subjectKeyIdentifier == nil ? 0 : Flag.hasSubjectKeyIdentifier
        flags |= extensions.authorityKeyIdentifier == nil ? 0 : Flag.hasAuthorityKeyIdentifier
        return flags
    }

    static func number(of digest: TLSAnchorRules.SignatureDigest?) -> UInt8 {
        switch digest {
        case nil: 0
        case .sha256: 1
        case .sha384: 2
        case .sha512: 3
        }
    }

    // MARK: Reading

    init(_ bytes: [UInt8]) throws(DERReader.Failure) {
        guard bytes.count <= TLSLimits.identityBytesMax else {
            throw DERReader.Failure(detail: "\(bytes.count) bytes")
        }
        var reader = FieldReader(bytes)
        func need<Value>(_ value: Value?, _ what: String) throws(DERReader.Failure) -> Value {
            guard let value else { throw DERReader.Failure(detail: "malformed \(what)") }
            return value
        }
        let format = try need(reader.number(UInt8.self), "format")
        guard format == Self.format else { throw DERReader.Failure(detail: "unknown format \(format)") }
        self.fingerprint = try need(reader.array(Self.digestLength), "fingerprint")
        self.publicKeySHA256 = try need(reader.array(Self.digestLength), "digest of the key")
        let version = try need(reader.number(UInt8.self), "version")
        guard (1...3).contains(version) else { throw DERReader.Failure(detail: "malformed version") }
        self.version = Int(version)
        self.serialNumber = try need(reader.arrayText(UInt16.self), "serial number")
        self.issuerDER = try need(reader.arrayText(UInt16.self), "issuer")
        self.subjectDER = try need(reader.arrayText(UInt16.self), "subject")
        self.notBefore = try need(reader.number(Int64.self), "time")
        self.notAfter = try need(reader.number(Int64.self), "time")
        guard Self.times.contains(self.notBefore), Self.times.contains(self.notAfter) else {
            throw DERReader.Failure(detail: "malformed time")
        }
        self.keyAlgorithm = try need(Self.keyAlgorithm(&reader), "key algorithm")
        self.keyBits = Int(try need(reader.number(UInt32.self), "key size"))
        switch try need(reader.number(UInt8.self), "digest") {
        case 0: self.signatureDigest = nil
        case 1: self.signatureDigest = .sha256
        case 2: self.signatureDigest = .sha384
        case 3: self.signatureDigest = .sha512
        default: throw DERReader.Failure(detail: "malformed digest")
        }
        let flags = try need(reader.number(UInt8.self), "flags")
        guard flags & ~Flag.all == 0 else { throw DERReader.Failure(detail: "malformed flags") }
        self.isCA = flags & Flag.isCA != 0
        let pathLength = Int(try need(reader.number(UInt8.self), "path length"))
        self.pathLength = flags & Flag.hasPathLength != 0 ? pathLength : nil
        let keyUsage = try need(reader.number(UInt16.self), "key usage")
        self.keyUsage = flags & Flag.hasKeyUsage != 0 ? keyUsage : nil
        let names = try need(reader.arrayText(UInt16.self), "alternative names")
        self.subjectAlternativeNames = names.isEmpty ? [] : try SubjectAlternativeName.readAll(DERReader(names))
        let purposes = try need(reader.arrayText(UInt16.self), "extended key usage")
        var purposesReader = DERReader(purposes)
        self.extendedKeyUsages =
            purposes.isEmpty ? nil : try ParsedCertificate.Extensions.purposes(&purposesReader)
        let policies = try need(reader.arrayText(UInt16.self), "certificate policies")
        var policiesReader = DERReader(policies)
        self.certificatePolicies =
            policies.isEmpty ? [] : try ParsedCertificate.Extensions.policies(&policiesReader)
        let subjectKey = try need(reader.arrayText(UInt16.self), "subject key identifier")
        self.subjectKeyIdentifier = flags & Flag.hasSubjectKeyIdentifier != 0 ? subjectKey : nil
        let authorityKey = try need(reader.arrayText(UInt16.self), "authority key identifier")
        self.authorityKeyIdentifier = flags & Flag.hasAuthorityKeyIdentifier != 0 ? authorityKey : nil
        guard reader.isAtEnd else { throw DERReader.Failure(detail: "bytes after the end") }
    }

    private static func keyAlgorithm(_ reader: inout FieldReader<[UInt8]>) -> PeerCertificate.KeyAlgorithm? {
        guard let tag = reader.number(UInt8.self) else { return nil }
        if let curve = KeyTag.curves[tag] {
            return .ellipticCurve(oid: curve)
        }
        if tag == KeyTag.rsa {
            return .rsa
        }
        guard tag == KeyTag.named || tag == KeyTag.namedCurve, let range = reader.text(UInt16.self),
            reader.bytes[range].allSatisfy({ $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 })
        else { return nil }
        let oid = String(decoding: reader.bytes[range], as: UTF8.self)
        return tag == KeyTag.named ? .other(oid: oid) : .ellipticCurve(oid: oid)
    }
}
