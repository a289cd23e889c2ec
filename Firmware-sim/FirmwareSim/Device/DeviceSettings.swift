import NIOCore

/// What a device's session goes by.
struct DeviceSettings: Sendable {
    /// From the attempt's real start to CONNACK.
    var connectTimeout: TimeAmount
    /// Zero turns it off.
    var keepAlive: TimeAmount
    var publishing: FleetSpecification.Publishing
    var backoff: BackoffPolicy
    /// Disconnect as soon as the server accepted: only the connecting is being measured.
    var leavesAfterConnack: Bool
}

/// What became of a device so far.
struct DeviceHistory: Sendable, Equatable {
    var attempts = 0
    /// Attempts the server accepted.
    var connects = 0
    var published = 0
    /// QoS 1 publishes acknowledged with success.
    var acknowledged = 0
    /// QoS 1 publishes acknowledged with a reason code of 0x80 or above.
    var refusedPublishes = 0
    /// QoS 1 publishes whose connection ended before their acknowledgement.
    var unacknowledged = 0
    var lastFailure: FailureReason?
}

/// Something worth counting.
enum Observation: Sendable, Equatable {
    case attempt
    /// How much later than intended the generator began.
    case startDelay(TimeAmount)
    case latency(LatencyKind, TimeAmount)
    /// `accepted` or `connack-N`.
    case connack(String)
    case failure(FailureReason)
    case published
    /// The run ended before the attempt was decided.
    case attemptAbandoned
    case publishesLost(Int)
    /// Due while too many before it were still waiting.
    case publishSkipped
}

/// The latencies that are reported, in the order of a device's life.
enum LatencyKind: String, Sendable, CaseIterable, Codable {
    /// From the intended start to the established TCP connection.
    case tcp
    /// From then to the end of the handshake on the client's side.
    case tls
    /// From CONNECT to CONNACK; with TLS 1.3 it includes the server's judgement on the client's certificate.
    case connack
    /// From the intended start to CONNACK.
    case connected
    /// QoS 0: from the intended publish to the moment it was handed to the connection.
    case send
    /// QoS 1: from the intended publish to PUBACK.
    case publish
}
