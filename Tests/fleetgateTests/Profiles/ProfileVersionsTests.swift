import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

/// A folder of profiles in a folder of its own, with room beside it for versions.
struct ProfileShelf {
    let folder: TemporaryFolder
    var path: String { folder.path + "/gate/profiles" }
    var store: String { path + ".versions" }
    var versions: ProfileVersions { ProfileVersions(folder: path) }

    init(_ files: [String: String] = ["a.yaml": Self.profile("a")]) throws {
        folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(text, to: "gate/profiles/\(name)") }
    }

    static func profile(_ name: String, topic: String = "x/{device}") -> String {
        "profile: \(name)\nmatch: { subject: { O: \"\(name)\", CN: \"\(name)-{n:digits}\" } }\ndevice: \"\(name)-{n}\"\npublish: [ \"\(topic)\" ]\n"
    }

    static func file(_ name: String, _ text: String) -> ProfileFile {
        ProfileFile(name: name, contents: Array(text.utf8), permissions: 0o600)
    }

    func replace(_ text: String, now: Date = Date()) throws -> ProfileVersion? {
        try versions.replace(with: [Self.file("a.yaml", text)], by: "tester", source: "test", now: now)
    }

    func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

@Suite struct ProfileVersionsTests {
    @Test func aReplacedSetIsKeptAsItWas() throws {
        let shelf = try ProfileShelf()
        let before = try shelf.folder.text("gate/profiles/a.yaml")
        let version = try #require(try shelf.replace(ProfileShelf.profile("a", topic: "y")))
        #expect(version.number == 1)
        #expect(version.replacedBy == "tester")
        #expect(version.files == ["a.yaml"])
        #expect(try shelf.folder.text("gate/profiles/a.yaml") == ProfileShelf.profile("a", topic: "y"))
        #expect(try shelf.folder.text("gate/profiles.versions/000001/profiles/a.yaml") == before)
        #expect(shelf.versions.all() == [version])
        #expect(shelf.names(shelf.store) == [".lock", "000001"])
    }

    @Test func theSameSetIsNoNewVersion() throws {
        let shelf = try ProfileShelf()
        #expect(try shelf.replace(ProfileShelf.profile("a")) == nil)
        #expect(shelf.versions.all().isEmpty)
    }

    @Test func filesThatAreNoProfilesStay() throws {
        let shelf = try ProfileShelf(["a.yaml": "1", "b.yml": "2", "README.md": "read", ".hidden": "h"])
        _ = try shelf.replace("new")
        #expect(shelf.names(shelf.path) == [".hidden", "README.md", "a.yaml"])
        #expect(try shelf.folder.text("gate/profiles/README.md") == "read")
    }

    @Test(arguments: ["folder", "link"])
    func aFolderWithMoreThanFilesIsNotTouched(kind: String) throws {
        let shelf = try ProfileShelf()
        if kind == "folder" {
            try shelf.folder.write("x", to: "gate/profiles/sub/file")
        } else {
            try FileManager.default.createSymbolicLink(
                atPath: shelf.path + "/sub", withDestinationPath: "/etc/hostname")
        }
        #expect(throws: CommandFailure.self) { try shelf.replace("new") }
        #expect(shelf.names(shelf.path) == ["a.yaml", "sub"])
        #expect(shelf.versions.all().isEmpty)
    }

