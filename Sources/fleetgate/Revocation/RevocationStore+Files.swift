import FleetPolicy
import Foundation

extension RevocationStore {
    /// Reads the files that are new or have changed.
    func readFiles() async {
        let sources = settings.bundles.keys.sorted().compactMap { settings.bundles[$0] }
            .filter { $0.policy != .off }.flatMap(\.sources)
        guard sources.contains(where: { !$0.isURL }),
            let look = try? await RevocationThreads.run({ ListFiles(sources) })
        else { return }
        for (place, problem) in look.problems where missing[place]?.reason != problem.reason {
            report(problem, at: place)
        }
        missing = look.problems
        let paths = Set(look.files.map(\.path))
        // A file that is gone takes nothing back: what a CA has revoked stays revoked.
        watched = watched.filter { paths.contains($0.key) }
        var hasNews = false
        for (path, stamp) in look.files where watched[path]?.isDue(stamp, at: Self.clock) ?? true {
            guard !Task.isCancelled else { return }
            if await read(path, stamp) { hasNews = true }
        }
        if hasNews { await deliver() }
    }

    /// - Returns: Whether a list of it was taken.
    private func read(_ path: String, _ stamp: FileStamp) async -> Bool {
        let (bytesMax, known, generation) = (settings.listBytesMax, known, generation)
        let reading: Result<ListReading, RevocationProblem>
        do {
            let contents = try await RevocationThreads.run {
                ListReading(try BoundedFile.read(path, bytesMax: bytesMax), issuers: known)
            }
            reading = .success(contents)
        } catch let problem as FileProblem {
            reading = .failure(RevocationProblem(problem))
        } catch {
            reading = .failure(RevocationProblem(FileProblem.Reason.notReadable.rawValue, "\(error)"))
        }
        guard generation == self.generation else { return false }
        var problem: RevocationProblem?
        var hasNews = false
        switch reading {
        case .failure(let failure): problem = failure
        case .success(let reading):
            problem = reading.problem
            for (list, _) in reading.lists {
                switch offer(list, from: path) {
                case .adopted: hasNews = true
                case .unchanged: continue
                case .refused(let refusal): problem = problem ?? refusal
                }
            }
        }
        metrics.refreshed(hasNews ? .updated : problem == nil ? .unchanged : .refused)
        var file = watched[path] ?? WatchedFile(stamp: stamp)
        if file.wasRead(stamp, problem: problem, at: Self.clock), let problem { report(problem, at: path) }
        file.hasUnknownIssuers = (try? reading.get())?.hasUnknownIssuers ?? false
        // A CA that became known while the file was read has its list looked for at the next look.
        watched[path] = file.hasUnknownIssuers && known.count != self.known.count ? nil : file
        return hasNews
    }

    /// Seconds of a clock that only goes forward.
    private static var clock: Double { ProcessInfo.processInfo.systemUptime }
}

extension RevocationSettings.Source {
    var isURL: Bool {
        switch self {
        case .url: true
        case .file, .folder: false
        }
    }

    /// The path or the address.
    var place: String {
        switch self {
        case .file(let path), .folder(let path), .url(let path): path
        }
    }
}
