import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct PKICommandTests {
    /// Reads the arguments and does what they say. Output goes to the test's own.
    private func run(_ arguments: [String]) async throws {
        let command = try FirmwareSimCommand.parseAsRoot(arguments)
        guard var asynchronous = command as? any AsyncParsableCommand else {
            Issue.record("\(arguments) is not a command that runs")
            return
        }
        try await asynchronous.run()
    }

    private func exitCode(_ arguments: [String]) async throws -> ExitCode? {
        do {
            try await run(arguments)
            return nil
        } catch let code as ExitCode {
            return code
        }
    }

    @Test func fromNothingToAFleet() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        try await run(["pki", "init", folder, "--organization", "Elbe", "--days", "60"])
        try await run(["pki", "server", folder, "--name", "broker.example", "--address", "127.0.0.1"])
        try await run(["pki", "issue", folder, "--fleet", "name=a;count=3", "--kind", "revoked", "--quiet"])
        try await run([
            "pki", "issue", "--pki", folder, "--fleet", "name=b;count=1", "--key-type", "p384", "--certificate-days",
            "40", "--quiet",
        ])
        let inventory = try CredentialInventory(folder: folder)
        #expect(inventory.devices.map(\.name) == ["a-000001", "a-000002", "a-000003", "b-000001"])
        #expect(inventory.revocationList?.revoked == 3)
        #expect(inventory.certificates.last?.subject == "CN=broker.example")
        try await run(["pki", "list", folder, "--json"])
    }

    @Test func anOwnAuthorityIssuesToo() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let authority = try CertificateAuthority.makeDevelopmentRoot()
        try authority.certificatePEM.write(toFile: scratch.file("own.pem"), atomically: true, encoding: .utf8)
        try authority.privateKeyPEM.write(toFile: scratch.file("own.key"), atomically: true, encoding: .utf8)
        let own = ["--issuer", scratch.file("own.pem"), "--issuer-key", scratch.file("own.key")]
        let fleet = ["--fleet", "name=a;count=1", "--quiet"]
        try await run(["pki", "issue"] + own + fleet + ["--cache", scratch.file("cache")])
        #expect(FileManager.default.fileExists(atPath: scratch.file("cache/a-000001.crt")))
        // Made ahead of a run and not kept, they would be of no use.
        #expect(try await exitCode(["pki", "issue"] + own + fleet) == .validationFailure)
        #expect(try await exitCode(["pki", "issue"]) == .validationFailure)
    }

    @Test(arguments: [
        [], ["--fleet", "name=a", "--kind", "splendid"], ["--fleet", "name=a", "--key-type", "rsa"],
        ["--fleet", "name=a", "--fleet", "name=a"], ["--fleet", "count=3"], ["--fleet", "name=a;count=0"],
        ["--fleet", "name=a", "--pki", "elsewhere"], ["--fleet", "name=a", "--issuer", "x"],
        ["--fleet", "name=a", "--certificate-days", "0"],
        ["--fleet", "name=a;count=600000", "--fleet", "name=b;count=600000"],
        ["--scenario", "hostile-mix", "--fleet", "name=a"], ["--scenario", "hostile-mix", "--kind", "valid"],
        ["--scenario", "hostile-mix", "--scale", "0"], ["--scenario", "hostile-mix", "--scale", "nan"],
        ["--fleet", "name=a", "--scale", "1"],
    ])
    func mistakesInTheOptionsLeaveTheFolderAlone(_ options: [String]) async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        _ = try SimulatorPKI.make(folder: folder)
        #expect(try await exitCode(["pki", "issue", folder, "--quiet"] + options) == .validationFailure)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/devices").isEmpty)
    }

    @Test func aScenariosFleetsAreMadeAsItSays() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        _ = try SimulatorPKI.make(folder: folder)
        let scaled = ["--scenario", "hostile-mix", "--scale", "0.0001"]
        let fleets = try PKIIssueCommand.parse([folder] + scaled).fleets()
        let kinds = Set(fleets.map(\.kind))
        #expect(kinds.isSuperset(of: [.valid, .expired, .revoked, .wrongCA, .none]))
        #expect(fleets.allSatisfy { $0.specification.count == 1 })
        try await run(["pki", "issue", folder, "--quiet"] + scaled)
        let made = try CredentialInventory(folder: folder)
        #expect(Set(made.devices.map(\.kind)) == kinds.subtracting([.none]))
        #expect(made.revocationList?.revoked == fleets.filter { $0.kind == .revoked }.count)
    }

    @Test func aScenariosMistakesAreAFailure() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        _ = try SimulatorPKI.make(folder: folder)
        try "fleets: 3".write(toFile: scratch.file("bad.yaml"), atomically: true, encoding: .utf8)
        for scenario in ["hostile-mixx", scratch.file("bad.yaml")] {
            #expect(try await exitCode(["pki", "issue", folder, "--scenario", scenario]) == .failure)
        }
    }

    @Test func allMistakesOfAFleetComeAtOnce() throws {
        let command = try PKIIssueCommand.parse([
            "p", "--fleet", "name=a", "--fleet", "name=a", "--fleet", "x", "--kind", "k", "--key-type", "t",
        ])
        #expect { try command.fleets() } throws: {
            ($0 as? SimulatorError)?.explanation.hasPrefix("4 mistakes") == true
        }
    }

    @Test func filesThatAreMissingAreAFailure() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let nowhere = scratch.file("nowhere")
        #expect(try await exitCode(["pki", "list", nowhere]) == .failure)
        #expect(try await exitCode(["pki", "server", nowhere]) == .failure)
        #expect(try await exitCode(["pki", "issue", nowhere, "--fleet", "name=a"]) == .failure)
        #expect(try await exitCode(["pki", "init", scratch.path + "/a/b"]) == nil)
        #expect(try await exitCode(["pki", "init", scratch.path]) == .failure)
    }

    @Test(arguments: [
        ["pki", "init"], ["pki", "init", "x", "--days", "29"], ["pki", "init", "x", "--days", "36501"],
        ["pki", "server", "x", "--days", "0"], ["pki", "server"], ["pki", "list"], ["pki", "renew", "x"],
        ["pki", "list", "x", "y"],
    ])
    func refuses(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try FirmwareSimCommand.parseAsRoot(arguments) }
    }
}
