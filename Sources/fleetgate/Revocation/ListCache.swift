import FleetPolicy
import Foundation

/// Lists that were fetched, kept over a restart: for each CA (and part) the list in DER and, beside it, where it came
/// from. What is read from here is checked again like any other list. Blocking: for ``RevocationThreads``.
struct ListCache: Sendable {
    /// What is kept beside a list.
    struct Origin: Sendable, Hashable, Codable {
        var url: String
        var etag: String?
        var lastModified: String?
        /// Of the list, to see that the two belong together.
        var thisUpdate: Int64
        var bytes: Int
    }

    struct Entry: Sendable {
        let list: SignedList
        let origin: Origin?
    }

    /// CAs that are known at a time, and some that were.
    private static let filesMax = 1024
    private static let originBytesMax = 16_384

    let folder: String
    let bytesMax: Int

    /// The lists of CAs that are known, which are whole and signed. What cannot be used is left out, without an error:
    /// it will be fetched again.
    ///
    /// - Parameter authority: Only of this CA; nil: of all.
    func load(_ known: KnownAuthorities, only authority: AuthorityID? = nil) -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let prefix = authority.map { HexadecimalText.text($0.bytes) } ?? ""
        var entries: [Entry] = []
        for name in names.sorted() where name.hasSuffix(".crl") && name.hasPrefix(prefix) {
            guard entries.count < Self.filesMax, let id = Self.authority(ofFile: name), known.byID[id] != nil,
                let der = try? BoundedFile.read(folder + "/" + name, bytesMax: bytesMax),
                let list = try? SignedList(der: der, issuers: known), list.issuer == id
            else { continue }
            let base = folder + "/" + name.dropLast(4)
            let origin = (try? BoundedFile.read(base + ".json", bytesMax: Self.originBytesMax))
                .flatMap { try? JSONDecoder().decode(Origin.self, from: Data($0)) }
            let isOwn = origin.map { $0.thisUpdate == list.thisUpdate && $0.bytes == der.count } ?? false
            entries.append(Entry(list: list, origin: isOwn ? origin : nil))
        }
        return entries
    }

    /// - Throws: What the file system says.
    func store(_ list: SignedList, der: [UInt8], origin: Origin) throws {
        if !FileManager.default.fileExists(atPath: folder) {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        let base = folder + "/" + Self.name(of: list)
        // The list first: what is beside an older list of the same length and time would be the only mistake.
        try Data(der).write(to: URL(fileURLWithPath: base + ".crl"), options: .atomic)
        try JSONEncoder().encode(origin).write(to: URL(fileURLWithPath: base + ".json"), options: .atomic)
        removeOldest()
    }

    private func removeOldest() {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".crl") && Self.authority(ofFile: $0) != nil
        }
        guard names.count > Self.filesMax else { return }
        let byAge = names.map { name in (name, FileStamp(path: folder + "/" + name)?.modified ?? [0]) }
            .sorted { $0.1.lexicographicallyPrecedes($1.1) }
        for (name, _) in byAge.prefix(names.count - Self.filesMax) {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
            try? FileManager.default.removeItem(atPath: folder + "/" + name.dropLast(4) + ".json")
        }
    }

    /// `<id>`, and for a list of a part `<id>-<part>`.
    private static func name(of list: SignedList) -> String {
        let id = HexadecimalText.text(list.issuer.bytes)
        guard !list.part.isWhole else { return id }
        // FNV-1a: a name that is the same in every run; parts of one CA that collide overwrite each other.
        let text = "\(list.part.scope) " + list.part.distributionPoints.joined(separator: " ")
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "\(id)-\(String(hash, radix: 16))"
    }

    private static func authority(ofFile name: String) -> AuthorityID? {
        HexadecimalText.bytes(String(name.prefix(64))).flatMap { AuthorityID($0) }
    }
}
