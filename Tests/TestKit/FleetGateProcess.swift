public import FleetPKI
internal import Foundation

/// A whole gateway of one test's own: made with `fleetgate init` in a scratch directory, served on ports of its own, and
/// stopped when the test lets go of it.
public final class FleetGateProcess: Sendable {
    public let directory: ScratchDirectory
    public let port: Int
    public let adminPort: Int
    /// The development CA that `init` made.
    public let authority: CertificateAuthority
    public let process: RunningProcess

    public var configurationPath: String { self.directory.path + "/gate/fleetgate.yaml" }
    public var caPath: String { self.directory.path + "/gate/ca/ca.pem" }
    /// Where the embedded broker listens.
    public var brokerSocketPath: String { self.directory.path + "/gate/broker/broker.sock" }

    private init(
        directory: ScratchDirectory, port: Int, adminPort: Int, authority: CertificateAuthority,
        process: RunningProcess
    ) {
        self.directory = directory
        self.port = port
        self.adminPort = adminPort
        self.authority = authority
        self.process = process
    }

    /// Makes a gateway and waits until it is ready for devices.
    ///
    /// - Parameters:
    ///   - changes: To the configuration that `init` writes.
    ///   - files: Further files, named from the gateway's folder: profiles, certificates.
    ///   - isReadyWithoutBroker: Wait for the listener alone, because there is no broker.
    public static func start(
        changing changes: [ConfigurationChange] = [], files: [String: String] = [:], isReadyWithoutBroker: Bool = false
    ) async throws -> FleetGateProcess {
        let directory = try ScratchDirectory()
        let gate = directory.path + "/gate"
        let program = Program.ours("fleetgate")
        let made = try await Program.run(program, ["init", gate])
        guard made.status == 0 else { throw Failure(description: "init failed:\n\(made.everything)") }
        let (port, adminPort) = (try unusedPort(), try unusedPort())
        let configuration = try String(contentsOfFile: gate + "/fleetgate.yaml", encoding: .utf8)
        let ours = [
            ConfigurationChange("address: \"0.0.0.0\"", "address: \"127.0.0.1\""),
            ConfigurationChange("port: 8883", "port: \(port)"),
            ConfigurationChange("127.0.0.1:9464", "127.0.0.1:\(adminPort)"),
            ConfigurationChange("# event-loops: 4", "event-loops: 2"),
        ]
        try directory.write(
            "gate/fleetgate.yaml",
            (ours + changes).reduce(configuration) { $0.replacingOccurrences(of: $1.original, with: $1.replacement) }
        )
        for (name, contents) in files { try directory.write("gate/" + name, contents) }
        let result = FleetGateProcess(
            directory: directory, port: port, adminPort: adminPort,
            authority: try CertificateAuthority(
                certificatePEM: String(contentsOfFile: gate + "/ca/ca.pem", encoding: .utf8),
                privateKeyPEM: String(contentsOfFile: gate + "/ca/ca.key", encoding: .utf8)
            ),
            process: try RunningProcess(program, ["serve", "--config", gate + "/fleetgate.yaml"])
        )
        try await result.begins(isReadyWithoutBroker: isReadyWithoutBroker)
        return result
    }

    /// Ends it in good order and starts it again, in its folder and on its ports.
    public func restarted() async throws -> FleetGateProcess {
        try await self.process.stop()
        let next = FleetGateProcess(
            directory: self.directory, port: self.port, adminPort: self.adminPort, authority: self.authority,
            process: try RunningProcess(Program.ours("fleetgate"), ["serve", "--config", self.configurationPath])
        )
        try await next.begins(isReadyWithoutBroker: false)
        return next
    }

