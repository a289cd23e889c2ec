import Foundation
import TestKit

/// A mosquitto as its operator would set it up: a TLS listener that asks for client certificates, trusts the simulator's
/// root, and reads its revocation list. It knows nothing of the simulator.
struct PlainMosquitto {
    let broker: MosquittoBroker
    let port: Int
    let pki: SimulatorFolder

    static let isInstalled = Program.installed("mosquitto") != nil
    /// Bytes of an MQTT packet that it takes.
    static let packetBytesMax = 65_536

    /// - Parameter pki: With its server certificate and with all certificates that are to be revoked: the list is read
    ///   once.
    init(_ pki: SimulatorFolder) async throws {
        self.pki = pki
        self.port = try unusedPort()
        self.broker = try await MosquittoBroker(
            listener: """
                listener \(self.port) 127.0.0.1
                cafile \(pki.path("ca.pem"))
                certfile \(pki.path("server.pem"))
                keyfile \(pki.path("server.key"))
                crlfile \(pki.path("crl.pem"))
                require_certificate true
                use_identity_as_username true
                set_tcp_nodelay true
                max_packet_size \(Self.packetBytesMax)
                """)
    }
}

/// A PKI that `firmware-sim pki` made, and the reports of runs with it.
final class SimulatorFolder: Sendable {
    let directory: ScratchDirectory

    /// - Parameter revoked: Fleets of devices whose certificates are made now, and revoked, as a `--fleet` option has
    ///   them.
    init(revoked: [String] = []) async throws {
        self.directory = try ScratchDirectory()
        try await self.run("pki", "init", self.directory.path + "/pki")
        try await self.run("pki", "server", self.directory.path + "/pki", "--name", "localhost")
        for fleet in revoked {
            try await self.run(
                "pki", "issue", self.directory.path + "/pki", "--kind", "revoked", "--fleet", fleet, "--quiet")
        }
    }

    /// Of a file in the PKI's folder.
    func path(_ name: String) -> String { "\(self.directory.path)/pki/\(name)" }

    private func run(_ arguments: String...) async throws {
        let outcome = try await Program.run(Program.ours("firmware-sim"), arguments)
        guard outcome.status == 0 else {
            throw Failure(description: "\(arguments) failed:\n\(outcome.everything)")
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How a scenario ended.
    struct Result {
        let status: Int32
        let report: SimulatorReport
        /// The report as a page.
        let page: String
        let everything: String
    }

    /// Runs a scenario against a server on this machine that has this PKI's certificate.
    ///
    /// - Parameter scenario: Its name, or a file.
    func run(scenario: String, port: Int, options: [String] = []) async throws -> Result {
        let report = "\(self.directory.path)/\(UUID().uuidString)"
        let process = try RunningProcess(
            Program.ours("firmware-sim"),
            [
                "scenario", "run", scenario, "--target", "127.0.0.1:\(port)", "--server-name", "localhost", "--pki",
                self.directory.path + "/pki", "--json", report + ".json", "--html", report + ".html", "--quiet",
                "--loops", "2", "--seed", "4",
            ] + options)
        let outcome = try await Self.end(of: process)
        guard FileManager.default.fileExists(atPath: report + ".json") else {
            throw Failure(
                description: "\(scenario) ended with \(outcome.status) and no report:\n\(outcome.everything)")
        }
        return Result(
            status: outcome.status, report: try SimulatorReport.read(report + ".json"), page: report + ".html",
            everything: outcome.everything)
    }

    /// A scenario takes its time: waits longer than for other programs.
    private static func end(of process: RunningProcess) async throws -> RunningProcess.Outcome {
        for _ in 0..<3 {
            do {
                return try await process.finished()
            } catch is RunningProcess.TimedOut {
                continue
            }
        }
        return try await process.finished()
    }
}
