import Foundation

/// One thing out of a file of a PKI, whatever the file is: for a person who wants to know what it is.
///
/// Nothing is verified but the signature of a request.
public enum PKIItem: Sendable {
    case certificate(CertificateInspection, der: [UInt8])
    case request(CertificateRequest)
    /// Its DER, not yet read.
    case revocationList(der: [UInt8])
    /// A PKCS#12 archive that was opened.
    case archive(Archive)
    /// A private key, told by its public half.
    case privateKey(SubjectPublicKey)
    /// A private key or archive that needs a pass phrase, and none was given.
    case locked(kind: Kind)
    /// A PEM block of another kind, by its label.
    case other(label: String)
    /// What says that it is of a kind, and is not.
    case unreadable(kind: Kind, PKIError)

    /// The kinds of thing, as they are called.
    public enum Kind: String, Sendable, Hashable, Codable {
        case certificate
        case request
        case revocationList = "revocation-list"
        case archive
        case privateKey = "private-key"
    }

    /// What a PKCS#12 archive holds.
    public struct Archive: Sendable {
        /// The certificate that the key belongs to; nil: there is no key, or no certificate of it.
        public let certificate: CertificateInspection?
        /// Its DER.
        public let certificateDER: [UInt8]
        /// The others, in the order of the archive.
        public let others: [CertificateInspection]
        /// Their DER, in the same order.
        public let othersDER: [[UInt8]]
        /// Nil: there is no private key in it, or one of a kind that is not supported.
        public let key: SubjectPublicKey?
    }

    /// PEM blocks, or certificates of an archive, that are looked at: the system's bundle of public CAs has 150.
    static let countMax = 4096
    /// Octets of a file: those of the longest revocation list, in PEM.
    public static let octetsMax = CertificateRevocationList.octetsMax / 48 * 66

    /// Finds out what a file holds.
    ///
    /// - Parameters:
    ///   - contents: PEM with any blocks, or DER.
    ///   - passphrase: For private keys and archives.
    /// - Throws: ``PKIError``: `input-too-long`, `several-items` (above 4096), `malformed-pem`, `no-pem-block` (text
    ///   without a block), `unknown-contents`.
    public static func all(in contents: [UInt8], passphrase: String? = nil) throws(PKIError) -> [PKIItem] {
        guard contents.count <= self.octetsMax else {
            throw PKIError(code: .inputTooLong, message: "the file is longer than \(self.octetsMax) octets")
        }
        if contents.first == DERTag.sequence,
            let element = DERElement.read(contents.span, at: 0, before: contents.count), element.end == contents.count
        {
            return [try self.item(der: contents, passphrase)]
        }
        guard let text = String(validating: contents, as: UTF8.self), text.contains("-----BEGIN ") else {
            throw PKIError(code: .unknownContents, message: "neither PEM nor DER")
        }
        let blocks = try PEMBlock.scan(text, lengthMax: self.octetsMax)
        guard !blocks.isEmpty else {
            throw PKIError(code: .noPEMBlock, message: "the text has no PEM block")
        }
        guard blocks.count <= self.countMax else {
            throw PKIError(
                code: .severalItems, message: "the text has \(blocks.count) PEM blocks, more than \(self.countMax)")
        }
        return blocks.map { self.item($0, passphrase) }
    }

    private static func item(_ block: PEMBlock, _ passphrase: String?) -> PKIItem {
        switch block.label {
        case "CERTIFICATE", "X509 CERTIFICATE":
            self.reading(.certificate) { () throws(PKIError) in try self.certificate(block.decoded()) }
        case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
            self.reading(.request) { () throws(PKIError) in
                .request(try CertificateRequest(contents: block.decoded()))
            }
        case "X509 CRL":
            self.reading(.revocationList) { () throws(PKIError) in .revocationList(der: try block.decoded()) }
        case let label where label == "PRIVATE KEY" || label.hasSuffix(" PRIVATE KEY"):
            self.reading(.privateKey) { () throws(PKIError) in
                let pem = "-----BEGIN \(label)-----\n\(block.body)\n-----END \(label)-----\n"
                return .privateKey(try KeyPair(pem: pem, passphrase: passphrase).subjectPublicKey)
            }
        case let label: .other(label: String(label.prefix(64)))
        }
    }

