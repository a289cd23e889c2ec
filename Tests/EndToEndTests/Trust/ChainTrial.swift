import FleetPKI
import Foundation
import TestKit
import Testing

/// Presents chains to one gateway, one after the other, and holds it to what has to come of each: what OpenSSL's client
/// sees, what the log says, and in the end what the metrics count and the journal tells.
struct ChainTrial {
    /// What a device was refused for.
    struct Refusal {
        /// As counted and written down.
        let reason: String
        /// What OpenSSL calls the alert.
        let alert: String
        /// Part of the hint in the journal.
        let hint: String

        init(_ reason: String, alert: String, hint: String) {
            (self.reason, self.alert, self.hint) = (reason, alert, hint)
        }
    }

    /// A row that the journal must have.
    private struct Row {
        let name: String
        let refusal: Refusal
        let address: String
        let serialNumber: String
        let times: Int
        let isPolicys: Bool
        let entry: [String: String]
        let location: SourceLocation
    }

    static let versions = ["-tls1_2", "-tls1_3"]

    let gate: FleetGateProcess
    private var rows: [Row] = []
    private var admitted = 0
    private var refused: [String: Int] = [:]
    /// Of the last device. Each comes from its own: the journal bounds what one address can write.
    private var host = 1

    init(_ gate: FleetGateProcess) { self.gate = gate }

    private mutating func connection(
        _ chain: ChainFiles, _ port: Int?, _ version: String
    ) throws -> DeviceConnection {
        let arguments = chain.arguments + [version, "-bind", "127.0.0.\(self.host):0"]
        return try DeviceConnection(to: self.gate, port: port, as: chain, arguments: arguments)
    }

    /// A device that has to get in, with every version of TLS.
    mutating func admits(
        _ name: String, _ chain: ChainFiles, port: Int? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        self.host += 1
        for version in Self.versions {
            let device = try self.connection(chain, port, version)
            do {
                let connack = try await device.connect(MQTTBytes.connect(.v3_1_1))
                #expect(connack == [0x20, 2, 0, 0], "\(name), \(version)", sourceLocation: location)
                try device.send(MQTTBytes.disconnect)
                try await device.ended()
                self.admitted += 1
            } catch {
                Issue.record("\(name), \(version): \(error)\n\(self.lastLine)", sourceLocation: location)
            }
        }
    }

    private var lastLine: String { self.gate.process.lines.last ?? "" }

    /// A device that must not get in.
    mutating func refuses(
        _ name: String, _ chain: ChainFiles, port: Int? = nil, with versions: [String] = Self.versions,
        _ refusal: Refusal, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        self.host += 1
        var entry: [String: String] = [:]
        for version in versions {
            let start = self.gate.process.lines.count
            let outcome = try await self.connection(chain, port, version).ended()
            #expect(outcome.standardOutput.isEmpty, "\(name), \(version)", sourceLocation: location)
            #expect(
                outcome.standardError.contains("alert \(refusal.alert)"),
                "\(name), \(version): \(outcome.standardError)",
                sourceLocation: location)
            entry = try await self.gate.logEntry(nil, ["serial": chain.serialNumber], from: start)
            #expect(entry["reason"] == refusal.reason, "\(name), \(version): \(entry)", sourceLocation: location)
            #expect(entry["subject"]?.contains("CN=") == true, "\(name), \(version)", sourceLocation: location)
            #expect(
                entry["client"]?.contains("127.0.0.\(self.host)") == true, "\(name), \(version)",
                sourceLocation: location)
            self.refused[refusal.reason, default: 0] += 1
        }
        self.rows.append(
            Row(
                name: name, refusal: refusal, address: "127.0.0.\(self.host)", serialNumber: chain.serialNumber,
                times: versions.count, isPolicys: entry["message"] == "certificate refused by the profiles",
                entry: entry, location: location))
    }

    /// Nobody got in who must not, and everything is in the journal.
    func ends() async throws {
        let metrics = try await self.gate.metrics()
        #expect(metrics.sum("fleetgate_handshakes_total", ["outcome": "accepted"]) == self.admitted)
        for (reason, count) in self.refused { #expect(metrics.refusedHandshakes(reason) == count, "\(reason)") }
        #expect(
            metrics.sum("fleetgate_handshakes_total", ["outcome": "refused"]) == self.refused.values.reduce(0, +))
        let journal = try await self.journal(of: self.refused.values.reduce(0, +))
        for row in self.rows {
            let ours = journal.filter { $0.certificate?.serial == row.serialNumber && $0.address == row.address }
            guard let found = ours.first, ours.count == 1 else {
                Issue.record("\(row.name): \(ours.count) entries of the journal", sourceLocation: row.location)
                continue
            }
            func expect(_ isTrue: Bool, _ what: String) {
                #expect(isTrue, "\(row.name): \(what) in \(found)", sourceLocation: row.location)
            }
            expect(found.reason == row.refusal.reason, "the reason")
            expect(found.count == row.times, "the count")
            expect(found.hint.contains(row.refusal.hint) && !found.hint.isEmpty, "the hint")
            expect(found.certificate?.subject == row.entry["subject"], "the subject")
            expect(found.certificate?.issuer == row.entry["issuer"], "the issuer")
            expect(found.certificate?.sha256 == row.entry["fingerprint"], "the fingerprint")
            // What policy denies has no alert of its own: the reason is what counts.
            let alert = "sent " + row.refusal.alert.replacingOccurrences(of: " ", with: "_")
            expect(row.isPolicys ? found.alert.isEmpty : found.alert == alert, "the alert")
        }
    }

    /// The journal, as soon as it tells of so many connections: it is written once a second.
    func journal(of wanted: Int) async throws -> [JournalEntry] {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let text = try await self.gate.run("journal", "--json", "--limit", "1000").standardOutput
            let entries = try JSONDecoder().decode([JournalEntry].self, from: Data(text.utf8))
            if entries.map(\.count).reduce(0, +) >= wanted || ContinuousClock.now > deadline { return entries }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// An entry of `fleetgate journal --json`, as far as tests look at it.
struct JournalEntry: Decodable {
    struct Certificate: Decodable {
        let sha256: String
        let subject: String
        let issuer: String
        let serial: String
    }

    let address: String
    let reason: String
    let count: Int
    let hint: String
    let detail: String
    let alert: String
    let certificate: Certificate?
}
