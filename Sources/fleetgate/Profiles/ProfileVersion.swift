import FleetPolicy
import Foundation

/// A set of profiles that was in force and is kept.
struct ProfileVersion: Codable, Hashable {
    /// Counted up from 1, never used twice.
    let number: Int
    /// When another set took its place.
    let replacedAt: Date
    /// Who did that.
    let replacedBy: String
    /// What took its place: a folder, or a version.
    let replacedWith: String
    /// The names of its files.
    let files: [String]
    /// Of its files; tells whether a folder holds this set.
    let digest: String
}

/// What tells one set of files from another: names and contents.
enum ProfileDigest {
    /// FNV-1a with 64 bits, as hexadecimal digits. It finds out which of two sets a folder holds after a crash; nobody
    /// who could change these files gains anything by a collision.
    static func digest(_ files: [ProfileFile]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        for file in files.sorted(by: { $0.name < $1.name }) {
            add(file.name.utf8)
            add([0])
            add("\(file.contents.count)".utf8)
            add([0])
            add(file.contents)
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A file of a folder of profiles, read.
struct ProfileFile: Hashable {
    let name: String
    let contents: [UInt8]
    let permissions: Int

    /// All files of a folder, hidden ones too, by name.
    ///
    /// - Throws: ``CommandFailure`` when the folder holds anything but files: a folder is swapped as a whole, and what
    ///   is not a file is not ours to move.
    static func all(in folder: String) throws -> [ProfileFile] {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: folder) else {
            throw CommandFailure("\(folder) is not a folder that can be read")
        }
        return try names.sorted().map { name in
            let path = folder + "/" + name
            guard let attributes = try? files.attributesOfItem(atPath: path),
                attributes[.type] as? FileAttributeType == .typeRegular
            else {
                throw CommandFailure(
                    "\(path) is not a regular file: FleetGate swaps folders of files only, and changed nothing")
            }
            return ProfileFile(
                name: name, contents: try BoundedFile.read(path, bytesMax: YAMLDocument.fileBytesMax),
                permissions: (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o600)
        }
    }

    var isProfile: Bool { ProfileSources.isProfileFile(name) }
}
