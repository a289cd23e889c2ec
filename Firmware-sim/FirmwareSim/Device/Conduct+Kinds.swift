extension Conduct {
    /// Whether the misdeed comes after CONNACK, so that the server may well accept the connection.
    var deedFollowsConnack: Bool {
        switch self {
        case .topicViolation, .oversizedPacket: true
        case .honest, .slowLoris, .halfOpen, .garbage, .clientIDTheft: false
        }
    }

    /// Whether it never gets as far as TLS.
    var isRaw: Bool {
        switch self {
        case .slowLoris, .halfOpen, .garbage: true
        case .honest, .topicViolation, .oversizedPacket, .clientIDTheft: false
        }
    }
}
