import MQTTCodec
import NIOCore

/// Everything a run goes by, checked and in its final form: what the command line or a scenario file comes to.
struct RunPlan: Sendable {
    var target: Target
    var tls: TLSVersionChoice = .newest
    var mqtt: MQTTProtocolVersion = .v3_1_1
    /// Of the whole run, whatever this process's ``shard`` of it.
    var fleets: [ScenarioFleet]
    var mode: Mode
    /// At least one. Their actions count in ``Mode/scenario`` only; the other modes have one stage, which begins with
    /// the starts of ``pace`` and ends with the run.
    var stages: [Stage] = [RunPlan.onlyStage]
    /// When devices start in the modes without a scenario. Rates and limits are the whole run's.
    var pace: ConnectSchedule.Pace = .inFlight(limit: 64)
    var seed: UInt64
    /// From an attempt's real start to CONNACK.
    var connectTimeout: TimeAmount = .seconds(30)
    /// Whole seconds up to 65,535; zero turns it off; nil: as each device's class has it.
    var keepAlive: TimeAmount?
    var resumption: Resumption = .byClass
    /// Nil: the system's choice, or several loopback addresses where one would not do.
    var sourceAddresses: SourceAddresses?
    /// Event loops, each one thread.
    var loops: Int
    /// Processes whose processor time and memory are measured over the run.
    var serverProcesses: [Int32] = []
    /// Nil: this process is the whole run.
    var shard: Shard?
    var scenario: ScenarioOrigin?
    var assertions: [Assertion] = []
    var allowsFailures = false

    struct Target: Sendable, Equatable {
        var host: String
        var port: Int
        /// What the server's certificate must be for, and what SNI says.
        var serverName: String
    }

    /// What the report says of the scenario, to repeat it.
    struct ScenarioOrigin: Sendable, Equatable {
        var name: String
        /// What its numbers of devices and its times were multiplied with.
        var scale: Double
        var timeScale: Double
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
        /// Devices leave when the handshake is over, and speak no MQTT. Nil: each once; otherwise again and again.
        case handshakeOnly(duration: TimeAmount?)
        /// What ``RunPlan/stages`` say.
        case scenario

        /// Whether a connection is over as soon as it is made.
        var isConnectOnly: Bool {
            switch self {
            case .stay, .scenario: false
            case .connectOnly, .handshakeOnly: true
            }
        }

        var duration: TimeAmount? {
            switch self {
            case .stay(let duration), .connectOnly(let duration), .handshakeOnly(let duration): duration
            case .scenario: nil
            }
        }

        /// Whether a device that has left connects again.
        var repeats: Bool {
            switch self {
            case .stay, .scenario: false
            case .connectOnly(let duration), .handshakeOnly(let duration): duration != nil
            }
        }
    }

    /// How long devices publish after all have been tried, where no duration is given.
    static let settleTime: TimeAmount = .seconds(10)
    /// The stage of a run without a scenario.
    static let onlyStage = Stage(name: "run", duration: .zero, actions: [], isWarmUp: false)
}

extension RunPlan {
    /// Of the whole run.
    var deviceCount: Int { fleets.reduce(0) { $0 + $1.specification.count } }

    /// How many processes share the run; 1 without ``shard``.
    var shardCount: Int { shard?.count ?? 1 }

    /// Attempts under way at once in this process, so that all processes together have those of ``pace``; nil where
    /// there is a timetable.
    var ownInFlightMax: Int? {
        switch pace {
        case .rate: nil
        case .inFlight(let limit): Shard.count(of: limit, shard: shard)
        }
    }

    /// Of the whole run: each process takes its devices' places in it.
    var schedule: ConnectSchedule { ConnectSchedule(pace: pace, seed: seed) }

    /// How long the run lasts from the first intended start; nil: until its devices are done.
    var duration: TimeAmount? {
        switch mode {
        case .stay(let duration), .connectOnly(let duration), .handshakeOnly(let duration): duration
        case .scenario: stages.reduce(TimeAmount.zero) { $0 + $1.duration }
        }
    }

    /// What the devices of one fleet go by.
    func settings(for fleet: ScenarioFleet) -> DeviceSettings {
        var firmware = fleet.firmware
        let leaves: Leaves
        switch mode {
        case .stay, .scenario:
            leaves = .never
        case .connectOnly:
            // A device that only connects is not sent back: its failure is the result.
            firmware.backoff = .none
            leaves = .afterConnack
        case .handshakeOnly:
            firmware.backoff = .none
            leaves = .afterHandshake
        }
        return DeviceSettings(
            connectTimeout: connectTimeout, firmware: firmware, deviceClass: fleet.deviceClass, conduct: fleet.conduct,
            keepAlive: keepAlive ?? fleet.deviceClass.keepAlive, leaves: leaves, resumption: resumption)
    }

    /// Checks what no single option can know.
    func requireConsistency() throws(SimulatorError) {
        let devices = Shard.count(of: deviceCount, shard: shard)
        guard devices > 0 else {
            throw .options("empty-shard", "there are fewer devices than shards: nothing is left for this one")
        }
        guard !stages.isEmpty else {
            throw .options("no-stages", "a run needs at least one stage")
        }
        if mode != .scenario, ownInFlightMax == 0 {
            throw .options("empty-shard", "there are fewer attempts under way at once than shards: use fewer shards")
        }
        let ramp = schedule.rampTime(count: deviceCount)
        if case .stay(let duration?) = mode, duration < ramp {
            throw .options(
                "duration-too-short",
                "connecting \(deviceCount) devices at this rate takes \(DurationText.render(ramp)), "
                    + "and --duration is \(DurationText.render(duration))")
        }
    }
}
