import FleetPKI
import Foundation

/// What a file holds, for people and programs. The keys are stable.
struct InspectionReport: Encodable {
    struct Item: Encodable {
        /// As ``PKIItem/Kind`` has it, or `other`.
        let kind: String
        var certificate: InspectedCertificate?
        var request: InspectedRequest?
        var list: CRLReport?
        var entries: [InspectedEntry]?
        var archive: InspectedArchive?
        var key: InspectedKey?
        /// The label of a PEM block of another kind.
        var label: String?
        /// Why it could not be read, or not wholly.
        var problem: InspectedProblem?

        private enum CodingKeys: String, CodingKey {
            case kind, certificate, request, list, entries, archive, key, label, problem
        }

        init(kind: String) { self.kind = kind }
    }

    let file: String
    let items: [Item]

    var isReadable: Bool { items.allSatisfy { $0.problem == nil && $0.list?.problem == nil } }

    /// - Throws: ``CommandFailure`` when the file is of no kind that is known.
    init(file: String, contents: [UInt8], passphrase: String?, entriesMax: Int, now: Date) throws {
        self.file = file
        do throws(PKIError) {
            self.items = try PKIItem.all(in: contents, passphrase: passphrase).map {
                Item($0, entriesMax: entriesMax, now: now)
            }
        } catch {
            throw CommandFailure("\(file): \(error.message) (\(error.code))")
        }
    }

    /// One paragraph for each thing.
    var text: String { items.map(\.text).joined(separator: "\n\n") }
}

extension InspectionReport.Item {
    init(_ item: PKIItem, entriesMax: Int, now: Date) {
        switch item {
        case .certificate(let inspection, let der):
            self.init(kind: PKIItem.Kind.certificate.rawValue)
            certificate = InspectedCertificate(inspection, der: der, now: now)
        case .request(let request):
            self.init(kind: PKIItem.Kind.request.rawValue)
            self.request = InspectedRequest(request)
        case .revocationList(let der):
            self.init(kind: PKIItem.Kind.revocationList.rawValue)
            list = CRLReport(der: der, issuers: nil, now: Int64(now.timeIntervalSince1970))
            if entriesMax > 0 {
                entries = (try? CertificateRevocationList.firstEntries(entriesMax, of: der))?.map(InspectedEntry.init)
            }
        case .archive(let archive):
            self.init(kind: PKIItem.Kind.archive.rawValue)
            self.archive = InspectedArchive(archive, now: now)
        case .privateKey(let key):
            self.init(kind: PKIItem.Kind.privateKey.rawValue)
            self.key = InspectedKey(key)
        case .locked(let kind):
            self.init(kind: kind.rawValue)
            problem = InspectedProblem(
                code: "\(PKIError.Code.passphraseRequired)", message: "it is encrypted (hint: --passphrase-file)")
        case .other(let label):
            self.init(kind: "other")
            self.label = label
        case .unreadable(let kind, let error):
            self.init(kind: kind.rawValue)
            problem = InspectedProblem(code: "\(error.code)", message: error.message)
        }
    }

    var text: String {
        let title =
            switch kind {
            case PKIItem.Kind.certificate.rawValue: "Certificate"
            case PKIItem.Kind.request.rawValue: "Certification request (PKCS#10)"
            case PKIItem.Kind.revocationList.rawValue: "Revocation list"
            case PKIItem.Kind.archive.rawValue: "PKCS#12 archive"
            case PKIItem.Kind.privateKey.rawValue: "Private key"
            case _: "PEM block \"\(LogText.visible(label ?? ""))\", which is of no kind that is known here"
            }
        let parts: [String?] = [
            certificate?.text, request?.text, list?.text, entries.map(InspectedEntry.table), archive?.text, key?.text,
            problem.map { "Problem:          \(LogText.visible($0.message)) (\($0.code))" },
        ]
        return ([title] + parts.compactMap { $0 }).joined(separator: "\n")
    }
}

/// Why something could not be read.
struct InspectedProblem: Encodable, Equatable {
    let code: String
    let message: String
}

/// A certificate and what a gateway says to it.
struct InspectedCertificate: Encodable {
    let inspection: CertificateInspection
    let verdict: LeafVerdict

    init(_ inspection: CertificateInspection, der: [UInt8], now: Date) {
        self.inspection = inspection
        self.verdict = LeafVerdict(inspection, der: der, now: now)
    }

