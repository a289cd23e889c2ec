internal import NIOCore

/// How much is read from a socket at once. NIO keeps the buffer for as long as the connection lives, at the largest size that
/// it has had: it begins small, because most connections are idle, and grows where reads fill it.
enum ReceiveBuffer {
    /// A device's: what it sends in a handshake, certificate and all, is mostly less than 1 KiB. At most a TLS record's
    /// worth (RFC 8446, section 5.1).
    static let ofDevice = AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 1_024, maximum: 16_384)
    /// A broker's: a CONNACK, and acknowledgements.
    static let ofBroker = AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 256, maximum: 16_384)
}
