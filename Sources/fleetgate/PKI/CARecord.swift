import FleetPKI
import Foundation

/// What a CA of a folder has issued, revoked and published: a file to which lines are added, never changed.
struct CARecord {
    /// How long a revocation list counts when nothing else is said, in days: a week of holidays may pass without a new one.
    static let listDaysDefault = 7.0
    /// A line for each of a million certificates.
    private static let bytesMax = 1 << 30

    /// One line.
    enum Entry: Codable, Equatable {
        case issued(Issued)
        case revoked(Revoked)
        case published(Published)

        struct Issued: Codable, Equatable {
            let serial: String
            let subject: String
            let names: [String]
            let purpose: CertificatePurpose
            let notBefore: Date
            let notAfter: Date
            let sha256: String
            /// Of the certificate that this one renews.
            var renews: String?
            let at: Date
        }

        struct Revoked: Codable, Equatable {
            let serial: String
            let reason: String?
            let at: Date
        }

        struct Published: Codable, Equatable {
            let number: UInt64
            let nextUpdate: Date
            let at: Date
        }
    }

    private let folder: String

    init(folder: String) { self.folder = folder }

    private var path: String { folder + "/certificates.jsonl" }

    // MARK: Reading

    /// A certificate with what became of it.
    struct Certificate: Equatable, Encodable {
        let serial: String
        let subject: String
        let names: [String]
        let purpose: CertificatePurpose
        let notBefore: Date
        let notAfter: Date
        let sha256: String
        let renews: String?
        var renewedBy: String?
        var revokedAt: Date?
        var reason: String?

        enum State: String, Encodable, CaseIterable { case valid, revoked, expired, renewed }

        func state(at now: Date) -> State {
            if revokedAt != nil { return .revoked }
            if notAfter < now { return .expired }
            return renewedBy == nil ? .valid : .renewed
        }
    }

    /// All of it.
    struct Contents {
        /// In the order of issue.
        var certificates: [Certificate] = []
        /// Those that were not issued by this folder's commands too.
        var revoked: [RevokedCertificate] = []
        var lastNumber: UInt64 = 1
        var listEnds: Date?
    }

    /// - Throws: ``CommandFailure`` with the line that is not one.
    func contents() throws -> Contents {
        var contents = Contents()
        guard FileManager.default.fileExists(atPath: path) else { return contents }
        let text = try BoundedFile.readText(path, bytesMax: Self.bytesMax)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        var places: [String: Int] = [:]
        var revokedSerials: Set<String> = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            guard let entry = try? decoder.decode(Entry.self, from: Data(line.utf8)) else {
                throw CommandFailure("\(path):\(number + 1): the line is not one of this record's")
            }
            switch entry {
            case .issued(let issued):
                if let renewed = issued.renews, let place = places[renewed] {
                    contents.certificates[place].renewedBy = issued.serial
                }
                places[issued.serial] = contents.certificates.count
                contents.certificates.append(Certificate(issued))
            case .revoked(let revoked):
                // The first counts: since then nobody should have let it in.
                guard revokedSerials.insert(revoked.serial).inserted else { continue }
                if let place = places[revoked.serial] {
                    contents.certificates[place].revokedAt = revoked.at
                    contents.certificates[place].reason = revoked.reason
                }
                contents.revoked.append(
                    RevokedCertificate(
                        serialNumber: revoked.serial, revokedAt: revoked.at,
                        reason: revoked.reason.flatMap(RevokedCertificate.Reason.init(named:))))
            case .published(let published):
                contents.lastNumber = max(contents.lastNumber, published.number)
                contents.listEnds = published.nextUpdate
            }
        }
        return contents
    }

    // MARK: Writing

    /// Adds lines, on the disk when this returns. Only within ``CAFolder/exclusively(_:)``.
    func append(_ entries: [Entry]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        var bytes = Data()
        for entry in entries { bytes += try encoder.encode(entry) + [UInt8(ascii: "\n")] }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        guard let handle = FileHandle(forUpdatingAtPath: path) else {
            throw CommandFailure("\(path) cannot be written to")
        }
        defer { try? handle.close() }
        let end = try handle.seekToEnd()
        do {
            try handle.write(contentsOf: bytes)
            try handle.synchronize()
        } catch {
            // Half a line would make the whole record unreadable.
            try? handle.truncate(atOffset: end)
            throw CommandFailure("\(path) cannot be written to: is the disk full?")
        }
    }

    /// Notes a certificate, and keeps it for its renewal.
    func add(_ signed: SignedCertificate, purpose: CertificatePurpose, renews: String? = nil) throws {
        let inspection = try CertificateInspection(der: signed.certificateDER)
        try append([
            .issued(
                Entry.Issued(
                    serial: inspection.serialNumber, subject: inspection.subject,
                    names: inspection.alternativeNames.map { "\($0.type):\($0.value)" }, purpose: purpose,
                    notBefore: inspection.notBefore, notAfter: inspection.notAfter,
                    sha256: inspection.sha256Fingerprint, renews: renews, at: Date()))
        ])
        let issued = folder + "/issued"
        if !FileManager.default.fileExists(atPath: issued) {
            try FileManager.default.createDirectory(
                atPath: issued, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        try PrivateFile.write(Array(signed.chainPEM.utf8), to: "\(issued)/\(inspection.serialNumber).pem")
    }
}

/// What a certificate is for.
enum CertificatePurpose: String, Codable, CaseIterable {
    case client
    case server

    var template: CertificateTemplate.Purpose {
        switch self {
        case .client: .client
        case .server: .server
        }
    }
}

extension CARecord.Certificate {
    fileprivate init(_ issued: CARecord.Entry.Issued) {
        self.init(
            serial: issued.serial, subject: issued.subject, names: issued.names, purpose: issued.purpose,
            notBefore: issued.notBefore, notAfter: issued.notAfter, sha256: issued.sha256, renews: issued.renews)
    }
}

extension RevokedCertificate.Reason {
    /// As RFC 5280 section 5.3.1 names it, such as `keyCompromise`.
    init?(named name: String) {
        guard let found = Self.allCases.first(where: { "\($0)".lowercased() == name.lowercased() }) else { return nil }
        self = found
    }
}
