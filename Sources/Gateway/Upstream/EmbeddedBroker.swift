internal import Foundation
public import Logging
internal import NIOConcurrencyHelpers
public import ServiceLifecycle

/// A private mosquitto on a unix socket in a private directory, started and supervised by the gateway.
///
/// * Private: the directory is readable by this user only, and the socket is the broker's only listener.
/// * Supervised: when it dies it is started again, after a back-off; its log lines and its death are in our log.
/// * Never orphaned: the kernel sends it SIGTERM when the gateway is gone, however the gateway went
///   (`PR_SET_PDEATHSIG`, set by util-linux's `setpriv`). The signal is tied to the *thread* that started the child, so
///   a thread is kept for as long as the child lives.
/// * Alone: a lock on the directory, inherited by the child (util-linux's `flock --no-fork`), makes a successor wait
///   until a predecessor has written its persistent state.
public final class EmbeddedBroker: Service, Sendable {
    /// Where the broker's program and data are.
    public struct Configuration: Sendable, Hashable {
        /// Path of the `mosquitto` program.
        public var programPath: String
        /// The private directory: socket, configuration, persistent sessions and retained messages.
        public var directoryPath: String
        /// The longest packet the broker accepts, in bytes; the gateway's own limit, so that neither surprises the
        /// other.
        public var packetBytesMax: Int

        public init(programPath: String, directoryPath: String, packetBytesMax: Int) {
            self.programPath = programPath
            self.directoryPath = directoryPath
            self.packetBytesMax = packetBytesMax
        }

        /// The broker's only listener.
        public var socketPath: String { self.directoryPath + "/broker.sock" }
    }

    /// The first wait before a restart; doubled for each further one, up to `backOffMax`.
    private static let backOffMin = Duration.milliseconds(200)
    private static let backOffMax = Duration.seconds(10)
    /// A child that lived this long was healthy: the next restart waits the shortest time again.
    private static let healthyAfter = Duration.seconds(30)

    /// What the control plane and the supervising thread both need to know. The lock is the control plane's alone.
    private struct Child {
        var processID: Int32?
        var isStopping = false
    }

    private let configuration: Configuration
    private let logger: Logger
    private let child = NIOLockedValueBox(Child())

    public init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// The broker's process id while it runs.
    public var processID: Int32? { self.child.withLockedValue { $0.processID } }

    /// Runs the broker until graceful shutdown, restarting it when it dies.
    ///
    /// - Throws: when the private directory cannot be made or the program cannot be started at all.
    public func run() async throws {
        try self.prepareDirectory()
        let logger = self.logger
        try await cancelWhenGracefulShutdown {
            var backOff = Self.backOffMin
            var hasStarted = false
            while !Task.isCancelled {
                let startedAt = ContinuousClock.now
                let ending: String
                do {
                    ending = try await self.runOnce()
                    hasStarted = true
                } catch  where hasStarted {
                    // It could be started before: the machine is short of something, which passes.
                    ending = "\(error)"
                }
                if Task.isCancelled { break }
                if ContinuousClock.now - startedAt >= Self.healthyAfter { backOff = Self.backOffMin }
                logger.error(
                    "the embedded broker died and is started again",
                    metadata: ["ending": "\(ending)", "after": "\(backOff)"]
                )
                try? await Task.sleep(for: backOff)
                backOff = min(backOff * 2, Self.backOffMax)
            }
        }
    }

    /// Starts the child and waits for its end; cancelled, asks it to end first.
    private func runOnce() async throws -> String {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread { [self] in
                    continuation.resume(with: Result { try self.superviseChild() })
                }
                thread.name = "embedded-broker"
                thread.start()
            }
        } onCancel: {
            // mosquitto writes its persistent state on SIGTERM and leaves.
            self.child.withLockedValue { child in
                child.isStopping = true
                if let processID = child.processID { kill(processID, SIGTERM) }
            }
        }
    }

    private func superviseChild() throws -> String {
        let process = try ChildProcess.start(
            "/usr/bin/setpriv",
            [
                "--pdeathsig", "TERM", "--",
                "/usr/bin/flock", "--no-fork", "--wait", "10", "--conflict-exit-code", "75",
                self.configuration.directoryPath + "/lock",
                self.configuration.programPath, "-c", self.configuration.directoryPath + "/mosquitto.conf",
            ])
        self.logger.info("the embedded broker is starting", metadata: ["pid": "\(process.processID)"])
        self.child.withLockedValue { child in
            child.processID = process.processID
            // A request to stop that came before this line found no process id to signal.
            if child.isStopping { kill(process.processID, SIGTERM) }
        }
        var lines = LogLines()
        while true {
            let chunk = process.output.availableData
            if chunk.isEmpty { break }
            for line in lines.split(chunk) {
                self.logger.info("broker: \(line)")
            }
        }
        // Forgotten before it is reaped: afterwards the kernel may give the number to somebody else's process.
        self.child.withLockedValue { $0.processID = nil }
        return switch process.waitUntilEnded() {
        case .exited(status: 75): "another gateway uses the directory"
        case .exited(let status): "exit status \(status)"
        case .killed(let signal): "signal \(signal)"
        }
    }

    private func prepareDirectory() throws {
        let files = FileManager.default
        let directory = self.configuration.directoryPath
        try files.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: directory)
        try self.brokerConfiguration.write(
            toFile: directory + "/mosquitto.conf", atomically: true, encoding: .utf8
        )
    }

    /// The private broker trusts its socket: who may open it is decided by the directory's mode, and who a client is by
    /// the gateway.
    private var brokerConfiguration: String {
        """
        # Written by FleetGate at every start; changes here are lost.
        listener 0 \(self.configuration.socketPath)
        allow_anonymous true
        \(geteuid() == 0 ? "user root" : "# not root: no user to change to")
        persistence true
        persistence_location \(self.configuration.directoryPath)/
        autosave_interval 300
        max_packet_size \(self.configuration.packetBytesMax)
        max_keepalive 65535
        log_dest stderr
        log_type error
        log_type warning
        log_type notice
        connection_messages false

        """
    }
}

/// Cuts a stream of bytes into lines of a bounded length.
private struct LogLines {
    /// mosquitto's own lines are shorter; what is longer is cut into several.
    private static let lineBytesMax = 4_096
    private var partial = Data()

    mutating func split(_ chunk: Data) -> [String] {
        var lines: [String] = []
        for byte in chunk {
            if byte == UInt8(ascii: "\n") || self.partial.count >= Self.lineBytesMax {
                if !self.partial.isEmpty { lines.append(String(decoding: self.partial, as: UTF8.self)) }
                self.partial.removeAll(keepingCapacity: true)
            }
            if byte != UInt8(ascii: "\n") { self.partial.append(byte) }
        }
        return lines
    }
}
