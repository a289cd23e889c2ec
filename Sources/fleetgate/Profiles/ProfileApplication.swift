import AdminAPI
import FleetPolicy
import Foundation

/// Puts a set of profiles in force: checked, swapped, and taken over by the running gateway.
struct ProfileApplication {
    /// What a running gateway did about it.
    enum Reload: Encodable, Hashable {
        case reloaded
        /// It reads the profiles when it starts.
        case notRunning
        /// It keeps what it had.
        case refused(String)

        var text: String {
            switch self {
            case .reloaded: "the running gateway has taken it over"
            case .notRunning: "the gateway is not running; it will read these profiles when it starts"
            case .refused(let why): "the gateway did not take it over and keeps what it had: \(why)"
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .reloaded: try container.encode("reloaded")
            case .notRunning: try container.encode("not-running")
            case .refused: try container.encode("refused")
            }
        }
    }

    struct Report: Encodable {
        let folder: String
        /// Nothing was done: only said what would be.
        let isDryRun: Bool
        let added: [String]
        let removed: [String]
        let changed: [String]
        let unchanged: Int
        /// The version that the set before has become; nil: nothing was replaced.
        let version: Int?
        /// Nil: the gateway was not told.
        let reload: Reload?

        enum CodingKeys: String, CodingKey {
            case folder, added, removed, changed, unchanged, version, reload
            case isDryRun = "dry-run"
        }

        var isDifferent: Bool { !(added.isEmpty && removed.isEmpty && changed.isEmpty) }

        var text: String {
            let names = [("added", added), ("removed", removed), ("changed", changed)].filter { !$0.1.isEmpty }
            var lines = [
                isDifferent
                    ? AlignedColumns.text(
                        names.map { [$0.0, $0.1.joined(separator: ", ")] } + [["unchanged", "\(unchanged)"]])
                    : "no profile is different"
            ]
            if let version {
                lines.append("\(folder) has the new set; the one before is version \(version)")
            } else {
                lines.append(isDryRun ? "nothing was changed: this was a dry run" : "\(folder) is as it was")
            }
            if let reload { lines.append(reload.text) }
            return lines.joined(separator: "\n")
        }
    }

    let setting: ProfileSetting
    let actor: String
    let isDryRun: Bool
    /// Tells the running gateway to read its configuration again; nil: it is not told.
    let reload: @Sendable () async -> Reload?

    /// - Parameters:
    ///   - source: A folder of profiles.
    ///   - name: What the folder is, for the list of versions.
    /// - Throws: ``ProfileMistakes`` or ``CommandFailure``; the present set is still in force.
    func apply(_ source: String, named name: String) async throws -> Report {
        let files = try ProfileFile.all(in: source).filter(\.isProfile)
        let new = ProfileSources.read([source])
        let mistakes = new.mistakes + (new.set.map(setting.mistakes) ?? [])
        guard mistakes.isEmpty else { throw ProfileMistakes(mistakes: mistakes) }
        // Read once, checked, and then read again to be copied: what is copied has to be what was checked.
        guard try ProfileFile.all(in: source).filter(\.isProfile) == files else {
            throw CommandFailure("\(source) was changed in the meantime; nothing was done")
        }
        let versions = ProfileVersions(folder: setting.folder)
        let old = ProfileSources.read([versions.folder])
        let before = Self.contents(old.documents)
        let after = Self.contents(new.documents)
        let version =
            isDryRun ? nil : try versions.replace(with: files, by: actor, source: name)
        let added = after.keys.filter { before[$0] == nil }.sorted()
        let changed = after.keys.filter { before[$0] != nil && before[$0] != after[$0] }.sorted()
        return Report(
            folder: versions.folder, isDryRun: isDryRun, added: added,
            removed: before.keys.filter { after[$0] == nil }.sorted(), changed: changed,
            unchanged: after.count - added.count - changed.count, version: version?.number,
            reload: isDryRun ? nil : await reload())
    }

    /// What each profile says in the end, by its name.
    private static func contents(_ documents: [SourceNode]) -> [String: [String]] {
        Dictionary(ProfileOutline.all(documents).map { ($0.name, $0.values.map { "\($0.key): \($0.value)" }.sorted()) })
        {
            first, _ in first
        }
    }

    /// Asks over the admin socket.
    static func reload(over client: ControlClient) async -> Reload {
        do {
            let _: ReloadAnswer = try await client.call("reload", ControlDone())
            return .reloaded
        } catch let error as ControlClientError where error.reason == .notRunning {
            return .notRunning
        } catch let failure as ControlFailure {
            let mistakes = (failure.mistakes ?? []).prefix(3).map(\.message)
            return .refused(([failure.message] + mistakes).joined(separator: "; "))
        } catch {
            return .refused("\(error)")
        }
    }

    /// Whatever the gateway says of a reload that it has done.
    private struct ReloadAnswer: Decodable, Sendable {}
}
