import NIOCore

/// What devices send that mean no handshake.
enum MisdeedBytes {
    /// Bytes of ``hello``, the header of its record included.
    static let helloBytes = 517

    /// The beginning of a ClientHello, correct as far as it goes: a record of 512 bytes with one handshake message that
    /// fills it (RFC 8446 sections 5.1 and 4.1.2), then zeros where its extensions would be.
    static let hello: [UInt8] = {
        var bytes: [UInt8] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]
        bytes += [UInt8](repeating: 0x5A, count: 32)
        // No session id, two suites, no compression.
        bytes += [0x00, 0x00, 0x04, 0x13, 0x01, 0xC0, 0x2B, 0x01, 0x00]
        bytes += [UInt8](repeating: 0, count: helloBytes - bytes.count)
        return bytes
    }()

    /// Random bytes that do not begin like a TLS record.
    static func garbage(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = (0..<Int.random(in: 64...512, using: &generator)).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        if bytes[0] == 0x16 { bytes[0] = 0x17 }
        return bytes
    }
}
