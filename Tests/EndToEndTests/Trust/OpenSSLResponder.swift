import FleetPKI
import Foundation
import TestKit

/// `openssl ocsp` as the responder of a gateway's development CA. It signs with the CA's own key.
final class OpenSSLResponder: Sendable {
    /// What the responder says of a certificate.
    enum Answer: String {
        case good = "V\t351231235959Z\t"
        case revoked = "R\t351231235959Z\t200102030405Z,superseded"
    }

    let port: Int
    private let process: RunningProcess

    /// Starts it and waits until it listens.
    ///
    /// - Parameter certificates: Those it knows, and what it says of them. Of others it says `unknown`.
    init(
        port: Int, for gate: FleetGateProcess, _ certificates: [(DeviceCredentials, Answer)]
    ) async throws {
        self.port = port
        // It wants a name of its own for each certificate.
        let lines = certificates.map { credentials, answer in
            "\(answer.rawValue)\t\(credentials.issued.serialNumber.uppercased())\tunknown\t/CN=\(credentials.issued.serialNumber)\n"
        }
        let index = try gate.directory.write("\(UUID().uuidString).txt", lines.joined())
        self.process = try RunningProcess(
            Program.installed("openssl") ?? "/usr/bin/openssl",
            [
                "ocsp", "-index", index, "-port", "\(port)", "-CA", gate.caPath, "-rsigner", gate.caPath, "-rkey",
                gate.path("ca/ca.key"), "-nmin", "10",
            ])
        try await self.process.waits(for: "waiting for OCSP client connections")
    }

    /// With SIGKILL: it waits for connections in a way that SIGTERM does not end.
    func stop() async throws {
        self.process.signal(SIGKILL)
        try await self.process.finished()
    }
}
