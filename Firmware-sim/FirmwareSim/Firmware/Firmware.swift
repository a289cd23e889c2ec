import NIOCore

/// What a device does once it has power: data, read from a scenario or made from the options of `run`. Templates are
/// rendered once for each device.
struct Firmware: Sendable, Equatable {
    var name: String
    /// Between power and the first connect, drawn evenly from this range for each device.
    var boot: ClosedRange<TimeAmount>
    var subscriptions: [Subscription]
    var telemetry: [Telemetry]
    /// Whether it answers commands that arrive on its subscriptions (see ``CommandTraffic``).
    var answersCommands: Bool
    /// Commands it sends to others; nil: none.
    var commands: CommandTraffic?
    /// Updates it sends to others; nil: none.
    var updates: UpdateTraffic?
    /// Overrides its class's; nil: as its class.
    var sleep: SleepCycle?
    /// How often it gets a new key and certificate, and connects anew with them; nil: never.
    var rotation: TimeAmount?
    var backoff: BackoffPolicy

    struct Subscription: Sendable, Equatable {
        /// A topic filter.
        var topic: TextTemplate
        /// 0 or 1.
        var qos: UInt8
    }

    struct Telemetry: Sendable, Equatable {
        var topic: TextTemplate
        /// More than zero.
        var period: TimeAmount
        /// Share of the period by which each publish may be early or late, 0 to 1. Zero keeps to the timetable.
        var jitter: Double
        var payload: Payload
        /// 0 or 1.
        var qos: UInt8
        var retain: Bool
    }

    enum Payload: Sendable, Equatable {
        /// Filler of that many bytes, shared by all devices.
        case bytes(Int)
        /// Rendered once for each device.
        case text(TextTemplate)
    }

    /// One device commands another through the broker, and measures the time to the answer.
    ///
    /// The command's payload is `cmd ID REPLY-TOPIC`, then filler; the commanded device publishes `ack ID` and the
    /// filler to REPLY-TOPIC, which the commanding one is subscribed to.
    struct CommandTraffic: Sendable, Equatable {
        /// The fleet whose devices are commanded, one after the other.
        var fleet: String
        /// Of the commanded device; `{peer}` stands for its name.
        var topic: TextTemplate
        /// Of the commanding device: where answers are to go. It must be among its subscriptions.
        var replyTopic: TextTemplate
        var period: TimeAmount
        var payloadBytes: Int
        /// An answer later than this counts as none.
        var timeout: TimeAmount
        var qos: UInt8
    }

    /// One device sends others new firmware: a burst of publishes to each.
    struct UpdateTraffic: Sendable, Equatable {
        var fleet: String
        /// Of the updated device; `{peer}` stands for its name.
        var topic: TextTemplate
        /// Between the updates of two devices.
        var period: TimeAmount
        var totalBytes: Int
        var chunkBytes: Int
        var qos: UInt8
    }
}

/// How a device behaves towards the server, beyond its firmware: honestly, or not.
enum Conduct: String, Sendable, Equatable, CaseIterable, Codable {
    /// Does what its firmware says.
    case honest
    /// Sends its handshake a few bytes at a time and never finishes it.
    case slowLoris = "slow-loris"
    /// Opens the TCP connection and says nothing.
    case halfOpen = "half-open"
    /// Sends random bytes where a ClientHello is due.
    case garbage
    /// Connects and publishes to a topic that is not its own (``ConductSettings``).
    case topicViolation = "topic-violation"
    /// Connects and publishes a packet that is larger than any server should take.
    case oversizedPacket = "oversized-packet"
    /// Connects under the client id of another fleet's device.
    case clientIDTheft = "client-id-theft"
}

/// What a misbehaving device needs to know.
struct ConductSettings: Sendable, Equatable {
    var conduct: Conduct
    /// `topic-violation`: where it publishes. `{peer}` is the victim's name.
    var topic: TextTemplate?
    /// `client-id-theft`, `topic-violation`: the fleet of the victims.
    var victims: String?
    /// `oversized-packet`: payload bytes.
    var packetBytes: Int

    static let honest = ConductSettings(conduct: .honest, topic: nil, victims: nil, packetBytes: 0)
}

/// What kind of certificate a fleet's devices show.
enum CredentialKind: String, Sendable, Equatable, CaseIterable, Codable {
    case valid
    case expired
    case notYetValid = "not-yet-valid"
    /// Listed in the CRL that goes with the PKI.
    case revoked
    /// Issued by a CA of the same name that the server does not know.
    case wrongCA = "wrong-ca"
    /// For servers only (extendedKeyUsage serverAuth).
    case wrongEKU = "wrong-eku"
    case selfSigned = "self-signed"
    /// No certificate at all.
    case none
}

/// What must become of a fleet's devices.
enum Expectation: Sendable, Equatable {
    /// Every device gets in, and stays as its firmware has it.
    case accepted
    /// No device gets in or, for a device whose misdeed comes after CONNACK, none keeps its connection or has the deed
    /// acknowledged; and each ends with one of these reasons.
    ///
    /// - Parameter reasons: `PHASE/CODE` as in ``FailureReason``; `*` stands for any phase, or ends a code as a wildcard.
    case refused(reasons: [String])
}
