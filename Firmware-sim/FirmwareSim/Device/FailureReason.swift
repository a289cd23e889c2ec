/// Why one attempt or one publish failed: a stable code, and how far the device had come.
struct FailureReason: Sendable, Hashable {
    /// How far the connection was.
    enum Phase: String, Sendable, Hashable, CaseIterable, Codable {
        /// The connection was being made.
        case tcp
        /// The TLS handshake was under way.
        case tls
        /// The handshake was over for the client, but the server had not accepted: with TLS 1.3 this is where a
        /// refused client certificate shows.
        case connack
        /// The server had accepted the device.
        case session
    }

    let phase: Phase
    /// `tcp-refused`, `timeout`, `eof`, `connack-5`, a TLS error's code, …
    let code: String

    init(_ phase: Phase, _ code: String) {
        self.phase = phase
        self.code = code
    }

    /// What the code means, where it does not say so itself.
    var explanation: String? {
        switch code {
        case "eof": "the server closed the connection without a word"
        case "timeout": "no answer within --connect-timeout"
        case "ping-timeout": "no PINGRESP within a keep-alive interval"
        case "close-timeout": "the server did not end the connection after close_notify"
        case "still-open": "the server let a misbehaving device be until the time was over"
        case "renewal-failed": "no new certificate could be made for the device"
        case "suback-128": "subscription refused"
        case "suback-135": "not authorized to subscribe"
        case "pubacks-unread": "the server sends publishes and does not read their acknowledgements"
        case "puback-missing": "a QoS 1 publish was never acknowledged"
        case "alert-bad-certificate", "alert-unsupported-certificate", "alert-certificate-revoked",
            "alert-certificate-expired", "alert-certificate-unknown", "alert-unknown-ca", "alert-access-denied":
            "the server refused the device's certificate"
        case "alert-certificate-required", "alert-no-certificate": "the server got no certificate"
        case "unknown-ca": "the server's certificate does not lead to --ca"
        case "wrong-name": "the server's certificate is for another name; use --server-name"
        case "device-busy": "the device's last connection was not over when the next was due; use more --devices"
        case "tcp-refused": "nothing listens there"
        case "tcp-reset": "the server reset the connection"
        case "tcp-no-port": "no source port was left; use --source-addresses"
        case "too-many-files": "no file descriptor was left; raise 'ulimit -n'"
        case "connack-1", "connack-132": "protocol version not supported"
        case "connack-2", "connack-133": "client id refused"
        case "connack-3", "connack-136": "server unavailable"
        case "connack-4", "connack-134": "bad user name or password"
        case "connack-5", "connack-135", "puback-135", "disconnect-135": "not authorized"
        case "connack-137", "disconnect-137": "server busy"
        case "connack-138": "banned"
        case "connack-151", "puback-151", "disconnect-151": "quota exceeded"
        case "connack-159": "connection rate exceeded"
        case "disconnect-139": "server shutting down"
        case "disconnect-141": "keep-alive timeout"
        case "disconnect-142": "session taken over: is the client id used twice?"
        case "disconnect-152": "administrative action"
        default: nil
        }
    }
}
