extension LatencyKind {
    /// For tables and plots.
    var title: String {
        switch self {
        case .tcp: "TCP (from the intended start)"
        case .tls: "TLS handshake"
        case .connack: "CONNECT to CONNACK"
        case .connected: "intended start to CONNACK"
        case .send: "publish, QoS 0 (to the socket)"
        case .publish: "publish to PUBACK"
        case .established: "... of established devices"
        case .command: "command to answer"
        }
    }
}
