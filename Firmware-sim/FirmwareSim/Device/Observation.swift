import NIOCore

/// Something worth counting.
enum Observation: Sendable, Equatable {
    case attempt
    /// How much later than it could have the generator began to connect: its timers, and the making of the TLS context.
    case startDelay(TimeAmount)
    case latency(LatencyKind, TimeAmount)
    /// A handshake is over on the client's side; `bytes` of TLS both ways.
    case handshake(resumed: Bool, bytes: Int)
    /// A publish came from the server.
    case received(bytes: Int)
    case commandSent
    /// Its time is over. A late answer is ignored.
    case commandUnanswered
    /// `accepted` or `connack-N`.
    case connack(String)
    case failure(FailureReason)
    case published
    /// The run ended before the attempt was decided.
    case attemptAbandoned
    case publishesLost(Int)
    /// Due and never sent: too many before it were still waiting, or the connection ended before its turn.
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
    /// As `publish`, of devices that were connected before the present stage began: what a storm does to bystanders.
    case established
    /// From the intended command of one device to another to its answer, through the broker both ways.
    case command
}
