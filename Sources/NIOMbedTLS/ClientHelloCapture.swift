internal import NIOCore

/// The first bytes that a client sent, until they hold its whole ClientHello: kept while the handshake lasts, and read
/// only when it fails.
struct ClientHelloCapture {
    private var records: [UInt8] = []
    private var progress = HandshakeMessage.Progress()
    private var isComplete = false

    /// The bytes kept at most, headers of records included: a message of ordinary length with a ticket and the shares of
    /// post-quantum groups, and more than is sent by anything that is not an attack.
    static let bytesMax = 16_384

    /// Takes ciphertext as it comes, as far as it is of use.
    mutating func receive(_ bytes: ByteBufferView) {
        guard !self.isComplete else { return }
        self.records += bytes.prefix(Self.bytesMax - self.records.count)
        self.isComplete = self.records.count >= Self.bytesMax || self.progress.isComplete(self.records)
    }

    /// What it says, if it can be read.
    var clientHello: TLSClientHello? { TLSClientHello(records: self.records) }
}

/// The first handshake message of a stream of records (RFC 8446, 5.1), which may be cut into several.
enum HandshakeMessage {
    fileprivate static let recordHeaderLength = 5
    fileprivate static let handshake: UInt8 = 22
    /// Type and length.
    static let headerLength = 4

    /// How far into the records it has been looked for the end of the message. What was looked at is not looked at again,
    /// however small the pieces are that a client sends.
    struct Progress {
        /// Where the first record begins that was not there in full.
        private var next = 0
        /// The bytes of the message in the records before that.
        private var length = 0
        /// The first bytes of the message, up to ``HandshakeMessage/headerLength``, big-endian.
        private var header: UInt32 = 0

        /// Whether no more bytes are needed: the message is there, or there never will be one.
        ///
        /// - Parameter records: what was given before, and perhaps more behind it.
        mutating func isComplete(_ records: [UInt8]) -> Bool {
            while records.count - self.next >= HandshakeMessage.recordHeaderLength {
                let start = self.next + HandshakeMessage.recordHeaderLength
                let count = Int(records[start - 2]) << 8 | Int(records[start - 1])
                guard records[self.next] == HandshakeMessage.handshake, count > 0 else { return true }
                let available = min(count, records.count - start)
                var header = self.header
                for byte in records[start..<start + available].prefix(
                    max(0, HandshakeMessage.headerLength - self.length))
                {
                    header = header << 8 | UInt32(byte)
                }
                let length = self.length + available
                // The type is above the length.
                if length >= HandshakeMessage.headerLength,
                    length >= HandshakeMessage.headerLength + Int(header & 0xFF_FFFF)
                {
                    return true
                }
                guard available == count else { return false }
                (self.next, self.length, self.header) = (start + count, length, header)
            }
            return false
        }
    }

    /// Type and content of the first message, or nil when it is not all there.
    static func first(in records: [UInt8]) -> (type: UInt8, content: ArraySlice<UInt8>)? {
        var message: [UInt8] = []
        var reader = FieldReader(records)
        while let type = reader.number(UInt8.self), reader.number(UInt16.self) != nil,
            let count = reader.number(UInt16.self)
        {
            guard type == Self.handshake, count > 0,
                let range = reader.bytes(min(Int(count), reader.count))
            else { return nil }
            message += records[range]
            guard message.count >= Self.headerLength else { continue }
            let end = Self.headerLength + Self.length(message)
            if message.count >= end {
                return (message[0], message[Self.headerLength..<end])
            }
        }
        return nil
    }

    /// - Parameter header: of four bytes at least.
    private static func length(_ header: [UInt8]) -> Int {
        Int(header[1]) << 16 | Int(header[2]) << 8 | Int(header[3])
    }
}
