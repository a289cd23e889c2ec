import Foundation
import TestKit

/// A file system of 1 MiB in memory, which can be filled and emptied. Mounting takes root.
final class TinyDisk: Sendable {
    /// Whether file systems can be mounted here, tried once.
    static let isPossible: Bool = (try? TinyDisk()) != nil

    let path: String
    private let directory: ScratchDirectory

    init() throws {
        self.directory = try ScratchDirectory()
        self.path = self.directory.path + "/disk"
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: false)
        guard mount("tmpfs", self.path, "tmpfs", 0, "size=1m") == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM)
        }
    }

    deinit { umount2(self.path, Int32(MNT_DETACH)) }

    /// Takes all pages that are free.
    func fill() throws {
        let filler = URL(fileURLWithPath: self.path + "/filler")
        try Data().write(to: filler)
        let handle = try FileHandle(forWritingTo: filler)
        defer { try? handle.close() }
        let page = Data(count: 4_096)
        while (try? handle.write(contentsOf: page)) != nil {}
    }

    /// Gives them back.
    func makeRoom() throws { try FileManager.default.removeItem(atPath: self.path + "/filler") }
}
