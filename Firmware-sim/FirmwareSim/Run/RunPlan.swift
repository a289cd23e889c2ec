import MQTTCodec
import NIOCore

/// Everything a run goes by, checked and in its final form: what the command line, and later a scenario file, come to.
struct RunPlan: Sendable {
    var target: Target
    var tls: TLSVersionChoice
    var mqtt: MQTTProtocolVersion
    var fleets: [FleetSpecification]
    var schedule: ConnectSchedule
    var backoff: BackoffPolicy
    /// From an attempt's real start to CONNACK.
    var connectTimeout: TimeAmount
    /// Whole seconds up to 65,535; zero turns it off.
    var keepAlive: TimeAmount
    var mode: Mode
    var sourceAddresses: SourceAddresses
    /// Event loops, each one thread.
    var loops: Int
    /// Processes whose processor time is measured over the run.
    var serverProcesses: [Int32]
    var allowsFailures: Bool

    struct Target: Sendable, Equatable {
        var host: String
        var port: Int
        /// What the server's certificate must be for, and what SNI says.
        var serverName: String
    }

    enum TLSVersionChoice: String, Sendable, CaseIterable {
        case v12 = "1.2"
        case v13 = "1.3"
        /// Whichever both ends can do, the newer first.
        case newest
    }

    enum Mode: Sendable, Equatable {
        /// Devices stay connected and publish. Nil: until ``RunPlan/settleTime`` after every device was tried.
        case stay(duration: TimeAmount?)
        /// Devices leave at CONNACK. Nil: each connects once; otherwise again and again.
        case connectOnly(duration: TimeAmount?)

        var isConnectOnly: Bool {
            switch self {
            case .stay: false
            case .connectOnly: true
            }
        }

        var duration: TimeAmount? {
            switch self {
            case .stay(let duration), .connectOnly(let duration): duration
            }
        }

        /// Whether a device that has left connects again.
        var repeats: Bool {
            switch self {
            case .stay: false
            case .connectOnly(let duration): duration != nil
            }
        }
    }

    /// How long devices publish after all have been tried, where no duration is given.
    static let settleTime: TimeAmount = .seconds(10)

    func settings(for device: SimulatedDevice) -> DeviceSettings {
        DeviceSettings(
            connectTimeout: connectTimeout,
            keepAlive: keepAlive,
            publishing: device.publishing,
            // A device that only connects is not sent back: its failure is the result.
            backoff: mode.isConnectOnly ? .none : backoff,
            leavesAfterConnack: mode.isConnectOnly
        )
    }

    /// Checks what no single option can know.
    func requireConsistency() throws(SimulatorError) {
        let devices = fleets.reduce(0) { $0 + $1.count }
        let ramp = schedule.rampTime(count: devices)
        if case .stay(let duration?) = mode, duration < ramp {
            throw .options(
                "duration-too-short",
                "connecting \(devices) devices at this rate takes \(DurationText.render(ramp)), "
                    + "and --duration is \(DurationText.render(duration))")
        }
    }
}

extension RunPlan.Target {
    /// Reads `HOST:PORT`, `[IPV6]:PORT` or `HOST` (port 8883, MQTT over TLS).
    init(option text: String, serverName: String?) throws(SimulatorError) {
        let mistake = SimulatorError.options("bad-target", "--target '\(text)' is not HOST:PORT or [IPV6]:PORT")
        let host: Substring
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw mistake }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw mistake }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first else { throw mistake }
            host = first
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host.utf8.count <= 255, !host.contains(where: \.isWhitespace) else { throw mistake }
        self.port = 8883
        if let portText {
            guard let port = Int(portText), (1...65_535).contains(port) else { throw mistake }
            self.port = port
        }
        self.host = String(host)
        self.serverName = serverName ?? self.host
    }
}
