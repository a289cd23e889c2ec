import NIOCore

/// What a server's first flight says about the handshake, as far as it can be read in the clear.
enum ServerFlight: Sendable, Equatable {
    /// Not enough has come.
    case incomplete
    case full(isTLS13: Bool)
    case resumed(isTLS13: Bool)
    /// TLS 1.3: the server asks for another ClientHello (RFC 8446 section 4.1.4).
    case retry
    /// An alert, another protocol, or more than any server's flight.
    case other

    /// Reads `bytes`, everything that the server sent so far. Bounded, and total: whatever the bytes are, it answers.
    init(_ bytes: ByteBufferView) {
        var reader = Reader(bytes)
        self = reader.read()
    }

    private struct Reader {
        private var rest: ByteBufferView
        /// The handshake messages, taken out of their records, as far as they are needed.
        private var messages: [UInt8] = []
        private let isTooLong: Bool

        init(_ bytes: ByteBufferView) {
            rest = bytes
            isTooLong = bytes.count > SimulatorLimits.serverFlightBytesMax
        }

        mutating func read() -> ServerFlight {
            var wasTaken = false
            while true {
                if let verdict = verdict(afterChangeCipherSpec: false) { return verdict }
                guard let record = takeRecord() else { return isTooLong ? .other : .incomplete }
                switch record.type {
                case 22 where record.isSane:
                    messages += record.content
                    wasTaken = true
                    if !record.isWhole {
                        return verdict(afterChangeCipherSpec: false) ?? (isTooLong ? .other : .incomplete)
                    }
                case 20 where record.isSane && wasTaken:
                    // Before a ServerHello that is whole it is out of place.
                    return verdict(afterChangeCipherSpec: true) ?? .other
                default:
                    return .other
                }
            }
        }

        private struct Record {
            var type: UInt8
            var content: ByteBufferView
            var isWhole: Bool
            /// TLS by its version, and no longer than records may be (RFC 5246 section 6.2.3).
            var isSane: Bool
        }

        /// The next record, or as much of it as there is; nil without a whole header.
        private mutating func takeRecord() -> Record? {
            guard let type = rest.first else { return nil }
            let header = Array(rest.prefix(5))
            guard header.count == 5 else {
                // One byte is enough to tell that it is none of ours.
                guard type != 22, type != 20 else { return nil }
                return Record(type: type, content: rest.prefix(0), isWhole: false, isSane: false)
            }
            let length = Int(header[3]) << 8 | Int(header[4])
            let content = rest.dropFirst(5).prefix(length)
            rest = rest.dropFirst(5 + content.count)
            return Record(
                type: type, content: content, isWhole: content.count == length,
                isSane: header[1] == 3 && length > 0 && length <= 16_384 + 2_048)
        }

        /// What the messages so far come to; nil if more are needed.
        private func verdict(afterChangeCipherSpec: Bool) -> ServerFlight? {
            guard let type = messages.first else { return nil }
            guard type == 2 else { return .other }
            guard messages.count >= 4 else { return nil }
            let length = Int(messages[1]) << 16 | Int(messages[2]) << 8 | Int(messages[3])
            guard length <= SimulatorLimits.serverFlightBytesMax else { return .other }
            guard messages.count >= 4 + length else { return nil }
            guard let hello = ServerHello(messages[4..<(4 + length)]) else { return .other }
            if hello.isRetry { return .retry }
            if hello.isTLS13 { return hello.hasPreSharedKey ? .resumed(isTLS13: true) : .full(isTLS13: true) }
            if afterChangeCipherSpec { return .resumed(isTLS13: false) }
            guard messages.count > 4 + length else { return nil }
            // NewSessionTicket right after ServerHello renews a ticket that was accepted (RFC 5077 section 3.3).
            return messages[4 + length] == 4 ? .resumed(isTLS13: false) : .full(isTLS13: false)
        }
    }
}

/// The few things of a ServerHello that tell what kind of handshake it begins (RFC 5246 section 7.4.1.3, RFC 8446
/// section 4.1.3).
private struct ServerHello {
    private(set) var isRetry: Bool
    private(set) var isTLS13 = false
    private(set) var hasPreSharedKey = false

    /// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
    private static let retryRandom: [UInt8] = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ]
    private static let preSharedKey = 41
    private static let supportedVersions = 43

    /// Nil if it is malformed.
    init?(_ body: ArraySlice<UInt8>) {
        var reader = ByteBuffer(bytes: body)
        guard reader.readInteger(as: UInt16.self) != nil, let random = reader.readBytes(length: 32),
            let sessionLength = reader.readInteger(as: UInt8.self), sessionLength <= 32,
            reader.readSlice(length: Int(sessionLength)) != nil, reader.readSlice(length: 3) != nil
        else { return nil }
        isRetry = random == Self.retryRandom
        // TLS 1.2 servers may leave the extensions out.
        guard reader.readableBytes > 0 else { return }
        guard let length = reader.readInteger(as: UInt16.self), Int(length) == reader.readableBytes else { return nil }
        while reader.readableBytes > 0 {
            guard let type = reader.readInteger(as: UInt16.self), let size = reader.readInteger(as: UInt16.self),
                let value = reader.readBytes(length: Int(size))
            else { return nil }
            switch Int(type) {
            case Self.preSharedKey: hasPreSharedKey = true
            case Self.supportedVersions: isTLS13 = value == [3, 4]
            default: break
            }
        }
    }
}
