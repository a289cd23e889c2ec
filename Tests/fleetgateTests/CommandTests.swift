import ArgumentParser
import Foundation
import Testing

@testable import fleetgate

@Suite struct CommandTests {
    @Test func versionSaysWhatIsInside() throws {
        let report = VersionReport.current()
        #expect(report.text.contains("mbedTLS    \(report.mbedTLS)"))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(try JSONText.encode(report).utf8)) as? [String: Any])
        #expect(Set(json.keys) == ["fleetgate", "mbedtls", "fast-p256", "tls-1.3"])
    }

    @Test(arguments: [
        [], ["init"], ["check"], ["ca"], ["ca", "issue"], ["version"], ["audit"], ["audit", "verify"],
        ["audit", "search"], ["audit", "show"],
    ])
    func everyCommandHasHelp(path: [String]) {
        let error = #expect(throws: (any Error).self) {
            _ = try FleetGate.parseAsRoot(path + ["--help"]).runIfPossible()
        }
        guard let error else { return }
        let help = FleetGate.fullMessage(for: error)
        #expect(FleetGate.exitCode(for: error) == .success)
        #expect(help.contains("USAGE: fleetgate"))
        // Text that a terminal of 80 columns does not break; the synopsis is one line by nature.
        #expect(help.split(separator: "\n").allSatisfy { $0.hasPrefix("USAGE: ") || $0.count <= 80 })
    }

    @Test(arguments: [
        ["nothing"], ["check"], ["check", "--config"], ["init"], ["init", "a", "--listen", "x"], ["version", "--yaml"],
    ])
    func aWrongCommandLineEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try FleetGate.parseAsRoot(arguments) }
        #expect(error.map { FleetGate.exitCode(for: $0).rawValue } == 64)
    }

    @Test func checkEndsWithStatusOneWhenAnythingIsWrong() throws {
        let command = try CheckCommand.parse(["--config", "/nonexistent/fleetgate.yaml", "--json"])
        let error = #expect(throws: (any Error).self) { try command.run() }
        #expect(error.map { FleetGate.exitCode(for: $0).rawValue } == 1)
    }
}

@Suite struct FailureTextTests {
    private struct Failure: Error, CustomStringConvertible { let description: String }

    @Test func theSystemsWordsStandAlone() {
        let failure = Failure(
            description: "cannot listen on [::1]:80: bind(descriptor:ptr:bytes:): Permission denied) (errno: 13)")
        #expect(FailureText.text(of: failure) == "fleetgate: cannot listen on [::1]:80: Permission denied")
        #expect(FailureText.text(of: CommandFailure("one (two): three")) == "fleetgate: one (two): three")
    }
}

extension ParsableCommand {
    fileprivate func runIfPossible() throws {
        var command = self
        try command.run()
    }
}
