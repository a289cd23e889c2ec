import FleetPKI
import Foundation
import TestKit
import Testing

/// The audit log of a running gateway: what is in it, what is not, and what becomes of devices while it cannot be
/// written.
@Suite("Audit log", .serialized)
struct AuditTests {
    private static let file = "audit-0000000001.jsonl"

    /// One session of a device, from CONNECT to DISCONNECT.
    private static func session(_ gate: FleetGateProcess, _ credentials: DeviceCredentials) async throws {
        let device = try DeviceConnection(to: gate, as: credentials)
        #expect(try await device.connect(MQTTBytes.connect(.v5))[3] == 0)
        try device.send(MQTTBytes.disconnect)
        try await device.ended()
    }

    private static func lines(_ gate: FleetGateProcess, _ arguments: [String]) async throws -> [[String: String]] {
        let outcome = try await Program.run(
            Program.ours("fleetgate"), ["audit", "search", "--json", gate.path("audit")] + arguments)
        #expect(outcome.status == 0, "\(outcome.everything)")
        return try outcome.standardOutput.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            return object.mapValues { "\($0)" }
        }
    }

    /// What `audit verify` says of a folder, and its exit status.
    private static func verification(_ folder: String) async throws -> RunningProcess.Outcome {
        try await Program.run(Program.ours("fleetgate"), ["audit", "verify", folder])
    }

    @Test("Sessions, refusals and operators' changes are in it; verify finds whatever is changed later")
    func whatIsInIt() async throws {
        let gate = try await FleetGateProcess.start()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        try await Self.session(gate, meter)
        let stranger = try gate.credentials([("O", "Somebody"), ("CN", "thing")])
        try await DeviceConnection(to: gate, as: stranger).ended()
        let stays = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("5")))
        #expect(try await stays.connect(MQTTBytes.connect(.v5))[3] == 0)
        try await gate.run("sessions", "end", "--device", "hamburg-nord/meter-5", "--reason", "moved")
        try await stays.ended()
        try await gate.run("device", "disable", "hamburg-nord/meter-4711", "--reason", "reported stolen")
        try await gate.run("revoke", "--cert", meter.certificatePath, "--reason", "key-compromise")
        try await DeviceConnection(to: gate, as: meter).ended()
        try await gate.run("revoke", "--undo", "--cert", meter.certificatePath)
        try await gate.run("reload")
        try await gate.process.stop()

        let found = try await Self.lines(gate, ["--device", "meter-4711"])
        #expect(found.contains { $0["kind"] == "decision" && $0["outcome"] == "established" })
        #expect(found.contains { $0["kind"] == "session-ended" && $0["reason"] == "device-disconnected" })
        #expect(found.allSatisfy { $0["certificate"] == nil || $0["certificate"] == meter.issued.sha256Fingerprint })
        let decisions = try await Self.lines(gate, ["--certificate", meter.issued.sha256Fingerprint])
        #expect(
            decisions.filter { $0["kind"] == "decision" }.map { $0["reason"] ?? $0["profile"] ?? "" }
                == ["smart-meter", "certificate-revoked"])
        let strangers = try await Self.lines(gate, ["--certificate", stranger.issued.sha256Fingerprint])
        #expect(strangers.map { $0["reason"] } == ["no-matching-profile"])
        let actions = try await Self.lines(gate, ["--kind", "administration"]).map { line in
            #expect(line["actor"]?.isEmpty == false && line["outcome"] == "done", "\(line)")
            return line["action"] ?? ""
        }
        #expect(
            actions
                == ["ticket-keys-change", "sessions-end", "device-set-state", "revoke", "revoke-undo", "reload"])

        try await Self.findsChanges(gate)
    }

    /// Copies of the log with one change each.
    private static func findsChanges(_ gate: FleetGateProcess) async throws {
        let folder = gate.path("audit")
        let intact = try await Self.verification(folder)
        #expect(intact.status == 0 && intact.everything.contains("intact"), "\(intact.everything)")
        let text = try String(contentsOfFile: folder + "/" + Self.file, encoding: .utf8)
        let lines = text.split(separator: "\n").map(String.init)
        let number = try #require(lines.firstIndex { $0.contains("\"established\"") })
        let changes: [(name: String, line: Int, code: String, change: (inout [String]) -> Void)] = [
            (
                "one character", number + 1, "changed-line",
                { $0[number].replace("meter-4711", with: "meter-4712", maxReplacements: 1) }
            ),
            ("one line less", number + 1, "removed-lines", { $0.remove(at: number) }),
            ("two lines swapped", number + 2, "reordered-line", { $0.swapAt(number, number + 1) }),
        ]
        for (name, line, code, change) in changes {
            var changed = lines
            change(&changed)
            let copy = try ScratchDirectory()
            try FileManager.default.copyItem(atPath: folder, toPath: copy.path + "/audit")
            #expect(try await Self.verification(copy.path + "/audit").status == 0, "the copy as it is")
            try copy.write("audit/" + Self.file, changed.joined(separator: "\n") + "\n")
            let outcome = try await Self.verification(copy.path + "/audit")
            #expect(outcome.status == 1, "\(name)")
            #expect(outcome.everything.contains("\(Self.file):\(line): \(code)"), "\(name):\n\(outcome.everything)")
            #expect(outcome.everything.contains("NOT INTACT"), "\(name)")
        }
    }

    @Test("Nothing secret is in it, nor in the gateway's log")
    func nothingSecret() async throws {
        let first = try await FleetGateProcess.start(files: ["server.pass": "correct-horse-battery\n"])
        let encrypted = try await Program.run(
            Program.installed("openssl") ?? "/usr/bin/openssl",
            [
                "pkcs8", "-topk8", "-in", first.path("server.key"), "-out", first.path("server.enc"), "-passout",
                "file:" + first.path("server.pass"),
            ])
        #expect(encrypted.status == 0, "\(encrypted.everything)")
        let configuration = try String(contentsOfFile: first.configurationPath, encoding: .utf8)
        try first.directory.write(
            "gate/fleetgate.yaml",
            configuration.replacing(
                "  key: server.key\n", with: "  key: server.enc\n  key-passphrase-file: server.pass\n"))
        let gate = try await first.restarted()
        let meter = try gate.credentials(DeviceName.meter("4711"))
        let device = try DeviceConnection(to: gate, as: meter)
        try await device.connect(MQTTBytes.connect(.v5, userName: "admin", password: "pony-in-connect"))
        try device.send(
            MQTTBytes.publish(
                .v5, topic: "meters/hamburg-nord/meter-4711/telemetry", payload: "payload-of-a-meter", qos: 1))
        #expect(try await device.packet().starts(with: [0x40]))
        try device.send(MQTTBytes.disconnect)
        try await device.ended()
        try await gate.run("device", "add", "hamburg-nord/meter-4711")
        let password = try gate.directory.write("password", "pony-of-the-registry\n")
        try await gate.run("device", "set-password", "hamburg-nord/meter-4711", "--password-file", password)
        try await gate.run("tickets", "rotate", "--revoke-all")
        try await gate.run("reload")
        try await gate.process.stop()

        var secrets = [
            "correct-horse-battery", "pony-in-connect", "pony-of-the-registry", "payload-of-a-meter", "PRIVATE KEY",
        ]
        for path in [
            gate.path("server.key"), gate.path("ca/ca.key"), gate.path("audit/signing-key.pem"), meter.keyPath,
        ] {
            let key = try String(contentsOfFile: path, encoding: .utf8)
            secrets += key.split(separator: "\n").filter { !$0.hasPrefix("-") && $0.count > 30 }.map(String.init)
        }
        let tickets = try String(contentsOfFile: gate.path("tickets.keys"), encoding: .utf8)
        let ticketSecrets = tickets.matches(of: #/"secret"\s*:\s*"([0-9a-f]{64})"/#).map { String($0.1) }
        #expect(ticketSecrets.count >= 2)
        secrets += ticketSecrets
        #expect(secrets.count > 10)
        let log = try String(contentsOfFile: gate.path("audit/" + Self.file), encoding: .utf8)
        #expect(log.contains("meter-4711") && log.contains("password set"), "what may be there is")
        for secret in secrets {
            #expect(!log.contains(secret), "\(secret) in the audit log")
            #expect(!gate.process.everything.contains(secret), "\(secret) in the gateway's log")
        }
    }

    // MARK: A full disk

    /// A gateway that writes its audit log on the disk.
    private static func start(on disk: TinyDisk, whenFull: String) async throws -> FleetGateProcess {
        try await FleetGateProcess.start(
            changing: [
                ConfigurationChange("  folder: audit\n", "  folder: \(disk.path)/audit\n"),
                ConfigurationChange("when-full: continue ", "when-full: \(whenFull) "),
            ])
    }

    /// Fills the disk, and has devices come until the log says that it cannot be written: there may be room for some
    /// lines in the page that the file ends in.
    private static func fill(
        _ disk: TinyDisk, _ gate: FleetGateProcess, _ meter: DeviceCredentials
    ) async throws {
        try disk.fill()
        let alarm = Task { try await gate.logEntry("the audit log cannot be written") }
        let deadline = ContinuousClock.now + RunningProcess.patience
        while try await gate.metrics().sum("fleetgate_audit_failing") == 0 {
            try #require(ContinuousClock.now < deadline, "the disk is not full")
            _ = try await Self.comes(gate, meter)
        }
        let entry = try await alarm.value
        #expect(entry["code"] == "audit-disk-full", "\(entry)")
    }

    /// Whether a device gets a session.
    private static func comes(_ gate: FleetGateProcess, _ meter: DeviceCredentials) async throws -> Bool {
        let device = try DeviceConnection(to: gate, as: meter)
        try? device.send(MQTTBytes.connect(.v5))
        try? device.send(MQTTBytes.disconnect)
        let outcome = try await device.ended()
        return !outcome.standardOutput.isEmpty
    }

    @Test(
        "refuse: no new sessions while the disk is full, those there are stay, and room lets devices in again",
        .enabled(if: TinyDisk.isPossible, "a file system cannot be mounted here: that takes root"))
    func refuse() async throws {
        let disk = try TinyDisk()
        let gate = try await Self.start(on: disk, whenFull: "refuse")
        let meter = try gate.credentials(DeviceName.meter("1"))
        #expect(try await Self.comes(gate, meter))
        let stays = try DeviceConnection(to: gate, as: gate.credentials(DeviceName.meter("2")))
        #expect(try await stays.connect(MQTTBytes.connect(.v5))[3] == 0)
        try await Self.fill(disk, gate, meter)

        #expect(try await !Self.comes(gate, meter))
        let readiness = try await gate.readiness()
        #expect(readiness.hasPrefix("HTTP/1.1 503") && readiness.contains("audit log"), "\(readiness)")
        #expect(
            try await gate.metrics().sum("fleetgate_connections_refused_total", ["reason": "audit-unavailable"]) > 0)
        try stays.send(MQTTBytes.pingRequest)
        #expect(try await stays.packet() == [0xD0, 0])

        try disk.makeRoom()
        try await gate.logEntry("the audit log is written again")
        try await gate.until { $0.sum("fleetgate_audit_failing") == 0 }
        #expect(try await Self.comes(gate, meter))
        try await gate.process.stop()
        let verified = try await Self.verification(disk.path + "/audit")
        #expect(verified.status == 0, "\(verified.everything)")
        let log = try String(contentsOfFile: disk.path + "/audit/" + Self.file, encoding: .utf8)
        #expect(log.contains("\"audit-unavailable\""), "the refusals are written down later")
    }

    @Test(
        "continue: devices are let in, nothing that waited is lost when there is room, and what cannot wait is counted",
        .enabled(if: TinyDisk.isPossible, "a file system cannot be mounted here: that takes root"))
    func goesOn() async throws {
        let disk = try TinyDisk()
        let gate = try await Self.start(on: disk, whenFull: "continue")
        let meter = try gate.credentials(DeviceName.meter("1"))
        try await Self.fill(disk, gate, meter)
        let late = try gate.credentials(DeviceName.meter("777"))
        #expect(try await Self.comes(gate, late))
        #expect(try await gate.metrics().sum("fleetgate_audit_lost_total") == 0, "it waits")

        try disk.makeRoom()
        try await gate.logEntry("the audit log is written again")
        let found = try await Program.run(
            Program.ours("fleetgate"), ["audit", "search", "--json", "--device", "meter-777", disk.path + "/audit"])
        #expect(found.standardOutput.contains("\"established\""), "\(found.everything)")

        // It stays full until the gateway ends: what waited is lost, and said to be.
        let start = gate.process.lines.count
        try disk.fill()
        while try await gate.metrics().sum("fleetgate_audit_failing") == 0 {
            #expect(try await Self.comes(gate, meter))
        }
        #expect(try await gate.process.stop().status == 0)
        let lost = try await gate.logEntry("the audit log could not be ended; entries are lost", from: start)
        #expect(Int(lost["count"] ?? "") ?? 0 > 0, "\(lost)")
        try disk.makeRoom()
        let verified = try await Self.verification(disk.path + "/audit")
        #expect(verified.status == 0, "\(verified.everything)")
    }
}
