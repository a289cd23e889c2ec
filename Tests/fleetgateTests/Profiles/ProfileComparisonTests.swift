import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileComparisonTests {
    private struct Samples: CertificateSource {
        let certificates: [SampleCertificate]

        func each(
            _ body: (SampleCertificate) throws -> Void, unreadable: (_ origin: String, _ why: String) -> Void
        ) async throws {
            for certificate in certificates { try body(certificate) }
        }
    }

    private func compare(_ old: String, _ new: String, _ subjects: [[(String, String)]]) async throws
        -> ProfileComparison
    {
        let folder = try TemporaryFolder()
        try folder.write(old, to: "old/p.yaml")
        try folder.write(new, to: "new/p.yaml")
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let samples = try subjects.map { subject in
            let issued = try root.issue(CertificateTemplate(subject: subject))
            let leaf = try #require(try PeerCertificate.reading(Array(issued.certificatePEM.utf8)).first)
            return SampleCertificate(origin: subject.map(\.1).joined(separator: "/"), leaf: leaf, issuers: [])
        }
        let assumed = AssumedCircumstances(anchors: [], listener: "default", now: Int64(Date().timeIntervalSince1970))
        return try await ProfileComparison.compare(
            PolicySnapshot(profiles: try ProfileSources.read([folder.path + "/old"]).compiled()),
            PolicySnapshot(profiles: try ProfileSources.read([folder.path + "/new"]).compiled()),
            on: Samples(certificates: samples), circumstances: assumed.of)
    }

    private static let device = [("O", "a"), ("CN", "a-1")]

    @Test func nothingChanges() async throws {
        let profile = ProfileShelf.profile("a")
        let comparison = try await compare(profile, profile + "# a comment\n", [Self.device, [("CN", "stranger")]])
        #expect(comparison.isEqual)
        #expect(comparison.summary.unchanged == 2)
        #expect(comparison.text(rowsMax: 10) == "nothing changes for 2 certificates")
    }

    @Test(arguments: [
        ("publish: [ \"y/{device}\" ]", ["publish y/a-1 (qos 1)"], ["publish x/a-1 (qos 1)"]),
        ("publish: [ \"x/{device}\" ]\nsubscribe: [ s ]", ["subscribe s (qos 1)"], []),
        (
            "publish: [ { topic: \"x/{device}\", qos: 2, retain: true } ]", ["publish x/a-1 (qos 2, retain)"],
            ["publish x/a-1 (qos 1)"]
        ),
        ("publish: [ \"x/{device}\" ]\nwill: true", ["will, whatever may be published"], []),
        (
            "publish: [ \"x/#\" ]\ndeny-publish: [ \"x/y\" ]", ["publish x/# (qos 1)"],
            ["publish x/a-1 (qos 1)", "now deny-publish x/y"]
        ),
        ("publish: [ \"x/{device}\" ]\ntopic-prefix: \"t/\"", ["publish t/x/a-1 (qos 1)"], ["publish x/a-1 (qos 1)"]),
    ])
    func topicsGainedAndLost(lists: String, gained: [String], lost: [String]) async throws {
        let head = "profile: a\nmatch: { subject: { O: a, CN: \"a-{n:digits}\" } }\ndevice: \"a-{n}\"\n"
        let comparison = try await compare(ProfileShelf.profile("a"), head + lists, [Self.device])
        #expect(comparison.changes.map(\.topicsGained) == [gained])
        #expect(comparison.changes.map(\.topicsLost) == [lost])
        #expect(comparison.summary.gainedTopics == (gained.isEmpty ? 0 : 1))
    }

    @Test func accessProfileDeviceAndLimits() async throws {
        let old = ProfileShelf.profile("a")
        let lost = try await compare(old, ProfileShelf.profile("b"), [Self.device, [("O", "b"), ("CN", "b-1")]])
        #expect(lost.changes.map(\.access) == [.lost, .gained])
        #expect(lost.changes.map(\.newCode) == ["no-matching-profile", nil])
        let renamed = try await compare(old, old.replacing("profile: a", with: "profile: other"), [Self.device])
        #expect(renamed.summary.changedProfile == 1 && renamed.summary.changedDevice == 0)
        let other = try await compare(old, old + "tenant: kiel\n", [Self.device])
        #expect(other.changes.first?.newDevice == "kiel/a-1" && other.summary.changedDevice == 1)
        let limits = try await compare(old, old + "limits: { packet-bytes: 1KiB }\nclient-id: equal\n", [Self.device])
        #expect(limits.changes.first?.limits.map(\.key) == ["packet-bytes", "client-id"])
        #expect(limits.changes.first?.limits.first?.new == "1KiB")
    }

    @Test func aFolderIsGoneThroughAndBadFilesAreTold() async throws {
        let folder = try TemporaryFolder()
        let root = try CertificateAuthority.makeDevelopmentRoot()
        let issued = try root.issue(CertificateTemplate(subject: Self.device))
        try folder.write(issued.chainPEM, to: "b/device.pem")
        try folder.write(issued.privateKeyPEM, to: "b/device.key")
        try folder.write("rubbish", to: "a.crt")
        try folder.write("", to: "c.der")
        try folder.write(issued.privateKeyPEM, to: "d.pem")
        var found: [String] = []
        var unreadable: [String] = []
        try await CertificateFolder(path: folder.path).each {
            found.append($0.origin)
        } unreadable: { origin, _ in
            unreadable.append(origin)
        }
        #expect(found == [folder.path + "/b/device.pem"])
        #expect(unreadable == ["/a.crt", "/c.der", "/d.pem"].map { folder.path + $0 })
    }

    @Test(arguments: ["", "/nonexistent"])
    func aFolderWithoutCertificatesIsAFailure(path: String) async throws {
        let folder = try TemporaryFolder()
        await #expect(throws: CommandFailure.self) {
            try await CertificateFolder(path: path.isEmpty ? folder.path : path).each { _ in
            } unreadable: { _, _ in
            }
        }
    }
}
