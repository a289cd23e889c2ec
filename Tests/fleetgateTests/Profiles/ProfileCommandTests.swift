import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileCommandTests {
    @Test(arguments: [
        ["profile"], ["profile", "lint"], ["profile", "list"], ["profile", "show"], ["profile", "new"],
        ["profile", "diff"],
        ["profile", "apply"], ["profile", "versions"], ["profile", "rollback"], ["explain"],
    ])
    func helpFitsATerminal(path: [String]) throws {
        let error = #expect(throws: (any Error).self) {
            if path == ["explain"] {
                _ = try ExplainCommand.parse(["--help"])
            } else {
                var command = try ProfileCommand.parseAsRoot(Array(path.dropFirst()) + ["--help"])
                try command.run()
            }
        }
        guard let error else { return }
        let help = path == ["explain"] ? ExplainCommand.fullMessage(for: error) : ProfileCommand.fullMessage(for: error)
        #expect(help.contains("USAGE: "))
        #expect(help.split(separator: "\n").allSatisfy { $0.hasPrefix("USAGE: ") || $0.count <= 80 }, "\(help)")
    }

    @Test(arguments: [
        ["lint"], ["list"], ["show"], ["diff", "a"], ["diff", "a", "b"], ["diff", "a", "b", "--against", "registry"],
        ["apply"], ["apply", "x"], ["versions"], ["rollback", "x", "--config", "y"], ["new", "x", "--match", "CN"],
        ["diff", "a", "b", "--against", "c", "--rows", "-1"],
    ])
    func aWrongCommandLineEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try ProfileCommand.parseAsRoot(arguments) }
        #expect(error.map { ProfileCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test(arguments: [
        [], ["--cert", "x"], ["-c", "y"], ["-c", "y", "--cert", "x", "--device", "d"],
        ["-c", "y", "--device", "a/b/c"],
        ["-c", "y", "--device", "#"], ["-c", "y", "--cert", "x", "--qos", "3"],
        ["-c", "y", "--cert", "x", "--action", "read"],
        ["-c", "y", "--cert", "x", "--tls-version", "1.1"], ["-c", "y", "--device", "d", "--profiles", "p"],
    ])
    func aWrongExplainEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try ExplainCommand.parse(arguments) }
        #expect(error.map { ExplainCommand.exitCode(for: $0).rawValue } == 64)
    }
}
