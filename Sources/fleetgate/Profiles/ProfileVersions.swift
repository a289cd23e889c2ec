import FleetPolicy
import Foundation
import Glibc

/// The folder of profiles that a gateway reads, and the sets that were in it before.
///
/// Beside a folder `profiles` stands `profiles.versions`, with a folder for each version (`000001`, …): `version.json`
/// and `profiles`. A new set is put together in `profiles.versions/.next`, then changes places with the folder in one
/// step, and what is then in `.next` gets its number. Whenever that is broken off, the folder holds one whole set;
/// the next use clears up, by the digest of the set that was to be replaced.
struct ProfileVersions {
    /// Versions kept; the oldest go first. A change a week is a year.
    static let versionsMax = 50

    /// The folder, without symbolic links.
    let folder: String
    private var store: String { folder + ".versions" }
    private var next: String { store + "/.next" }

    init(folder: String) {
        let path = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        self.folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    // MARK: Reading

    /// All versions, the newest first. What is no version of ours is left out.
    func all() -> [ProfileVersion] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []
        return names.compactMap(version).sorted { $0.number > $1.number }
    }

    /// The folder with a version's files.
    func folder(of number: Int) -> String { "\(store)/\(Self.name(number))/profiles" }

    private func version(_ name: String) -> ProfileVersion? {
        guard name.utf8.count == 6, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(name),
            let version = Self.read("\(store)/\(name)/version.json"), version.number == number
        else { return nil }
        return version
    }

    private static func read(_ path: String) -> ProfileVersion? {
        guard let bytes = try? BoundedFile.read(path, bytesMax: 1 << 20) else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(ProfileVersion.self, from: Data(bytes))
    }

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    // MARK: Replacing

    /// - Throws: ``CommandFailure`` when another command has it.
    private func lock() throws -> FileLock {
        do throws(FileLock.Failure) {
            return try FileLock(store + "/.lock")
        } catch {
            switch error {
            case .isHeld: throw CommandFailure("another `fleetgate profile apply` or `rollback` is at work")
            case .unusable(let why): throw CommandFailure(why)
            }
        }
    }

    /// Puts a set in the place of the present one, which becomes a version.
    ///
    /// Files of the folder that are no profiles stay. Owner, group and permissions of the folder hold for the new one.
    ///
    /// - Parameters:
    ///   - profiles: The files of the new set, all of them profiles.
    ///   - source: What the set is, for the list of versions.
    /// - Returns: The version that the present set has become; nil when the folder holds just this set already.
    /// - Throws: ``CommandFailure``; the present set is still in force.
    func replace(
        with profiles: [ProfileFile], by actor: String, source: String, now: Date = Date()
    ) throws -> ProfileVersion? {
        try makeStore()
        let lock = try self.lock()
        defer { withExtendedLifetime(lock) {} }
        try recover()
        let present = try ProfileFile.all(in: folder)
        let carried = present.filter { !$0.isProfile }
        let digest = ProfileDigest.digest(present)
        guard ProfileDigest.digest(carried + profiles) != digest else { return nil }
        let version = ProfileVersion(
            number: (all().first?.number ?? 0) + 1,
            replacedAt: Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down)),  // as JSON keeps it
            replacedBy: actor, replacedWith: source,
            files: present.filter(\.isProfile).map(\.name), digest: digest)
        try prepare(carried + profiles, version)
        if try !FolderSwap.exchange(folder, next + "/profiles") {
            try FolderSwap.rename(folder, to: next + "/replaced")
            do {
                try FolderSwap.rename(next + "/profiles", to: folder)
            } catch {
                try FolderSwap.rename(next + "/replaced", to: folder)
                throw error
            }
            try FolderSwap.rename(next + "/replaced", to: next + "/profiles")
        }
        FolderSwap.synchronize(URL(fileURLWithPath: folder).deletingLastPathComponent().path)
        try FolderSwap.rename(next, to: "\(store)/\(Self.name(version.number))")
        FolderSwap.synchronize(store)
        for old in all().dropFirst(Self.versionsMax) { remove("\(store)/\(Self.name(old.number))") }
        return version
    }

    /// Clears up after a replacement that was broken off.
    private func recover() throws {
        let files = FileManager.default
        guard files.fileExists(atPath: next) else { return }
        let replaced = next + "/replaced"
        if files.fileExists(atPath: replaced) {
            if files.fileExists(atPath: folder) {
                try FolderSwap.rename(replaced, to: next + "/profiles")
            } else {
                try FolderSwap.rename(replaced, to: folder)
            }
        }
        // After the exchange `.next` holds the set that was replaced; before it, the one that was to come.
        if let version = Self.read(next + "/version.json"), let held = try? ProfileFile.all(in: next + "/profiles"),
            ProfileDigest.digest(held) == version.digest
        {
            try FolderSwap.rename(next, to: "\(store)/\(Self.name(version.number))")
        } else {
            remove(next)
        }
    }

    private func makeStore() throws {
        guard FileManager.default.fileExists(atPath: folder) else {
            // The one moment without a folder is that of two renames, where the file system cannot exchange.
            guard FileManager.default.fileExists(atPath: next + "/replaced") else {
                throw CommandFailure("\(folder) does not exist")
            }
            return
        }
        guard !FileManager.default.fileExists(atPath: store) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: store, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("\(store) cannot be made: check the permissions of the folder above")
        }
    }

    private func prepare(_ files: [ProfileFile], _ version: ProfileVersion) throws {
        let manager = FileManager.default
        let attributes = (try? manager.attributesOfItem(atPath: folder)) ?? [:]
        let permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o700
        // Only root can give a folder away; whoever owns it already need not.
        let ownership = attributes.filter { $0.key == .ownerAccountID || $0.key == .groupOwnerAccountID }
        do {
            try manager.createDirectory(
                atPath: next + "/profiles", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            for file in files {
                let path = "\(next)/profiles/\(file.name)"
                try PrivateFile.write(file.contents, to: path)
                try manager.setAttributes(
                    [.posixPermissions: file.isProfile ? permissions & 0o666 : file.permissions], ofItemAtPath: path)
                if geteuid() == 0 { try manager.setAttributes(ownership, ofItemAtPath: path) }
                FolderSwap.synchronize(path)
            }
            try manager.setAttributes([.posixPermissions: permissions], ofItemAtPath: next + "/profiles")
            if geteuid() == 0 { try manager.setAttributes(ownership, ofItemAtPath: next + "/profiles") }
            try PrivateFile.write(Array(try JSONText.encode(version).utf8), to: next + "/version.json")
            FolderSwap.synchronize(next + "/profiles")
            FolderSwap.synchronize(next)
        } catch {
            remove(next)
            throw CommandFailure("the new set cannot be written beside \(folder): \(error)")
        }
    }

    /// Removes a folder of ours: `version.json`, and `profiles` with files in it. Anything else stays, and the folder
    /// with it.
    private func remove(_ path: String) {
        let manager = FileManager.default
        let inside = path + "/profiles"
        if let files = try? ProfileFile.all(in: inside) {
            for file in files { try? manager.removeItem(atPath: inside + "/" + file.name) }
        }
        _ = unsafe rmdir(inside)
        try? manager.removeItem(atPath: path + "/version.json")
        _ = unsafe rmdir(path)
    }
}
