import ArgumentParser
import Testing

@testable import fleetgate

@Suite struct DeviceCommandTests {
    private static let gateway = ["-c", "gate.yaml"]

    @Test(arguments: DeviceCommand.configuration.subcommands.map { $0.configuration.commandName ?? "" })
    func everyCommandHasHelpWithExamples(name: String) {
        let error = #expect(throws: (any Error).self) {
            var command = try DeviceCommand.parseAsRoot([name, "--help"])
            try command.run()
        }
        guard let error else { return }
        #expect(DeviceCommand.exitCode(for: error) == .success)
        let help = DeviceCommand.fullMessage(for: error)
        #expect(help.contains("EXAMPLES"))
        // Text that a terminal of 80 columns does not break; the synopsis is one line by nature.
        for line in help.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
    }

    @Test(arguments: [
        ["list"], ["list", "--state", "pending", "--limit", "5", "--json"], ["list", "--not-seen-since", "30d"],
        ["list", "--prefix", "meter-", "--seen-since", "2026-01-01"], ["show", "m1", "a/m2"], ["history", "m1"],
        ["add", "m1", "--profile", "p", "--attribute", "a=b", "--override", "connections=2"],
        ["set", "m1", "--note", ""], ["set", "m1", "m2", "--attribute", "a="], ["disable", "m1", "--reason", "r"],
        ["enable", "m1", "--force"], ["approve", "m1"], ["retire", "m1"], ["remove", "m1"],
        ["pin", "m1", "--cert", "a.pem", "--public-key"],
        ["pin", "m1", "--sha256", String(repeating: "ab", count: 32)],
        ["pin", "m1", "--sha256", Array(repeating: "AB", count: 32).joined(separator: ":")],
        ["unpin", "m1", "--all"], ["set-password", "m1", "--password-file", "-"], ["set-password", "m1", "--remove"],
        ["import", "a.csv", "--update", "--dry-run"], ["import", "-"],
        ["export", "--format", "jsonl", "--include-password-hashes", "-o", "x"],
    ])
    func aRightCommandLineIsTaken(arguments: [String]) throws {
        _ = try DeviceCommand.parseAsRoot(arguments + Self.gateway)
        _ = try DeviceCommand.parseAsRoot(arguments + ["--socket", "/run/s"])
        // Without saying which gateway is meant, none of them is.
        #expect(throws: (any Error).self) { _ = try DeviceCommand.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        ["lists"], ["list", "m1"], ["list", "--state", "gone"], ["list", "--limit", "0"], ["list", "--limit", "x"],
        ["list", "--seen-since", "soon"], ["list", "--seen-since", "1d", "--not-seen-since", "2d"],
        ["show"], ["show", "a/b/c"], ["show", ""], ["history"], ["history", "m1", "m2"],
        ["history", "m1", "--limit", "0"],
        ["add"], ["add", "m1", "--state", "gone"], ["add", "m1", "--profile", "A B"],
        ["add", "m1", "--attribute", "a"],
        ["add", "m1", "m2", "--cert", "a.pem"], ["add", "m1", "--public-key"], ["add", "m1", "--note", "\u{7}"],
        ["set", "m1"], ["set", "--note", "x"], ["set", "m1", "--override", "speed=1"],
        ["disable"], ["disable", "m1", "--reason", String(repeating: "x", count: 257)],
        ["disable", "m1", "--reason", "a\nb"], ["disable", "m1", "--force"], ["remove"],
        ["pin", "m1"], ["pin", "--cert", "a.pem"], ["pin", "m1", "m2", "--cert", "a.pem"],
        ["pin", "m1", "--cert", "a.pem", "--sha256", String(repeating: "ab", count: 32)],
        ["pin", "m1", "--sha256", "abcd"], ["pin", "m1", "--sha256", String(repeating: "xy", count: 32)],
        ["pin", "m1", "--sha256", String(repeating: "ab", count: 32), "--passphrase-file", "f"],
        ["unpin", "m1"], ["unpin", "m1", "--all", "--cert", "a.pem"],
        ["set-password"], ["set-password", "m1", "secret"], ["set-password", "m1", "--remove", "--password-file", "-"],
        ["import"], ["import", "a", "b"], ["export", "a"], ["export", "--format", "xml"],
    ])
    func aWrongCommandLineEndsWithStatus64(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { _ = try DeviceCommand.parseAsRoot(arguments + Self.gateway) }
        guard let error else { return }
        #expect(DeviceCommand.exitCode(for: error).rawValue == 64)
    }
}
