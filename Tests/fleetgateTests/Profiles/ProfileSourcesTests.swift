import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileSourcesTests {
    @Test func everyMistakeOfEveryFileIsShown() throws {
        let folder = try TemporaryFolder()
        try folder.write("profile: x\nunknown: 1\n", to: "a.yaml")
        try folder.write("broken: [", to: "b.yml")
        try folder.write("ignored", to: "c.txt")
        try folder.write("ignored: [", to: ".d.yaml")
        let sources = ProfileSources.read([folder.path])
        #expect(sources.set == nil)
        #expect(Set(sources.mistakes.map(\.location.file)) == [folder.path + "/a.yaml", folder.path + "/b.yml"])
        #expect(sources.files.count == 2)
        #expect(throws: ProfileMistakes.self) { try sources.compiled() }
    }

    @Test(arguments: [[], ["/nonexistent"], ["/nonexistent/a.yaml", "/nonexistent/b"]])
    func whatIsNotThereIsAMistakeForEach(paths: [String]) {
        #expect(ProfileSources.read(paths).mistakes.count == paths.count)
    }

    @Test func oneIsNotSeveral() throws {
        let folder = try TemporaryFolder()
        try folder.write(ProfileShelf.profile("a"), to: "a.yaml")
        #expect(
            ProfileLintReport(ProfileSources.read([folder.path]), nil).summary == "1 profile in 1 file: no mistakes")
        try folder.write(ProfileShelf.profile("b"), to: "b.yaml")
        #expect(
            ProfileLintReport(ProfileSources.read([folder.path]), nil).summary == "2 profiles in 2 files: no mistakes")
    }

    @Test func noKeyIsHintedAtTwice() throws {
        let folder = try TemporaryFolder()
        let lists = "zzzzzzzzzzzzzzzz: 1\nregistration: { mode: listed }\nwill: [ s ]\n"
        try folder.write(lists + ProfileShelf.profile("a"), to: "a.yaml")
        let hint = try #require(ProfileSources.read([folder.path]).mistakes.first?.hint)
        let keys = hint.split(separator: ": ").last.map { $0.split(separator: ", ") } ?? []
        #expect(keys.count > 10 && Set(keys).count == keys.count, "\(hint)")
    }

    @Test(arguments: ["will: \"s/{device}\"", "will: s/status", "will: \"yes\"", "will: { topic: \"s/{device}\" }"])
    func oneTopicOfWillsMayBeAText(line: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(line + "\n" + ProfileShelf.profile("a"), to: "a.yaml")
        #expect(ProfileSources.read([folder.path]).mistakes == [])
    }

    @Test func aBaseMayBeInAnotherFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("profile: base\nabstract: true\npublish: [ \"s/{device}\" ]\n", to: "base.yaml")
        try folder.write("extends: base\n" + ProfileShelf.profile("v"), to: "v.yaml")
        #expect(ProfileSources.read([folder.path]).mistakes.isEmpty)
        #expect(ProfileSources.read([folder.path + "/v.yaml"]).mistakes.map(\.code) == [.unknownProfile])
    }
}
