import FleetPolicy
import Foundation

/// Profiles as they are in files, for the tools: their documents, and what they compile to together.
struct ProfileSources {
    /// The files read, in the order in which they were named; of a folder, in the order of their names.
    let files: [String]
    /// Those that are YAML.
    let documents: [SourceNode]
    /// Nil when there is any mistake.
    let set: ProfileSet?
    /// In the order of their places.
    let mistakes: [OperatorMistake]

    /// Reads files, and the `.yaml` and `.yml` files of folders. They are one set: a profile may extend another one
    /// only when both are among them.
    static func read(_ paths: [String], revision: UInt64 = 1) -> ProfileSources {
        let collector = MistakeCollector()
        let files = paths.flatMap { expand($0, reporting: collector) }
        guard files.count <= ProfileFolder.filesMax else {
            collector.report(
                .badFile, at: SourceLocation(file: paths.first ?? "", line: 1, column: 1), key: "",
                "\(files.count) profiles; at most \(ProfileFolder.filesMax) are read")
            return ProfileSources(files: files, documents: [], set: nil, mistakes: collector.mistakes)
        }
        let documents = YAMLDocument.readAll(files, reporting: collector)
        switch ProfileCompiler.compile(documents, revision: revision) {
        case .success(let set):
            return ProfileSources(
                files: files, documents: documents, set: collector.mistakes.isEmpty ? set : nil,
                mistakes: sorted(collector.mistakes))
        case .failure(let all):
            return ProfileSources(
                files: files, documents: documents, set: nil, mistakes: sorted(collector.mistakes + all.mistakes))
        }
    }

    /// The set, or the mistakes as a failure of the command that wanted it.
    func compiled() throws -> ProfileSet {
        guard let set else { throw ProfileMistakes(mistakes: mistakes) }
        return set
    }

    private static func sorted(_ mistakes: [OperatorMistake]) -> [OperatorMistake] {
        OperatorMistakes(mistakes)?.mistakes ?? []
    }

    private static func expand(_ path: String, reporting mistakes: MistakeCollector) -> [String] {
        func report(_ problem: String, hint: String? = nil) -> [String] {
            mistakes.report(
                .badFile, at: SourceLocation(file: path, line: 1, column: 1), key: "", problem, hint: hint)
            return []
        }
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return report("\(path) does not exist")
        }
        guard isFolder.boolValue else { return [path] }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return report("\(path) is not a folder that can be read")
        }
        let profiles = names.filter(isProfileFile).sorted()
        guard !profiles.isEmpty else {
            return report("\(path) has no .yaml file", hint: "without a profile, no device gets in")
        }
        return profiles.map { path.hasSuffix("/") ? path + $0 : path + "/" + $0 }
    }

    /// Whether a file of a folder is read as a profile. Files that begin with a dot are editors' own.
    static func isProfileFile(_ name: String) -> Bool {
        !name.hasPrefix(".") && (name.hasSuffix(".yaml") || name.hasSuffix(".yml"))
    }
}

/// Ends a command that needs profiles without a mistake.
struct ProfileMistakes: Error, CustomStringConvertible {
    let mistakes: [OperatorMistake]

    /// Every mistake on a line of its own.
    var description: String {
        (mistakes.map { CheckReport.Mistake($0).text } + [Self.count(mistakes.count)]).joined(separator: "\n")
    }

    static func count(_ count: Int) -> String { count == 1 ? "1 mistake" : "\(count) mistakes" }
}
