import TestKit

/// A client of TLS 1.2 that says hello and presents any bytes as its certificates, without waiting for answers and without
/// a key: up to there the handshake is in plain text (RFC 5246 section 7.3).
enum RawPresentation {
    /// What the gateway answers.
    ///
    /// - Returns: The description of its fatal alert; nil: it sent none.
    static func alert(from gate: FleetGateProcess, presenting chain: [[UInt8]]) async throws -> UInt8? {
        let socket = try LocalSocket(port: gate.port)
        try socket.send(self.record(self.clientHello) + self.record(self.certificate(chain)))
        socket.finishSending()
        return self.fatalAlert(in: try await socket.bytesUntilClosed())
    }

    private static func number(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
        self.number(bytes.count, bytes: lengthBytes) + bytes
    }

    private static func record(_ message: [UInt8]) -> [UInt8] {
        [22, 3, 3] + self.vector(message, lengthBytes: 2)
    }

    private static var clientHello: [UInt8] {
        let random = (0..<32).map { _ in UInt8.random(in: 0...255) }
        let extensions: [(Int, [UInt8])] = [
            (10, [0, 4, 0, 23, 0, 24]),  // supported_groups: secp256r1, secp384r1
            (11, [1, 0]),  // ec_point_formats: uncompressed
            (13, [0, 6, 4, 3, 8, 4, 4, 1]),  // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-256
            (23, []),  // extended_master_secret
        ]
        let all = extensions.flatMap { self.number($0.0, bytes: 2) + self.vector($0.1, lengthBytes: 2) }
        // ECDHE-ECDSA and ECDHE-RSA with AES-128-GCM, and the sign of secure renegotiation; no compression.
        let suites: [UInt8] = [0xC0, 0x2B, 0xC0, 0x2F, 0x00, 0xFF]
        let body = [3, 3] + random + [0] + self.vector(suites, lengthBytes: 2) + [1, 0]
        return [1] + self.vector(body + self.vector(all, lengthBytes: 2), lengthBytes: 3)
    }

    private static func certificate(_ chain: [[UInt8]]) -> [UInt8] {
        let list = chain.flatMap { self.vector($0, lengthBytes: 3) }
        return [11] + self.vector(self.vector(list, lengthBytes: 3), lengthBytes: 3)
    }

    private static func fatalAlert(in bytes: [UInt8]) -> UInt8? {
        var rest = bytes[...]
        while rest.count >= 5 {
            let record = Array(rest.prefix(5))
            let body = Array(rest.dropFirst(5).prefix(Int(record[3]) << 8 | Int(record[4])))
            if record[0] == 21, body.count == 2, body[0] == 2 { return body[1] }
            rest = rest.dropFirst(5 + body.count)
        }
        return nil
    }
}
