internal import Foundation

/// The broker's side of a test: what subscribes and publishes behind the gateway.
public struct BrokerAddress: Sendable {
    let options: [String]

    /// The embedded broker of a gateway, or any on a unix socket.
    public static func unix(_ path: String) -> Self { Self(options: ["--unix", path]) }

    /// A broker on a port of this machine, in the clear.
    public static func port(_ port: Int) -> Self { Self(options: ["-h", "127.0.0.1", "-p", "\(port)"]) }

    public init(options: [String]) { self.options = options }

    /// Subscribes with MQTT 5 and waits until the broker has granted it. Each message is a line
    /// `topic qos retained payload`.
    public func subscribe(_ filter: String) async throws -> Subscriber {
        try await Subscriber(self.options + ["-t", filter])
    }

    /// Publishes one message, QoS 1 if not said otherwise.
    public func publish(
        _ topic: String, _ payload: String, qos: Int = 1, retain: Bool = false
    ) async throws {
        let program = Program.installed("mosquitto_pub") ?? "/usr/bin/mosquitto_pub"
        let outcome = try await Program.run(
            program,
            self.options + ["-V", "mqttv5", "-t", topic, "-m", payload, "-q", "\(qos)"] + (retain ? ["-r"] : [])
        )
        guard outcome.status == 0 else { throw FleetGateProcess.Failure(description: outcome.everything) }
    }

    /// `mosquitto_sub`, subscribed.
    public final class Subscriber: Sendable {
        public let process: RunningProcess

        public init(_ options: [String]) async throws {
            // Line-buffered: its output is a pipe, and its lines are awaited while it runs.
            self.process = try RunningProcess(
                "/usr/bin/stdbuf",
                ["-oL", Program.installed("mosquitto_sub") ?? "/usr/bin/mosquitto_sub", "-d"]
                    + ["-V", "mqttv5", "-q", "2", "-F", "MESSAGE %t %q %r %p"] + options
            )
            try await self.process.waits(for: "Subscribed")
        }

        /// Waits for a message: `topic qos retained payload`.
        public func receives(_ message: String) async throws {
            try await self.process.line("«\(message)»") { $0 == "MESSAGE " + message }
        }

        /// The messages so far: `topic qos retained payload`.
        public var messages: [String] {
            self.process.lines.filter { $0.hasPrefix("MESSAGE ") }.map { String($0.dropFirst(8)) }
        }
    }
}

extension FleetGateProcess {
    /// The embedded broker.
    public var broker: BrokerAddress { .unix(self.brokerSocketPath) }
}

/// A mosquitto of the test's own, standing for the broker an operator has.
public final class MosquittoBroker: Sendable {
    public let process: RunningProcess
    private let directory: ScratchDirectory

    /// Starts it and waits until it runs.
    ///
    /// - Parameter listener: Lines of its configuration: the listener and what belongs to it.
    public init(listener: String) async throws {
        self.directory = try ScratchDirectory()
        let configuration = try self.directory.write(
            "mosquitto.conf",
            """
            allow_anonymous true
            user \(NSUserName())
            persistence false
            log_dest stderr
            log_type all
            \(listener)

            """
        )
        self.process = try RunningProcess(
            Program.installed("mosquitto") ?? "/usr/sbin/mosquitto", ["-c", configuration]
        )
        try await self.process.waits(for: "running")
    }
}
