import FleetPKI
import Foundation

/// Makes a folder's revocation lists and puts them where gateways look.
struct ListPublication {
    /// How long the root's list counts, in days: until then its key can stay where it was put away.
    static let rootListDays = 366.0

    let folder: CAFolder
    let issuing: CertificateAuthority
    /// Nil: the root's list stays as it is.
    let root: CertificateAuthority?

    /// - Parameters:
    ///   - renewsRoot: Whether the root's list is made anew as well, for which its key has to be there.
    ///   - passphrase: Of the keys, when they are encrypted.
    init(folder: CAFolder, renewsRoot: Bool, passphrase: String?) throws {
        guard !renewsRoot || folder.hasIssuingCA else {
            throw CommandFailure("\(folder.path) has one CA only: there is no root's list beside its own")
        }
        self.folder = folder
        self.issuing = try folder.issuingCA(passphrase: passphrase)
        self.root = renewsRoot ? try folder.rootCA(passphrase: passphrase) : nil
    }

    /// What was published.
    struct Outcome: Encodable, Equatable {
        let file: String
        let number: UInt64
        let entries: Int
        let nextUpdate: Date

        private enum CodingKeys: String, CodingKey {
            case file, number, entries
            case nextUpdate = "next-update"
        }

        var text: String {
            "\(file): list \(number) with \(entries) \(entries == 1 ? "certificate" : "certificates"), "
                + "until \(nextUpdate.formatted(.iso8601))"
        }
    }

    /// - Parameters:
    ///   - days: How long the list counts, from now.
    ///   - copy: A second place for it, such as the folder of a web server.
    ///   - record: From ``CAFolder/exclusively(_:)``.
    func publish(days: Int, copy: String? = nil, record: CARecord) throws -> Outcome {
        let contents = try record.contents()
        let issuingSerial = try folder.issuingSerial()
        let now = Date()
        if let root {
            let list = try root.issueCRL(
                revoked: contents.revoked.filter { $0.serialNumber == issuingSerial }, thisUpdate: now,
                nextUpdate: min(now + Self.rootListDays * 86_400, root.notAfter), number: try nextRootNumber())
            try PublicFile.replace(folder.rootListPath, with: list.pem)
        }
        let (number, overflow) = contents.lastNumber.addingReportingOverflow(1)
        guard !overflow else { throw CommandFailure("\(folder.path): there is no number for another list") }
        let revoked = contents.revoked.filter { $0.serialNumber != issuingSerial }
        let nextUpdate = now + Double(days) * 86_400
        let list = try issuing.issueCRL(revoked: revoked, thisUpdate: now, nextUpdate: nextUpdate, number: number)
        var text = list.pem
        if folder.hasIssuingCA {
            text += try BoundedFile.readText(folder.rootListPath, bytesMax: BoundedFile.pemBytesMax)
        }
        // The number is noted before anybody can see it: no two lists have one number, even if this ends here.
        try record.append([.published(.init(number: number, nextUpdate: nextUpdate, at: now))])
        try PublicFile.replace(folder.listPath, with: text)
        if let copy { try PublicFile.replace(copy, with: text) }
        return Outcome(file: copy ?? folder.listPath, number: number, entries: revoked.count, nextUpdate: nextUpdate)
    }

    private func nextRootNumber() throws -> UInt64 {
        guard FileManager.default.fileExists(atPath: folder.rootListPath) else { return 1 }
        let text = try BoundedFile.readText(folder.rootListPath, bytesMax: BoundedFile.pemBytesMax)
        let last: UInt64
        do {
            last = try CertificateRevocationList.all(pem: text).first?.number ?? 0
        } catch {
            throw CommandFailure("\(folder.rootListPath): \(error.message)")
        }
        guard last < .max else { throw CommandFailure("\(folder.path): there is no number for another list") }
        return last + 1
    }
}

extension CAFolder {
    /// What gateways are given.
    var listPath: String { path + "/crl.pem" }
    /// The root's list by itself.
    var rootListPath: String { path + "/root-crl.pem" }

    /// The serial number of the CA that issues, where a root stands above it: the only certificate on the root's list.
    func issuingSerial() throws -> String? {
        hasIssuingCA ? try authorities().first.flatMap { IssuedSerialNumber.normal($0.inspection.serialNumber) } : nil
    }

    /// When the list that gateways are given was made; nil: there is none that can be read.
    func listDate() -> Date? {
        guard let contents = try? BoundedFile.read(listPath, bytesMax: CertificateRevocationList.octetsMax),
            let der = try? CertificateRevocationList.encodings(in: contents).first,
            let header = try? CertificateRevocationList.header(of: der)
        else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(header.thisUpdate))
    }
}

/// Files that everybody may read and that change while others read them.
enum PublicFile {
    /// Replaces a file in one step, with mode 0644: a reader has the old one or the new one, whole.
    static func replace(_ path: String, with text: String) throws {
        do throws(NewFile.Failure) {
            try DurableFile.replace(path, with: Array(text.utf8), mode: 0o644)
        } catch {
            throw CommandFailure("\(path) cannot be written: \(error)")
        }
    }
}