    /// DER says what it is by what can be read of it: the kinds begin alike.
    private static func item(der: [UInt8], _ passphrase: String?) throws(PKIError) -> PKIItem {
        if let inspection = try? CertificateInspection(der: der) { return .certificate(inspection, der: der) }
        if (try? CertificateRevocationList.header(of: der)) != nil { return .revocationList(der: der) }
        do throws(PKIError) {
            return .request(try CertificateRequest(contents: der))
        } catch {
            if error.code != .malformedRequest, error.code != .inputTooLong {
                return .unreadable(kind: .request, error)
            }
        }
        if let key = try? KeyPair(pkcs8DER: der) { return .privateKey(key.subjectPublicKey) }
        do throws(PKIError) {
            return .archive(try Archive(der, passphrase))
        } catch {
            switch error.code {
            case .passphraseRequired: return .locked(kind: .archive)
            case .malformedArchive, .inputTooLong: break
            case _: return .unreadable(kind: .archive, error)
            }
        }
        // A list that is refused for what it is, such as a delta, is a list none the less.
        do throws(PKIError) {
            _ = try CertificateRevocationList.header(of: der)
        } catch {
            if error.code != .malformedRevocationList { return .unreadable(kind: .revocationList, error) }
        }
        throw PKIError(
            code: .unknownContents,
            message: "not a certificate, request, revocation list, PKCS#12 archive or private key in DER")
    }

    private static func certificate(_ der: [UInt8]) throws(PKIError) -> PKIItem {
        .certificate(try CertificateInspection(der: der), der: der)
    }

    private static func reading(_ kind: Kind, _ body: () throws(PKIError) -> PKIItem) -> PKIItem {
        do throws(PKIError) {
            return try body()
        } catch {
            return error.code == .passphraseRequired ? .locked(kind: kind) : .unreadable(kind: kind, error)
        }
    }
}

extension PKIItem.Archive {
    fileprivate init(_ der: [UInt8], _ passphrase: String?) throws(PKIError) {
        let contents = try Libcrypto.open(archive: der, passphrase: passphrase)
        var others: [CertificateInspection] = []
        var othersDER: [[UInt8]] = []
        var position = 0
        while position < contents.others.count, others.count < PKIItem.countMax,
            let element = DERElement.read(contents.others.span, at: position, before: contents.others.count)
        {
            let other = Array(contents.others[position..<element.end])
            others.append(try CertificateInspection(der: other))
            othersDER.append(other)
            position = element.end
        }
        self.certificate = contents.certificate.isEmpty ? nil : try CertificateInspection(der: contents.certificate)
        self.certificateDER = contents.certificate
        self.others = others
        self.othersDER = othersDER
        self.key = contents.pkcs8DER.isEmpty ? nil : try? KeyPair(pkcs8DER: contents.pkcs8DER).subjectPublicKey
    }
}

extension CertificateRevocationList {
    /// The first entries of a list, unverified, and how many it has. For a person who looks at it.
    ///
    /// - Throws: ``PKIError``: as ``header(of:)``.
    public static func firstEntries(_ countMax: Int, of der: [UInt8]) throws(PKIError) -> [RevokedCertificate] {
        var entries: [RevokedCertificate] = []
        try RevocationListEnvelope(der: der).forEachEntry { entry throws(PKIError) in
            guard entries.count < countMax else { return }
            entries.append(
                RevokedCertificate(
                    serialNumber: Hexadecimal.encode(der[entry.serialNumber].drop { $0 == 0 }),
                    revokedAt: Date(timeIntervalSince1970: TimeInterval(entry.revokedAt)),
                    reason: RevokedCertificate.Reason(rawValue: entry.reason)))
        }
        return entries
    }
}

extension PKIError.Code {
    /// The file is of no kind that is known.
    public static let unknownContents = Self(rawValue: "unknown-contents")
}