    @Test func modeOfTheFolderHoldsForTheNewOne() throws {
        let shelf = try ProfileShelf()
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: shelf.path)
        _ = try shelf.replace("new")
        #expect(try shelf.folder.mode("gate/profiles") == 0o750)
        #expect(try shelf.folder.mode("gate/profiles/a.yaml") == 0o640)
    }

    @Test func onlyTheNewestAreKept() throws {
        let shelf = try ProfileShelf()
        for turn in 1...ProfileVersions.versionsMax + 3 { _ = try shelf.replace("turn \(turn)") }
        let numbers = shelf.versions.all().map(\.number)
        #expect(numbers == Array((4...ProfileVersions.versionsMax + 3).reversed()))
    }

    @Test func whatIsNotOursIsNeitherListedNorRemoved() throws {
        let shelf = try ProfileShelf()
        _ = try shelf.replace("first")
        try shelf.folder.write("mine", to: "gate/profiles.versions/000001/note.txt")
        try shelf.folder.write("x", to: "gate/profiles.versions/archive/a.yaml")
        try shelf.folder.write("not json", to: "gate/profiles.versions/000099/version.json")
        for turn in 1...ProfileVersions.versionsMax + 1 { _ = try shelf.replace("turn \(turn)") }
        #expect(try shelf.folder.text("gate/profiles.versions/000001/note.txt") == "mine")
        #expect(shelf.names(shelf.store).contains("archive"))
        #expect(!shelf.versions.all().contains { $0.number == 99 })
    }

    @Test func aReplacementBrokenOffBeforeTheSwapIsForgotten() throws {
        let shelf = try ProfileShelf()
        let digest = ProfileDigest.digest(try ProfileFile.all(in: shelf.path))
        try pending(shelf, digest: digest, holds: "the set that was to come")
        let version = try #require(try shelf.replace("new"))
        #expect(version.number == 1)
        #expect(shelf.names(shelf.store) == [".lock", "000001"])
    }

    @Test func aReplacementBrokenOffAfterTheSwapIsFinished() throws {
        let shelf = try ProfileShelf()
        let old = [ProfileShelf.file("a.yaml", "the set that was replaced")]
        try pending(shelf, digest: ProfileDigest.digest(old), holds: "the set that was replaced")
        let version = try #require(try shelf.replace("new"))
        #expect(version.number == 2)
        #expect(shelf.versions.all().map(\.number) == [2, 1])
        #expect(try shelf.folder.text("gate/profiles.versions/000001/profiles/a.yaml") == "the set that was replaced")
    }

    @Test func aFolderThatIsMissingBetweenTwoRenamesComesBack() throws {
        let shelf = try ProfileShelf()
        let digest = ProfileDigest.digest(try ProfileFile.all(in: shelf.path))
        try pending(shelf, digest: digest, holds: "the set that was to come")
        try FileManager.default.moveItem(atPath: shelf.path, toPath: shelf.store + "/.next/replaced")
        let version = try #require(try shelf.replace("new"))
        #expect(version.number == 1)
        #expect(try shelf.folder.text("gate/profiles.versions/000001/profiles/a.yaml") == ProfileShelf.profile("a"))
    }

    private func pending(_ shelf: ProfileShelf, digest: String, holds text: String) throws {
        let version = ProfileVersion(
            number: 1, replacedAt: Date(timeIntervalSince1970: 0), replacedBy: "x", replacedWith: "y",
            files: ["a.yaml"],
            digest: digest)
        try shelf.folder.write(text, to: "gate/profiles.versions/.next/profiles/a.yaml")
        try shelf.folder.write(try JSONText.encode(version), to: "gate/profiles.versions/.next/version.json")
    }

    @Test func twoAtOnceAreRefused() throws {
        let shelf = try ProfileShelf()
        _ = try shelf.replace("first")
        let lock = try FileLock(shelf.store + "/.lock")
        #expect(throws: CommandFailure.self) { try shelf.replace("second") }
        withExtendedLifetime(lock) {}
        #expect(try shelf.folder.text("gate/profiles/a.yaml") == "first")
    }

    @Test func aMissingFolderIsSaid() throws {
        let versions = ProfileVersions(folder: "/nonexistent/profiles")
        #expect(throws: CommandFailure.self) { try versions.replace(with: [], by: "x", source: "y") }
        #expect(versions.all().isEmpty)
    }
}

@Suite struct ProfileApplicationTests {
    private func application(_ gate: Gate, _ reload: ProfileApplication.Reload? = .notRunning, dryRun: Bool = false)
        throws -> ProfileApplication
    {
        ProfileApplication(
            setting: try ProfileSetting.read(gate.configuration), actor: "tester", isDryRun: dryRun
        ) { reload }
    }

    @Test func aGoodFolderIsPutInForce() async throws {
        let gate = try Gate()
        try gate.folder.write(ProfileShelf.profile("pump"), to: "new/pump.yaml")
        try gate.folder.write("not a profile", to: "new/notes.txt")
        let report = try await application(gate).apply(gate.folder.path + "/new", named: "new")
        #expect(report.added == ["pump"])
        #expect(report.removed == ["asset-tracker", "building-gateway", "smart-meter"])
        #expect(report.version == 1)
        #expect(report.text.contains("not running"))
        #expect(gate.load().loaded?.profiles.profileNames == ["pump"])
        let back = try await application(gate, .reloaded).apply(
            ProfileVersions(folder: gate.folder.path + "/gate/profiles").folder(of: 1), named: "version 1")
        #expect(back.added.count == 3 && back.removed == ["pump"] && back.reload == .reloaded)
        #expect(gate.load().loaded?.profiles.profileNames.count == 3)
    }

    @Test(arguments: [
        "profile: x", "broken: [", "", "profile: x\nmatch: { subject: { CN: \"{n}\" } }\ndevice: \"{m}\"\n",
        "profile: x\nmatch: { subject: { CN: \"{n}\" } }\ndevice: \"{n}\"\nupstream: nowhere\n",
        "profile: x\nmatch: { subject: { CN: \"{n}\" }, listener: nowhere }\ndevice: \"{n}\"\n",
        "profile: x\nextends: nobody\nmatch: { subject: { CN: \"{n}\" } }\ndevice: \"{n}\"\n",
    ])
    func aBadFolderChangesNothing(text: String) async throws {
        let gate = try Gate()
        try gate.folder.write(ProfileShelf.profile("good"), to: "new/good.yaml")
        try gate.folder.write(text, to: "new/bad.yaml")
        await #expect(throws: ProfileMistakes.self) {
            try await application(gate).apply(gate.folder.path + "/new", named: "new")
        }
        #expect(gate.load().loaded?.profiles.profileNames.count == 3)
        #expect(!FileManager.default.fileExists(atPath: gate.folder.path + "/gate/profiles.versions"))
    }

    @Test func aDryRunChangesNothing() async throws {
        let gate = try Gate()
        try gate.folder.write(ProfileShelf.profile("pump"), to: "new/pump.yaml")
        let report = try await application(gate, dryRun: true).apply(gate.folder.path + "/new", named: "new")
        #expect(report.added == ["pump"] && report.version == nil && report.reload == nil)
        #expect(gate.load().loaded?.profiles.profileNames.count == 3)
    }

    @Test func anEmptyFolderIsRefused() async throws {
        let gate = try Gate()
        try gate.folder.write("x", to: "new/README.md")
        await #expect(throws: ProfileMistakes.self) {
            try await application(gate).apply(gate.folder.path + "/new", named: "new")
        }
    }
}