    private func begins(isReadyWithoutBroker: Bool) async throws {
        try await self.process.waits(for: "\"listening for devices\"")
        try await self.process.waits(for: "\"listening for monitoring\"")
        if !isReadyWithoutBroker { try await self.becomesReady() }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Waits until `/readyz` says so: most often at once, as the log line is the event.
    private func becomesReady() async throws {
        let deadline = ContinuousClock.now + RunningProcess.patience
        while true {
            let answer = try await self.readiness()
            if answer.hasPrefix("HTTP/1.1 200") { return }
            guard ContinuousClock.now < deadline, self.process.isRunning else {
                throw Failure(description: "not ready: \(answer)\n\(self.process.everything)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: Devices

    /// A certificate from the development CA, for a device of the shipped profiles or any other.
    public func credentials(_ subject: [(String, String)]) throws -> DeviceCredentials {
        try self.credentials(CertificateTemplate(subject: subject))
    }

    public func credentials(_ template: CertificateTemplate) throws -> DeviceCredentials {
        try DeviceCredentials(self.authority.issue(template), in: self.directory)
    }

    /// The options of `mosquitto_pub` and `mosquitto_sub` with which a device connects.
    public func mosquittoOptions(_ credentials: DeviceCredentials, _ version: MQTTBytes.Version) -> [String] {
        [
            "-h", "127.0.0.1", "-p", "\(self.port)", "-V", version.mosquittoName, "--cafile", self.caPath, "--cert",
            credentials.certificatePath, "--key", credentials.keyPath,
        ]
    }

    /// A certificate that no CA issued, made by OpenSSL.
    ///
    /// - Parameter subject: In the form `CN=meter-1`.
    public func selfSigned(_ subject: String) async throws -> SelfSignedCredentials {
        let name = self.directory.path + "/" + UUID().uuidString
        let outcome = try await Program.run(
            Program.installed("openssl") ?? "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj",
                "/" + subject, "-keyout", name + ".key", "-out", name + ".pem",
            ])
        guard outcome.status == 0 else { throw Failure(description: outcome.everything) }
        return SelfSignedCredentials(certificatePath: name + ".pem", keyPath: name + ".key")
    }

    // MARK: Tools

    /// The path of a file in the gateway's folder.
    public func path(_ name: String) -> String { self.directory.path + "/gate/" + name }

    /// Runs one of our commands for this gateway's configuration, and expects that it succeeds.
    @discardableResult
    public func run(_ arguments: String...) async throws -> RunningProcess.Outcome {
        let outcome = try await self.outcome(of: arguments)
        guard outcome.status == 0 else {
            throw Failure(description: "\(arguments) ended with \(outcome.status):\n\(outcome.everything)")
        }
        return outcome
    }

    /// Runs one of our commands and expects that it fails with exit status 1; what it printed.
    public func runFailing(_ arguments: String...) async throws -> String {
        let outcome = try await self.outcome(of: arguments)
        guard outcome.status == 1 else {
            throw Failure(description: "\(arguments) ended with \(outcome.status):\n\(outcome.everything)")
        }
        return outcome.everything
    }

    private func outcome(of arguments: [String]) async throws -> RunningProcess.Outcome {
        try await Program.run(
            Program.ours("fleetgate"), arguments + ["--config", self.configurationPath])
    }

    // MARK: Monitoring

    /// What the gateway counts, by name with labels, as in the exposition.
    public func metrics() async throws -> GatewayMetricValues {
        GatewayMetricValues(exposition: try await self.get("/metrics"))
    }

    /// The answer of `/readyz`, with its head.
    public func readiness() async throws -> String { try await self.get("/readyz") }

    private func get(_ path: String) async throws -> String {
        let socket = try LocalSocket(port: self.adminPort)
        try socket.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return String(decoding: try await socket.bytesUntilClosed(), as: UTF8.self)
    }

    /// Waits for a log entry with this message and these fields, and returns all its fields.
    ///
    /// - Parameters:
    ///   - message: Nil: any.
    ///   - start: Lines of the log before this one do not count.
    ///   - count: Waits for so many of them, and returns the last.
    @discardableResult
    public func logEntry(
        _ message: String?, _ fields: [String: String] = [:], from start: Int = 0, count: Int = 1
    ) async throws -> [String: String] {
        var missing = count
        let isOurs = { (text: String?) in message.map { text?.contains($0) == true } ?? true }
        let line = try await self.process.line("«\(message ?? "anything")» with \(fields)", from: start) { line in
            guard isOurs(line) else { return false }
            let entry = LogEntry.fields(of: line)
            if isOurs(entry["message"]), fields.allSatisfy({ entry[$0] == $1 }) { missing -= 1 }
            return missing == 0
        }
        return LogEntry.fields(of: line)
    }

    /// The embedded broker's process id: of the one started last.
    public func brokerProcessID(from start: Int = 0) async throws -> Int32 {
        let entry = try await self.logEntry("the embedded broker is starting", from: start)
        guard let processID = entry["pid"].flatMap({ Int32($0) }) else {
            throw Failure(description: "no process id in \(entry)")
        }
        return processID
    }

    /// The gateway's memory (VmRSS), in KiB.
    public func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(self.process.processID)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let size = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(description: "no VmRSS in \(status)")
        }
        return size
    }

    // MARK: Life

    /// Has the gateway read its configuration again and waits for its verdict in the log.
    public func reload(expecting message: String = "reloaded") async throws {
        let start = self.process.lines.count
        self.process.signal(SIGHUP)
        try await self.process.line("«\(message)»", from: start) { LogEntry.fields(of: $0)["message"] == message }
    }
}

/// One line of the gateway's log in its JSON form.
enum LogEntry {
    static func fields(of line: String) -> [String: String] {
        let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
        return object as? [String: String] ?? [:]
    }
}

/// What the gateway counts, at one moment.
public struct GatewayMetricValues: Sendable {
    /// Name with its labels in the order of the exposition, to value.
    public let values: [String: Double]

    init(exposition: String) {
        var values: [String: Double] = [:]
        for line in exposition.split(whereSeparator: \.isNewline) where line.hasPrefix("fleetgate_") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                continue
            }
            values[String(line[..<space])] = value
        }
        self.values = values
    }

    /// The sum over every series of this name whose labels include these.
    public func sum(_ name: String, _ labels: [String: String] = [:]) -> Int {
        Int(
            self.values.filter { key, _ in
                (key == name || key.hasPrefix(name + "{"))
                    && labels.allSatisfy { key.contains("\($0)=\"\($1)\"") }
            }.values.reduce(0, +)
        )
    }

    /// Handshakes that were refused for this reason.
    public func refusedHandshakes(_ reason: String) -> Int {
        self.sum("fleetgate_handshakes_total", ["outcome": "refused", "reason": reason])
    }

    /// Connections that ended after their handshake for this reason.
    public func endedSessions(_ reason: String) -> Int {
        self.sum("fleetgate_sessions_ended_total", ["reason": reason])
    }
}

/// A replacement in the configuration that `init` writes.
public struct ConfigurationChange: Sendable {
    let original: String
    let replacement: String

    public init(_ original: String, _ replacement: String) {
        self.original = original
        self.replacement = replacement
    }

    /// Another broker instead of the embedded one; further lines belong to the section `upstream`.
    public static func upstream(_ url: String, _ lines: [String] = []) -> Self {
        Self(
            """
              url: embedded
              embedded:
                mosquitto: /usr/sbin/mosquitto
                data: broker
            """, (["url: \(url)"] + lines).map { "  " + $0 }.joined(separator: "\n")
        )
    }
}