    private enum CodingKeys: String, CodingKey {
        case version, subject, issuer, serial, sha256, key, signature, verdict
        case notBefore = "not-before"
        case notAfter = "not-after"
        case keyBits = "key-bits"
        case alternativeNames = "subject-alternative-names"
        case keyUsage = "key-usage"
        case extendedKeyUsage = "extended-key-usage"
        case isCA = "ca"
        case maxPathLength = "path-length-max"
        case isSelfIssued = "self-issued"
        case crlDistributionPoints = "crl-distribution-points"
        case ocspResponders = "ocsp-responders"
        case unknownCritical = "unknown-critical-extensions"
        case malformed = "malformed-extensions"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(inspection.version, forKey: .version)
        try container.encode(inspection.subject, forKey: .subject)
        try container.encode(inspection.issuer, forKey: .issuer)
        try container.encode(inspection.serialNumber, forKey: .serial)
        try container.encode(inspection.sha256Fingerprint, forKey: .sha256)
        try container.encode(inspection.notBefore, forKey: .notBefore)
        try container.encode(inspection.notAfter, forKey: .notAfter)
        try container.encode(inspection.keyType, forKey: .key)
        try container.encode(inspection.keySizeInBits, forKey: .keyBits)
        try container.encode(inspection.signatureAlgorithm, forKey: .signature)
        try container.encode(inspection.alternativeNames.map { "\($0.type):\($0.value)" }, forKey: .alternativeNames)
        try container.encode(inspection.keyUsage, forKey: .keyUsage)
        try container.encode(inspection.extendedKeyUsage, forKey: .extendedKeyUsage)
        try container.encode(inspection.isCA, forKey: .isCA)
        try container.encode(inspection.maxPathLength, forKey: .maxPathLength)
        try container.encode(inspection.isSelfIssued, forKey: .isSelfIssued)
        try container.encode(inspection.crlDistributionPoints, forKey: .crlDistributionPoints)
        try container.encode(inspection.ocspResponders, forKey: .ocspResponders)
        try container.encode(inspection.unknownCriticalExtensions, forKey: .unknownCritical)
        try container.encode(inspection.malformedExtensions, forKey: .malformed)
        try container.encode(verdict, forKey: .verdict)
    }

    var text: String { "\(inspection)\nGateway:          \(LogText.visible(verdict.text))" }
}

/// A request and what the CA of a folder would say to its key.
struct InspectedRequest: Encodable {
    let subject: String
    let names: [String]
    let key: InspectedKey
    let signature: String

    private enum CodingKeys: String, CodingKey {
        case subject, key, signature
        case names = "requested-names"
    }

    init(_ request: CertificateRequest) {
        subject = request.subjectText
        names = request.alternativeNames.map(\.text)
        key = InspectedKey(request.publicKey)
        signature = request.signatureAlgorithm
    }

    var text: String {
        let rows =
            [["Subject:", subject.isEmpty ? "(empty)" : subject]] + names.map { ["Requested name:", $0] } + [
                ["Key:", "\(key.type), \(key.bits) bits"],
                ["Signature:", "\(signature), made with that key"],
            ] + (key.objection.map { [["Gateway:", "would refuse the key: \($0)"]] } ?? [])
        return AlignedColumns.text(rows)
    }
}

/// The kind of a key, and nothing else of it.
struct InspectedKey: Encodable {
    let type: String
    let bits: Int
    /// Why a gateway would refuse a device with it.
    let objection: String?

    init(_ key: SubjectPublicKey) {
        type = key.type
        bits = key.sizeInBits
        objection = key.objection
    }

    var text: String {
        AlignedColumns.text(
            [["Key:", "\(type), \(bits) bits"]] + (objection.map { [["Gateway:", "would refuse it: \($0)"]] } ?? []))
    }
}

/// An entry of a revocation list.
struct InspectedEntry: Encodable {
    let serial: String
    let revokedAt: Date
    let reason: String?

    private enum CodingKeys: String, CodingKey {
        case serial, reason
        case revokedAt = "revoked-at"
    }

    init(_ entry: RevokedCertificate) {
        serial = entry.serialNumber
        revokedAt = entry.revokedAt
        reason = entry.reason.map { "\($0)" }
    }

    static func table(_ entries: [InspectedEntry]) -> String {
        entries.isEmpty
            ? "No entries"
            : AlignedColumns.text(
                [["SERIAL", "REVOKED AT", "REASON"]]
                    + entries.map { [$0.serial, $0.revokedAt.formatted(.iso8601), $0.reason ?? "-"] }, indent: "  ")
    }
}

/// What an archive holds.
struct InspectedArchive: Encodable {
    let certificate: InspectedCertificate?
    let others: [InspectedCertificate]
    let key: InspectedKey?

    init(_ archive: PKIItem.Archive, now: Date) {
        certificate = archive.certificate.map { InspectedCertificate($0, der: archive.certificateDER, now: now) }
        others = zip(archive.others, archive.othersDER).map { InspectedCertificate($0, der: $1, now: now) }
        key = archive.key.map(InspectedKey.init)
    }

    var text: String {
        let parts: [String] =
            [key.map { "Private key\n\($0.text)" } ?? "No private key"]
            + (certificate.map { ["Its certificate\n\($0.text)"] } ?? [])
            + others.map { "Another certificate\n\($0.text)" }
        return parts.joined(separator: "\n\n")
    }
}
