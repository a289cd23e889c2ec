/// What became of a device so far.
struct DeviceHistory: Sendable, Equatable {
    /// Attempts that reached for the server; those made while the device's own link was down are not among them.
    var attempts = 0
    /// TLS handshakes finished on the device's side.
    var handshakes = 0
    /// Of these, resumed ones.
    var resumedHandshakes = 0
    /// Attempts the server accepted: by CONNACK or, where devices leave after the handshake, by taking the certificate.
    var connects = 0
    var published = 0
    /// QoS 1 publishes acknowledged with success.
    var acknowledged = 0
    /// QoS 1 publishes acknowledged with a reason code of 0x80 or above.
    var refusedPublishes = 0
    /// QoS 1 publishes whose connection ended before their acknowledgement.
    var unacknowledged = 0
    /// Filters that the server refused in SUBACK.
    var refusedSubscriptions = 0
    /// Publishes that came from the server.
    var received = 0
    /// Commands sent to other devices.
    var commandsSent = 0
    /// Updates of other devices begun.
    var updatesBegun = 0
    /// Misdeeds that the server acknowledged as done (``Conduct``).
    var acknowledgedViolations = 0
    /// Whether its misdeed comes after CONNACK, so that getting in is no violation by itself.
    var deedFollowsConnack = false
    var lastFailure: FailureReason?
    /// Whether the attempt that was decided last failed: the device wants to get in, and has not since.
    var isShutOut = false
    /// How often each failure came: of attempts, connections, publishes and subscriptions. Bounded to
    /// ``SimulatorLimits/endingsMax`` different ones; see ``otherEndings``.
    private(set) var endings: [FailureReason: Int] = [:]
    /// Failures of kinds beyond that bound.
    private(set) var otherEndings = 0

    /// Whether the server accepted it at least once.
    var everAccepted: Bool { connects > 0 }

    mutating func note(_ reason: FailureReason) {
        lastFailure = reason
        if endings[reason] != nil || endings.count < SimulatorLimits.endingsMax {
            endings[reason, default: 0] += 1
        } else {
            otherEndings += 1
        }
    }
}
