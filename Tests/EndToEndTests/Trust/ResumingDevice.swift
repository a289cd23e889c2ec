import FleetPKI
import Foundation
import TestKit
import Testing

/// A device that keeps its TLS session in a file, as firmware keeps it over a sleep: OpenSSL's own client.
struct ResumingDevice {
    /// Versions of TLS, as `openssl s_client` calls them.
    static func versions() async throws -> [String] {
        let version = try await Program.run(Program.ours("fleetgate"), ["version", "--json"])
        if version.standardOutput.contains("\"tls-1.3\" : true") { return ["-tls1_2", "-tls1_3"] }
        print("skipped: resumption in TLS 1.3, because this mbedTLS does not offer it")
        return ["-tls1_2"]
    }

    let tls: String
    let credentials: DeviceCredentials
    /// Where its session is kept.
    let sessionPath: String
    private let directory: ScratchDirectory

    init(_ credentials: DeviceCredentials, tls: String) throws {
        self.tls = tls
        self.credentials = credentials
        self.directory = try ScratchDirectory()
        self.sessionPath = self.directory.path + "/session.pem"
    }

    /// A connection with what shows whether it was resumed: the handshake's messages.
    struct Visit {
        let device: DeviceConnection
        let messagesPath: String

        private var messages: String { (try? String(contentsOfFile: self.messagesPath, encoding: .utf8)) ?? "" }

        /// Whether the device had to sign: in a resumed session it does not.
        var isFull: Bool {
            self.messages.split(separator: "\n").contains {
                $0.hasPrefix(">>>") && $0.contains("Handshake") && $0.contains("CertificateVerify")
            }
        }

        /// Whether the gateway gave it a ticket.
        var hasTicket: Bool {
            self.messages.split(separator: "\n").contains {
                $0.hasPrefix("<<<") && $0.contains("Handshake") && $0.contains("NewSessionTicket")
            }
        }

        /// Ends it as a device does.
        func leaves() async throws {
            try self.device.send(MQTTBytes.disconnect)
            try await self.device.ended()
        }
    }

    /// Whether there is a session to be offered.
    var hasSession: Bool { FileManager.default.fileExists(atPath: self.sessionPath) }

    /// Connects with TLS, and offers its session if it has one.
    ///
    /// - Parameter port: Another port than the gateway's first.
    func visits(_ gate: FleetGateProcess, port: Int? = nil) throws -> Visit {
        let messages = self.directory.path + "/" + UUID().uuidString
        var arguments = [self.tls, "-sess_out", self.sessionPath, "-msg", "-msgfile", messages]
        if self.hasSession { arguments += ["-sess_in", self.sessionPath] }
        if let port { arguments += ["-connect", "127.0.0.1:\(port)"] }
        return Visit(
            device: try DeviceConnection(to: gate, as: self.credentials, arguments: arguments), messagesPath: messages)
    }

    /// Connects with TLS and MQTT 5, and expects to be let in. The connection is open.
    func comes(
        _ gate: FleetGateProcess, port: Int? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws -> Visit {
        let visit = try self.visits(gate, port: port)
        let connack = try await visit.device.connect(MQTTBytes.connect(.v5))
        #expect(connack.starts(with: [0x20]) && connack[3] == 0, "\(connack)", sourceLocation: location)
        return visit
    }

    /// Comes and goes: whether it had to make a full handshake.
    func isFull(
        _ gate: FleetGateProcess, port: Int? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws -> Bool {
        let visit = try await self.comes(gate, port: port, location)
        try await visit.leaves()
        return visit.isFull
    }

    /// Comes with a full handshake and is given a session, which is tried out: whatever is refused later was good.
    func settles(
        _ gate: FleetGateProcess, port: Int? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await self.isFull(gate, port: port, location), "the first handshake", sourceLocation: location)
        #expect(try await !self.isFull(gate, port: port, location), "the second one", sourceLocation: location)
    }

    /// Offers its session, and is not let in by the full handshake that follows either: what OpenSSL says.
    func isRefused(
        _ gate: FleetGateProcess, _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        #expect(self.hasSession, sourceLocation: location)
        let outcome = try await self.visits(gate).device.ended()
        #expect(outcome.standardOutput.isEmpty, sourceLocation: location)
        return outcome.standardError
    }
}

extension GatewayMetricValues {
    /// Sessions that were resumed.
    var resumed: Int { self.sum("fleetgate_resumptions_total", ["outcome": "accepted"]) }

    /// Sessions that were offered and not resumed, for this reason.
    func notResumed(_ reason: String) -> Int {
        self.sum("fleetgate_resumptions_total", ["outcome": "refused", "reason": reason])
    }
}
