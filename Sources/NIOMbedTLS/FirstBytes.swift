internal import NIOCore

/// Looks at the first bytes of a connection, before mbedTLS does: what is not a TLS record is most likely another
/// protocol, and worth its own reason.
struct FirstBytes {
    private var seen = 0
    /// Whether a peer may open with an alert: a server may answer a ClientHello so; a client has no cause.
    private let mayBeAlert: Bool

    init(role: TLSConfiguration.Role) {
        switch role {
        case .server: self.mayBeAlert = false
        case .client: self.mayBeAlert = true
        }
    }

    /// Takes the bytes as they come.
    ///
    /// - Returns: nil as long as they can be a record of TLS (RFC 8446, 5.1); otherwise what they look like.
    mutating func check(_ bytes: ByteBufferView) -> String? {
        for byte in bytes.prefix(3 - self.seen) {
            let isPossible =
                switch self.seen {
                case 0: byte == 0x16 || (self.mayBeAlert && byte == 0x15)
                case 1: byte == 0x03
                default: byte <= 0x04
                }
            guard isPossible else { return Self.describe(bytes, byte) }
            self.seen += 1
        }
        return nil
    }

    private static func describe(_ bytes: ByteBufferView, _ byte: UInt8) -> String {
        let known: [(String, String)] = [
            ("GET ", "HTTP"), ("POST ", "HTTP"), ("HEAD ", "HTTP"), ("PUT ", "HTTP"), ("OPTIONS ", "HTTP"),
            ("CONNECT ", "HTTP"), ("PRI * ", "HTTP/2"), ("HTTP/", "HTTP"), ("SSH-", "SSH"),
            ("PROXY ", "PROXY protocol"),
            ("\r\n\r\n\0\r\nQUIT\n", "PROXY protocol, version 2"),
        ]
        if let (_, name) = known.first(where: { bytes.starts(with: $0.0.utf8) }) {
            return "looks like \(name)"
        }
        if byte == 0x10 {
            return "looks like an MQTT CONNECT without TLS"
        }
        if byte & 0x80 != 0 {
            return "looks like a ClientHello of SSL 2"
        }
        return "not a TLS record: starts with byte \(byte)"
    }
}
