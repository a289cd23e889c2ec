import CoreFoundation
import FleetPolicy
import Foundation

/// The operator's own revocations, on file beside the registry. Changed by one gateway or one command at a time: another
/// one would write over what it has not read.
actor LocalRevocations {
    static let countMax = 100_000
    /// So many with the longest notes.
    static let bytesMax = 128 << 20

    /// What the file holds.
    private struct Contents: Codable {
        var version: Int
        var revocations: [LocalRevocation]
    }

    private static let version = 1

    nonisolated let path: String
    /// In the order in which they were made.
    private(set) var all: [LocalRevocation]
    /// Goes up with each change.
    private var revision = 0
    /// Nil: only to be read.
    private let lock: FileLock?

    /// The file that belongs to a registry: `revocations.json` in the same folder.
    static func path(besideRegistry registry: String) -> String {
        URL(fileURLWithPath: registry).deletingLastPathComponent().appendingPathComponent("revocations.json").path
    }

    /// Opens the file; there are no revocations when it is not there yet.
    ///
    /// - Parameter isExclusive: Whether others are kept from opening it so as long as this value lives: for who changes
    ///   it, and for the gateway, which would not see another's change.
    /// - Throws: ``RevocationProblem`` when it cannot be read: `not-readable`, `malformed-revocations`, … A gateway must
    ///   not go without it: it would let in whom the operator has shut out. `in-use`: it is open exclusively.
    init(path: String, isExclusive: Bool = false) throws(RevocationProblem) {
        self.path = path
        // Before it is read.
        lock = isExclusive ? try Self.lock(path) : nil
        guard try Self.isThere(path) else {
            all = []
            return
        }
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, bytesMax: Self.bytesMax)
        } catch {
            guard error.reason == .notFound else { throw RevocationProblem(error) }
            throw RevocationProblem(error.reason.rawValue, "\(path) is a symbolic link that leads nowhere")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        guard let contents = try? decoder.decode(Contents.self, from: Data(bytes)), contents.version == Self.version,
            contents.revocations.count <= Self.countMax
        else {
            throw RevocationProblem(
                "malformed-revocations", "\(path) is not a file of revocations of this version; restore it from a copy")
        }
        if let bad = contents.revocations.firstIndex(where: {
            $0.target == nil || RevocationReason(name: $0.reason) == nil
        }) {
            throw RevocationProblem(
                "malformed-revocations",
                "\(path): revocation \(bad + 1) names no certificate, or its reason is none of RFC 5280")
        }
        all = contents.revocations
    }

    /// Whether there is something at the path: also what cannot be looked at, or a link that leads nowhere. Only where
    /// there is nothing nobody is revoked.
    private static func isThere(_ path: String) throws(RevocationProblem) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else { return true }
        guard errno == ENOENT else {
            throw RevocationProblem(
                FileProblem.Reason.notReadable.rawValue,
                "\(path) cannot be looked at: \(unsafe String(cString: strerror(errno)))")
        }
        return false
    }

    private static func lock(_ path: String) throws(RevocationProblem) -> FileLock {
        do throws(FileLock.Failure) {
            // A command has it for a moment.
            return try FileLock(path + ".lock", waiting: .seconds(1))
        } catch {
            switch error {
            case .isHeld:
                throw RevocationProblem(
                    "in-use", "\(path) is in use by a gateway that starts or stops, or by another command; try again")
            case .unusable(let why): throw RevocationProblem("not-written", why)
            }
        }
    }

    /// Adds revocations and writes the file. Of a certificate that is revoked already, the first one stays.
    ///
    /// - Returns: Those that were new.
    /// - Throws: ``RevocationProblem``: `too-many-revocations`, `not-written`; then nothing has changed.
    func add(_ revocations: [LocalRevocation]) throws(RevocationProblem) -> [LocalRevocation] {
        var known = Set(all.compactMap(\.target))
        let new = revocations.filter { $0.target.map { known.insert($0).inserted } ?? false }
        guard !new.isEmpty else { return [] }
        guard all.count + new.count <= Self.countMax else {
            throw RevocationProblem(
                "too-many-revocations",
                "more than \(Self.countMax) certificates cannot be revoked here; have the CA publish a list")
        }
        try write(all + new)
        return new
    }

    /// Takes revocations back and writes the file.
    ///
    /// - Returns: Those that were taken back.
    /// - Throws: ``RevocationProblem`` `not-written`; then nothing has changed.
    func remove(
        where isMeant: @Sendable (LocalRevocation) -> Bool
    ) throws(RevocationProblem) -> [LocalRevocation] {
        let gone = all.filter(isMeant)
        guard !gone.isEmpty else { return [] }
        try write(all.filter { !isMeant($0) })
        return gone
    }

    /// For the trust snapshot. Of two answers the one with the higher revision is the newer.
    var revoked: (certificates: [CertificateID: Revocation], fingerprints: [[UInt8]: Revocation], revision: Int) {
        var certificates: [CertificateID: Revocation] = [:]
        var fingerprints: [[UInt8]: Revocation] = [:]
        for entry in all {
            switch entry.target {
            case .certificate(let id)?: certificates[id] = entry.revocation
            case .fingerprint(let bytes)?: fingerprints[bytes] = entry.revocation
            case nil: continue
            }
        }
        return (certificates, fingerprints, revision)
    }

    /// Beside the old file first, so that there always is a whole one.
    private func write(_ revocations: [LocalRevocation]) throws(RevocationProblem) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            let data = try encoder.encode(Contents(version: Self.version, revocations: revocations))
            // Readable by its group, as what monitors the gateway may want it.
            try DurableFile.replace(path, with: Array(data), mode: 0o640)
        } catch {
            throw RevocationProblem("not-written", "\(path) cannot be written: \(error)")
        }
        all = revocations
        revision += 1
    }
}
