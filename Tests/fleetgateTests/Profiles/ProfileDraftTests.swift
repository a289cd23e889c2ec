import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileDraftTests {
    private func certificate(
        _ subject: [(String, String)], _ names: [AlternativeName] = []
    ) throws -> PeerCertificate {
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: subject, alternativeNames: names))
        return try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first)
    }

    @Test(arguments: [
        [("O", "Example Ltd"), ("CN", "thermo-17")], [("CN", "17")], [("CN", "a b")], [("serialNumber", "SN 12/34")],
        [("O", "say \"hi\" \\ {x}"), ("CN", "pump-east")], [("CN", "#")], [("CN", "x/1")], [("CN", "a+b-00ff00ff")],
        [("OU", "one"), ("OU", "two"), ("CN", "device-1")], [("UID", "u1"), ("CN", "device-1")],
    ])
    func everyDraftIsAWholeProfileForItsCertificate(subject: [(String, String)]) throws {
        let sample = try certificate(subject)
        let check = ProfileDraftCheck(try ProfileDraft(name: "sample", sample: sample), sample: sample)
        #expect(check.mistakes == [], "\(check.text)")
        #expect(check.remarks.count == 1)
    }

    private func flags(_ matches: [String], cert: String? = nil, out: String) throws -> ProfileNewCommand {
        let arguments = ["new", "x"] + matches.flatMap { ["--match", $0] } + (cert.map { ["--cert", $0] } ?? [])
        return try #require(
            try ProfileCommand.parseAsRoot(arguments + ["--out", out, "--yes"]) as? ProfileNewCommand)
    }

    @Test(arguments: [
        (["CN={a}"], "device: \"{a}\""), (["CN=v-{id:digits}"], "device: \"v-{id}\""),
        (["CN=x-{serial:slug}"], "device: \"x-{serial}\""), (["CN=gateway-7"], "device: \"gateway-7\""),
        (["CN=a/{b:slug}/{c:hex(4)}"], "device: \"{b}.{c}\""), (["OU={site:slug}"], "device: \"x-{serial}\""),
        (["O=E", "CN=a{{1}}-{n}"], "device: \"a{{1}}-{n}\""),
    ])
    func theDeviceIsMadeOfTheCapturesGiven(matches: [String], line: String) throws {
        let folder = try TemporaryFolder()
        try flags(matches, out: folder.path + "/x.yaml").run()
        let text = try folder.text("x.yaml")
        #expect(text.contains(line), "\(text)")
        #expect(ProfileSources.read([folder.path]).mistakes == [])
    }

    @Test(arguments: ["CN={", "CN={a", "CN={a:nothing}", "CN={a}{b}", "CN=", "CN={}", "nope={a}"])
    func aBadPatternWritesNothing(match: String) throws {
        let folder = try TemporaryFolder()
        #expect(throws: ProfileMistakes.self) { try flags([match], out: folder.path + "/x.yaml").run() }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.yaml"))
    }

    @Test(arguments: [
        ("CN=valve-{id:digits}", "CN"), ("CN=thermo-{id:digits(9)}", "CN"), ("OU={site:slug}", "OU"),
        ("O=Another", "O"),
    ])
    func aCertificateThatDoesNotMatchWritesNothing(match: String, attribute: String) throws {
        let folder = try TemporaryFolder()
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: [("O", "Example Ltd"), ("CN", "thermo-17")]))
        try folder.write(issued.certificatePEM, to: "certs/device.pem")
        let command = try flags([match], cert: folder.path + "/certs/device.pem", out: folder.path + "/x.yaml")
        let failure = #expect(throws: CommandFailure.self) { try command.run() }
        #expect(failure?.description.contains("subject \(attribute): wanted") == true, "\(String(describing: failure))")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.yaml"))
    }

    @Test func aNewProfileIsCheckedBesideTheOthersOfItsFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write(ProfileShelf.profile("first"), to: "p/first.yaml")
        try folder.write("not: a profile\n", to: "p/fleetgate.yaml")
        try folder.write("profile: x\nabstract: true\n", to: "taken/y.yaml")
        let beside = #expect(throws: ProfileMistakes.self) {
            try flags(["O=first", "CN=first-{m:slug}"], out: folder.path + "/p/x.yaml").run()
        }
        #expect(beside?.mistakes.map(\.code) == [.overlappingMatch])
        let taken = #expect(throws: ProfileMistakes.self) { try flags([], out: folder.path + "/taken/x.yaml").run() }
        #expect(taken?.mistakes.map(\.code) == [.duplicateProfile])
        // What was wrong before is not the new profile's fault.
        try folder.write("profile: bad\nzzz: 1\n", to: "p/bad.yaml")
        try flags([], out: folder.path + "/p/x.yaml").run()
        #expect(throws: CommandFailure.self) { try flags([], out: folder.path + "/p/x.yaml").run() }
    }

    @Test func theCertificateIsThenADevice() throws {
        let sample = try certificate([("O", "Example Ltd"), ("CN", "thermo-17")], [.uri("urn:thermo:17")])
        let draft = try ProfileDraft(name: "thermometer", sample: sample)
        #expect(draft.device == "thermo-{serial}")
        #expect(draft.suggestions.first == "san: { uri: \"urn:thermo:{serial}\" }")
        #expect(
            ProfileDraftCheck(draft, sample: sample).remarks == ["the certificate is then the device default/thermo-17"]
        )
    }

    @Test func aNameMayBeAnAlternativeOneOnly() throws {
        let draft = try ProfileDraft(name: "x", sample: try certificate([("O", "Example")], [.dns("unit-5.example")]))
        #expect(
            draft.alternativeNames == [
                ProfileDraft.Condition(key: "dns", pattern: "unit-{serial:digits}.example", sample: "unit-5.example")
            ])
    }

    @Test func withoutANameThereIsNoDraft() throws {
        let sample = try certificate([("O", "Example")])
        #expect(throws: CommandFailure.self) { try ProfileDraft(name: "x", sample: sample) }
    }

    @Test(arguments: ["Upper", "1x", "", "a b", "a\n- b", "x: y", String(repeating: "x", count: 65)])
    func aBadNameIsRefusedBeforeWriting(name: String) {
        #expect(!ProfileDraftCheck(ProfileDraft(name: name), sample: nil).mistakes.isEmpty)
    }

    @Test(arguments: ["plain", "a \"b\" \\", "{x}", "tab\tline\nend", "\u{85}\u{2028}é", "# no comment", ""])
    func quotedTextIsReadBack(text: String) throws {
        let collector = MistakeCollector()
        let node = YAMLDocument.parse("key: \(ProfileDraft.quoted(text))\n", file: "x", reporting: collector)
        #expect(collector.mistakes == [])
        #expect(node?.text(at: "key") == text)
    }

    @Test func anExistingFileIsNeverReplaced() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "x.yaml")
        #expect(throws: CommandFailure.self) { try ProfileDraftFile.write("new", to: folder.path + "/x.yaml") }
        #expect(throws: CommandFailure.self) { try ProfileDraftFile.write("new", to: folder.path + "/no/x.yaml") }
        #expect(try folder.text("x.yaml") == "mine")
    }
}
