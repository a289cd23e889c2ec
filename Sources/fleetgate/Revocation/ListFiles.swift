import Foundation

/// One look at the files and folders that lists come from. Blocking: for ``RevocationThreads``.
struct ListFiles: Sendable {
    /// The files there are, in the order of their sources, and by name in a folder.
    private(set) var files: [(path: String, stamp: FileStamp)] = []
    /// Sources of which there is nothing to read.
    private(set) var problems: [String: RevocationProblem] = [:]

    private static let suffixes = [".crl", ".pem", ".der"]

    init(_ sources: [RevocationSettings.Source]) {
        for source in sources {
            switch source {
            case .file(let path): look(at: path)
            case .folder(let path): look(into: path)
            case .url: continue
            }
        }
    }

    private mutating func look(at path: String) {
        if let stamp = FileStamp(path: path) {
            files.append((path, stamp))
        } else {
            problems[path] = RevocationProblem(FileProblem.Reason.notFound.rawValue, "\(path) is not there, or no file")
        }
    }

    private mutating func look(into folder: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            problems[folder] = RevocationProblem(
                FileProblem.Reason.notFound.rawValue, "the folder \(folder) is not there, or cannot be read")
            return
        }
        let lists = names.filter { name in !name.hasPrefix(".") && Self.suffixes.contains { name.hasSuffix($0) } }
        if lists.count > RevocationSettings.folderFilesMax {
            problems[folder] = RevocationProblem(
                "too-many-files",
                "the folder \(folder) has more than \(RevocationSettings.folderFilesMax) files; those after them are left"
            )
        }
        for name in lists.sorted().prefix(RevocationSettings.folderFilesMax) {
            let path = folder + "/" + name
            // One that has just gone is none.
            if let stamp = FileStamp(path: path) { files.append((path, stamp)) }
        }
    }
}

/// A file that lists are read from, and what became of it. A value.
struct WatchedFile: Sendable {
    /// Of when it was read last.
    private(set) var stamp: FileStamp
    private(set) var problem: RevocationProblem?
    private var failures = 0
    /// In seconds of a clock that only goes forward; nil: not before the file changes.
    private var retryAt: Double?

    /// A file that is being written is read again this often without having changed: time stamps of some file systems
    /// are coarse.
    private static let retriesMax = 6
    private static let retryFirst = 0.2
    /// For a list whose time is still to come.
    private static let retryLater = 30.0

    init(stamp: FileStamp) { self.stamp = stamp }

    func isDue(_ stamp: FileStamp, at clock: Double) -> Bool {
        stamp != self.stamp || (retryAt.map { $0 <= clock } ?? false)
    }

    /// It is to be read again when more CAs are known, though all its other lists may be good.
    var hasUnknownIssuers = false

    /// The file was read.
    ///
    /// - Returns: Whether the problem is to be reported: it is there for the second time, or cannot be one of a file
    ///   that is being written.
    mutating func wasRead(_ stamp: FileStamp, problem: RevocationProblem?, at clock: Double) -> Bool {
        failures = problem == nil ? 0 : stamp == self.stamp ? failures + 1 : 1
        let isNew = problem?.reason != self.problem?.reason
        self.stamp = stamp
        self.problem = problem
        retryAt = nil
        guard let problem else { return false }
        switch problem.reason {
        case RevocationProblem.notYetValidReason:
            retryAt = clock + Self.retryLater
            return isNew
        case RevocationProblem.unknownIssuerReason, RevocationProblem.olderReason,
            RevocationProblem.numberWentBackReason, RevocationProblem.tooManyPartsReason:
            return isNew
        case _:
            if failures < Self.retriesMax { retryAt = clock + Self.retryFirst * Double(1 << failures) }
            return failures == 2
        }
    }
}
