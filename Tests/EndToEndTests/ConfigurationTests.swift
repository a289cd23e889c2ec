import Foundation
import TestKit
import Testing

/// `check` and `serve` with configurations that have mistakes in them.
@Suite("Configuration", .serialized)
struct ConfigurationTests {
    private let directory: ScratchDirectory
    private let path: String

    init() async throws {
        self.directory = try ScratchDirectory()
        let outcome = try await Program.run(Program.ours("fleetgate"), ["init", self.directory.path + "/gate"])
        try #require(outcome.status == 0, "\(outcome.everything)")
        self.path = self.directory.path + "/gate/fleetgate.yaml"
    }

    private func fleetgate(_ arguments: String...) async throws -> RunningProcess.Outcome {
        try await Program.run(Program.ours("fleetgate"), arguments)
    }

    @Test("What init made is without a mistake, and init does not write over it")
    func fresh() async throws {
        let outcome = try await self.fleetgate("check", "--config", self.path)
        #expect(outcome.status == 0, "\(outcome.everything)")
        #expect(try await self.fleetgate("init", self.directory.path + "/gate").status != 0)
    }

    @Test("check lists every mistake at once, with file, line and key")
    func allMistakes() async throws {
        var text = try String(contentsOfFile: self.path, encoding: .utf8)
        text =
            text.replacingOccurrences(of: "port: 8883", with: "port: 99999")
            .replacingOccurrences(of: "handshake-timeout: 30s", with: "handshake-timeout: soon")
            .replacingOccurrences(of: "url: embedded", with: "url: \"mqtt://broker\"")
            + "\ncolour: green\n"
        try self.directory.write("gate/fleetgate.yaml", text)
        try self.directory.write("gate/profiles/broken.yaml", "profile: broken\nmatch: {}\n")
        let outcome = try await self.fleetgate("check", "--config", self.path)
        #expect(outcome.status == 1)
        let line = { (key: String) in
            (text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(key) } ?? -1) + 1
        }
        for (key, needle) in [
            ("listener.port", "port: 99999"), ("tls.handshake-timeout", "soon"), ("upstream.url", "mqtt://"),
            ("colour", "colour"),
        ] {
            let place = "fleetgate.yaml:\(line(needle))"
            let found = outcome.everything.split(separator: "\n").contains { $0.contains(place) && $0.contains(key) }
            #expect(found, "\(key) at \(place) in\n\(outcome.everything)")
        }
        #expect(outcome.everything.contains("profiles/broken.yaml"), "\(outcome.everything)")
        let served = try await self.fleetgate("serve", "--config", self.path)
        #expect(served.status == 1)
    }

    @Test("check lists what is wrong with every file it names")
    func mistakesInFiles() async throws {
        let text = try String(contentsOfFile: self.path, encoding: .utf8)
            .replacingOccurrences(of: "certificate: server.pem", with: "certificate: missing.pem")
            .replacingOccurrences(of: "client-ca: ca/ca.pem", with: "client-ca: ca/none.pem")
        try self.directory.write("gate/fleetgate.yaml", text)
        try self.directory.write("gate/profiles/broken.yaml", "profile: broken\nmatch: {}\n")
        try self.directory.write("gate/profiles/other.yaml", "colour: green\n")
        let outcome = try await self.fleetgate("check", "--config", self.path)
        #expect(outcome.status == 1)
        for part in ["missing.pem", "none.pem", "profiles/broken.yaml:", "profiles/other.yaml:1"] {
            #expect(outcome.everything.contains(part), "\(part) in\n\(outcome.everything)")
        }
    }

    @Test("A key that everybody can read is refused")
    func readableKey() async throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: self.directory.path + "/gate/server.key"
        )
        for command in ["check", "serve"] {
            let outcome = try await self.fleetgate(command, "--config", self.path)
            #expect(outcome.status == 1)
            #expect(outcome.everything.contains("server.key"), "\(outcome.everything)")
            #expect(outcome.everything.contains("chmod"), "\(outcome.everything)")
            #expect(!outcome.everything.contains("PRIVATE KEY"))
        }
    }

    @Test("An encrypted key takes its pass phrase from a file or a variable, and a wrong one is named")
    func encryptedKey() async throws {
        let openssl = try #require(Program.installed("openssl"))
        let gate = self.directory.path + "/gate"
        let phrase = try self.directory.write("gate/server.passphrase", "correct horse\n")
        let encrypted = try await Program.run(
            openssl,
            [
                "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", gate + "/server.key", "-out", gate + "/encrypted.key",
                "-passout", "file:\(phrase)",
            ]
        )
        #expect(encrypted.status == 0, "\(encrypted.everything)")
        let text = try String(contentsOfFile: self.path, encoding: .utf8)
            .replacingOccurrences(of: "key: server.key", with: "key: encrypted.key")
        let withFile = text.replacingOccurrences(of: "# key-passphrase-file", with: "key-passphrase-file")
        let withVariable = text.replacingOccurrences(of: "# key-passphrase-env", with: "key-passphrase-env")
        func check(_ text: String, variable: String? = nil) async throws -> RunningProcess.Outcome {
            try self.directory.write("gate/fleetgate.yaml", text)
            return try await RunningProcess(
                Program.ours("fleetgate"), ["check", "--config", self.path],
                environment: variable.map { ["FLEETGATE_KEY_PASSPHRASE": $0] } ?? [:]
            ).finished()
        }
        let good = [try await check(withFile), try await check(withVariable, variable: "correct horse")]
        for outcome in good { #expect(outcome.status == 0, "\(outcome.everything)") }
        let bad = [
            try await check(text), try await check(withVariable), try await check(withVariable, variable: "wrong pony"),
        ]
        for outcome in bad {
            #expect(outcome.status == 1)
            #expect(outcome.everything.contains("key"), "\(outcome.everything)")
            #expect(!outcome.everything.contains("pony"))
        }
    }

    @Test("Files that are not there, and files that are no configuration")
    func noConfiguration() async throws {
        #expect(try await self.fleetgate("check", "--config", self.directory.path + "/none.yaml").status == 1)
        for text in ["", "\u{0}", "[1, 2", "listener: [", "&a [*a]", String(repeating: "[", count: 5_000)] {
            try self.directory.write("gate/fleetgate.yaml", text)
            let outcome = try await self.fleetgate("check", "--config", self.path)
            #expect(outcome.status == 1, "\(outcome.everything)")
            #expect(outcome.everything.contains("fleetgate.yaml"), "\(outcome.everything)")
        }
    }
}
