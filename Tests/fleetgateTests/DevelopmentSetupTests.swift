import FleetPKI
import Foundation
import Testing

@testable import fleetgate

@Suite struct DevelopmentSetupTests {
    func setup(_ names: [String] = [], _ addresses: [String] = []) throws -> DevelopmentSetup {
        try DevelopmentSetup(names: names, addresses: addresses, listen: "0.0.0.0:8883", admin: "127.0.0.1:9464")
    }

    @Test func onlyTheOwnerCanReadWhatIsMade() throws {
        let folder = try TemporaryFolder()
        try setup().write(to: folder.path + "/gate")
        for name in ["gate", "gate/ca", "gate/profiles", "gate/devices"] { #expect(try folder.mode(name) == 0o700) }
        for name in ["fleetgate.yaml", "README.md", "server.pem", "server.key", "ca/ca.pem", "ca/ca.key"] {
            #expect(try folder.mode("gate/" + name) == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["gate"])
    }

    @Test func anExistingFolderIsNeverTouched() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "gate/fleetgate.yaml")
        #expect(throws: NewDirectory.Failure.self) { try setup().write(to: folder.path + "/gate") }
        #expect(try folder.text("gate/fleetgate.yaml") == "mine")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["gate"])
    }

    @Test func aFileInTheWayIsNeverTouched() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "gate")
        #expect(throws: NewDirectory.Failure.self) { try setup().write(to: folder.path + "/gate") }
        #expect(try folder.text("gate") == "mine")
    }

    @Test func anEmptyFolderIsTaken() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/gate", withIntermediateDirectories: false)
        try setup().write(to: folder.path + "/gate/")
        #expect(try folder.mode("gate") == 0o700)
    }

    @Test func whatIsLeftHalfDoneIsRemoved() throws {
        let folder = try TemporaryFolder()
        let directory = try NewDirectory(at: folder.path + "/gate")
        try directory.write("x", to: "a")
        #expect(throws: NewDirectory.Failure.self) { try directory.write("y", to: "a") }
        directory.discard()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func theServersCertificateHasTheNamesAskedFor() async throws {
        let folder = try TemporaryFolder()
        try setup(["gw.example"], ["192.0.2.1", "2001:db8::1"]).write(to: folder.path + "/gate")
        let certificate = folder.path + "/gate/server.pem"
        let text = try await runProgram(["openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectAltName"])
        for name in [
            "DNS:localhost", "IP Address:127.0.0.1", "DNS:gw.example", "IP Address:192.0.2.1",
            "IP Address:2001:DB8:0:0:0:0:0:1",
        ] {
            #expect(text.output.contains(name), "\(text.output)")
        }
        for arguments in [
            ["-verify_hostname", "gw.example"], ["-verify_ip", "192.0.2.1"], ["-verify_hostname", "localhost"],
        ] {
            let verified = try await runProgram(
                [
                    "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile",
                    folder.path + "/gate/ca/ca.pem",
                ]
                    + arguments + [certificate])
            #expect(verified.status == 0, "\(verified.output)")
        }
    }

    @Test(arguments: ["", "a b", "-x", "a..b", "host:1", "a/b", "*x_", String(repeating: "a", count: 64)])
    func whatIsNoHostNameIsRefused(name: String) {
        #expect(throws: (any Error).self) { try setup([name]) }
    }

    @Test(arguments: ["", "gw.example", "1.2.3", "1.2.3.4:5", "[::1]"])
    func whatIsNoAddressIsRefused(address: String) {
        #expect(throws: (any Error).self) { try setup([], [address]) }
    }

    @Test(arguments: [
        ("8883", "127.0.0.1:1"), ("host:8883", "127.0.0.1:1"), ("0.0.0.0:8883", "0.0.0.0:9464"), ("0.0.0.0:8883", "x"),
    ])
    func listenersNeedAddresses(listen: String, admin: String) {
        #expect(throws: (any Error).self) {
            try DevelopmentSetup(names: [], addresses: [], listen: listen, admin: admin)
        }
    }

    @Test func shippedProfilesAreInTheProgram() {
        let profiles = ShippedProfiles.files.filter { $0.name.hasSuffix(".yaml") }
        #expect(profiles.count == 3)
        for (name, contents) in profiles {
            #expect(contents.contains("profile: \(name.dropLast(5))\n"))
        }
        #expect(ShippedProfiles.files.map(\.name).contains("device-profile.schema.json"))
    }
}
