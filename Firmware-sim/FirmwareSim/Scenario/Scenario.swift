import MQTTCodec
import NIOCore

/// A whole exercise: fleets, what happens to them when, and what must come out. Read from YAML, checked and final; sizes
/// and times may have been scaled.
struct Scenario: Sendable, Equatable {
    var name: String
    /// One or two sentences for people.
    var summary: String
    var mqtt: MQTTProtocolVersion
    var fleets: [ScenarioFleet]
    /// At least one, in order, each beginning when the one before it ends.
    var stages: [Stage]
    var assertions: [Assertion]
    /// From an attempt's real start to CONNACK.
    var connectTimeout: TimeAmount
}

/// A fleet with everything a scenario says of it.
struct ScenarioFleet: Sendable, Equatable {
    var specification: FleetSpecification
    var deviceClass: DeviceClass
    var firmware: Firmware
    var credential: CredentialKind
    var keyType: DeviceKeyType
    var conduct: ConductSettings
    var expectation: Expectation

    var name: String { specification.name }
}

/// The kinds of device keys.
enum DeviceKeyType: String, Sendable, Equatable, CaseIterable, Codable {
    case p256
    case p384
    case rsa2048 = "rsa-2048"
}

/// A part of a scenario's time.
struct Stage: Sendable, Equatable {
    /// Unique in its scenario; letters, digits, `-`, `_`.
    var name: String
    var duration: TimeAmount
    /// What its duration is not scaled below: what happens in it takes the target so long at any scale.
    var shortest: TimeAmount = .zero
    /// What happens at its beginning, in order.
    var actions: [Action]
    /// Its figures are kept out of the run's own and out of assertions that name no stage.
    var isWarmUp: Bool

    struct Action: Sendable, Equatable {
        var kind: Kind
        /// The fleets it is about; empty: all.
        var fleets: [String]
    }

    enum Kind: Sendable, Equatable {
        /// Power on: the devices begin, at this pace.
        case start(Pace)
        /// Power off without a word.
        case cut
        /// The link is gone for the whole stage: connections are cut, and attempts get nowhere. At the stage's end the
        /// link is back, and devices come back as their back-off has it.
        case outage
        /// Devices take their leave and stay away.
        case stop
    }

    enum Pace: Sendable, Equatable {
        /// All at the same moment: a power cut has ended.
        case atOnce
        case rate(perSecond: Double, arrivals: ConnectSchedule.Arrivals)
        /// The rate grows or falls evenly over the stage from one to the other, until all have started.
        case ramp(fromPerSecond: Double, toPerSecond: Double)
        /// Each device at a random moment of this time.
        case spread(over: TimeAmount)
    }
}

/// A statement about the result that must hold, such as `p99 handshake during storm < 2s`.
struct Assertion: Sendable, Equatable {
    /// As written.
    var text: String
    var metric: Metric
    /// Nil: over all fleets.
    var fleet: String?
    /// Nil: over the run without its warm-up.
    var stage: String?
    var comparison: Comparison
    /// Times in microseconds, shares in 0 to 1, otherwise plain.
    var bound: Double

    enum Comparison: String, Sendable, Equatable, CaseIterable {
        case less = "<"
        case lessOrEqual = "<="
        case equal = "=="
        case notEqual = "!="
        case greaterOrEqual = ">="
        case greater = ">"
    }

    enum Metric: Sendable, Equatable {
        /// A percentile from 0 to 100 of a latency, in microseconds.
        case latency(LatencyKind, percentile: Double)
        /// Failures; nil: all, otherwise those whose `PHASE/CODE` fits (a `*` at the end of either part is a wildcard).
        case failures(matching: String?)
        /// Devices whose expectation was not met.
        case unexpected
        /// Devices accepted at least once: their number.
        case connected
        /// Devices accepted at least once, of all planned: 0 to 1.
        case connectedShare
        /// Microseconds from the first intended start (of the stage or run) until this share of the devices was connected.
        case timeToConnected(share: Double)
        /// Handshakes finished per second.
        case handshakeRate
        /// Of handshakes, those that were resumed: 0 to 1.
        case resumedShare
        case lostPublishes
        case unansweredCommands
    }
}
