import Foundation
import TestKit
import Testing

/// A fleet of smart meters of `firmware-sim`, publishing until it is told to end.
struct SimulatedFleet {
    let process: RunningProcess
    private let reportPath: String

    /// What the simulator reported, as far as the tests look at it.
    struct Report: Decodable {
        struct Handshakes: Decodable { let connects: Int }
        struct Publishing: Decodable {
            let published: Int
            let acknowledged: Int
            let lost: Int
        }
        struct Failure: Decodable {
            let reason: String
            let count: Int
        }

        let handshakes: Handshakes
        let publishing: Publishing
        let failures: [Failure]

        var connects: Int { self.handshakes.connects }
    }

    init(_ gate: FleetGateProcess, devices: Int, extra: [String] = []) throws {
        self.reportPath = gate.directory.path + "/report.json"
        self.process = try RunningProcess(
            Program.ours("firmware-sim"),
            [
                "run", "--target", "127.0.0.1:\(gate.port)", "--ca", gate.caPath, "--issuer", gate.caPath,
                "--issuer-key", gate.directory.path + "/gate/ca/ca.key", "--devices", "\(devices)", "--subject",
                "O=Elbe Netz,OU=hamburg-nord,CN=meter-{n}", "--topic", "meters/{OU}/{device}/telemetry", "--qos", "1",
                "--period", "500ms", "--duration", "10m", "--quiet", "--json", self.reportPath, "--loops", "1",
            ] + extra
        )
    }

    /// Has it end, and returns its report.
    func ends() async throws -> Report {
        let outcome = try await self.process.stop()
        #expect(outcome.status == 0, "\(outcome.everything)")
        return try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: self.reportPath)))
    }
}
