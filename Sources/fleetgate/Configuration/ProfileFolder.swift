import FleetPolicy
import Foundation

/// The folder of device profiles: read as a whole, checked as a whole.
enum ProfileFolder {
    /// Files in one folder. Ten thousand are compiled in some two seconds; who has more has a folder by mistake.
    static let filesMax = 20_000

    /// The profiles of a folder, compiled; nil, with every mistake of every file reported, when anything is wrong.
    static func load(
        _ folder: Located<String>, revision: UInt64, reporting mistakes: MistakeCollector
    ) -> ProfileSet? {
        guard let files = files(folder, reporting: mistakes) else { return nil }
        let own = MistakeCollector()
        let documents = YAMLDocument.readAll(files, reporting: own)
        for mistake in own.mistakes { mistakes.report(mistake) }
        switch ProfileCompiler.compile(documents, revision: revision) {
        case .success(let set):
            return own.mistakes.isEmpty ? set : nil
        case .failure(let all):
            for mistake in all.mistakes { mistakes.report(mistake) }
            return nil
        }
    }

    /// The YAML files, in the order of their names. Files that begin with a dot are editors' and Kubernetes' own.
    private static func files(_ folder: Located<String>, reporting mistakes: MistakeCollector) -> [String]? {
        func report(_ problem: String, hint: String? = nil) {
            mistakes.report(.badFile, at: folder.location, key: folder.key, problem, hint: hint)
        }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.value) else {
            report("\(folder.value) is not a folder that can be read")
            return nil
        }
        let profiles = names.filter(ProfileSources.isProfileFile).sorted()
        guard !profiles.isEmpty else {
            report("\(folder.value) has no .yaml file", hint: "without a profile, no device gets in")
            return nil
        }
        guard profiles.count <= filesMax else {
            report("\(folder.value) has \(profiles.count) profiles; at most \(filesMax) are read")
            return nil
        }
        return profiles.map { folder.value.hasSuffix("/") ? folder.value + $0 : folder.value + "/" + $0 }
    }
}

extension OperatorMistake.Code {
    /// A file that the configuration names is missing, unreadable, or not what it has to be.
    static let badFile = Self("bad-file")
}
