internal import MQTTCodec
internal import NIOCore

/// Which peer a handler talks to.
enum Side {
    case device
    case broker
}

/// What a `PacketHandler` tells of its side. All calls are on the event loop.
protocol PacketReceiver: AnyObject {
    /// Bytes came from this side, whole packets or not.
    func received(byteCount: Int, from side: Side)
    /// A packet came from this side, while it was not held. `now` is when what was read with it began to be looked at.
    func received(_ frame: MQTTFrame, from side: Side, now: NIODeadline)
    /// The device sent these bytes. How many of them, and packets, from the first on have been passed on already: they need
    /// not be cut into packets. Mostly none.
    func passing(prefixOf bytes: ByteBuffer, packetBytesMax: Int, now: NIODeadline) -> (bytes: Int, packets: Int)
    /// So many packets of this side were worked off.
    func received(packetCount: Int, from side: Side)
    /// One read is worked off: what it led to can be flushed.
    func readCompleted()
    /// This side takes more bytes again, or no more.
    func writabilityChanged()
    /// This side's bytes are not MQTT; nothing more of them is looked at.
    func malformed(_ side: Side, _ error: MQTTProtocolError)
    /// A user event of the device's pipeline.
    func deviceEvent(_ event: Any)
    /// This side's pipeline reported an error.
    func failed(_ side: Side, _ error: any Error)
    /// This side's channel is closed; its last packets were delivered.
    func closed(_ side: Side)
}

extension DeviceSession: PacketReceiver {}

/// Cuts one side's bytes into packets for the session, and writes what the session sends to that side.
///
/// The same handler serves both sides: at the end of the device's pipeline, behind TLS, and of the broker's. It stops
/// taking packets, and reading, while the session holds its side; so nothing is ever queued beyond one read.
final class PacketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let side: Side
    private let session: any PacketReceiver
    private var decoder: MQTTFrameDecoder
    private var context: ChannelHandlerContext?

    /// Bytes received and not yet cut into packets: less than one packet, or what a hold keeps waiting. That is one read,
    /// and what the kernel's receive buffer has when the peer closes: NIO reads to the end then, held or not.
    private var received: ByteBuffer?
    /// What was sent and is not written yet.
    private var outbound = JoinedPackets()
    private let allocator = ByteBufferAllocator()
    private var isHeld = false
    /// The peer is gone: what it sent is worked off, whatever the session would hold back.
    private var isAtEnd = false
    private var isReadPostponed = false
    private var isDraining = false
    private var isFlushNeeded = false
    private var isClosing = false
    /// What a device has sent since its side is being closed.
    private var closingBytes = 0
    private var lingering: Scheduled<Void>?

    /// How long a broker may take to close a connection that it has been sent the end of: it only has to read what is
    /// in its socket. Each such connection still costs a file descriptor.
    private static let lingerTimeout = TimeAmount.seconds(5)

    /// Bytes of a device that are still taken off the network, and decrypted, once its side is being closed: the rest of
    /// the longest packet, so that one in the middle of a packet hears why. Who sends more is not read any more, and
    /// loses its connection when the time for closing is over.
    private static let closingBytesMax = 262_144

    init(side: Side, session: any PacketReceiver, limits: MQTTLimits) {
        self.side = side
        self.session = session
        switch side {
        case .device: self.decoder = MQTTFrameDecoder(limits: limits, expectsConnectFirst: true)
        case .broker: self.decoder = MQTTFrameDecoder(limits: limits)
        }
    }

    // MARK: What the session asks for

    /// Whether more can be written without piling up.
    var isWritable: Bool { self.context?.channel.isWritable ?? true }

    /// From the next packet on, packets are of this version and at most this long.
    func settleFraming(_ version: MQTTProtocolVersion, packetBytesMax: Int) {
        self.decoder.version = version
        self.decoder.packetBytesMax = packetBytesMax
    }

    /// Sends bytes to this side with the next `flush`.
    func send(_ bytes: ByteBuffer) {
        guard let context = self.context, !self.isClosing else { return }
        self.isFlushNeeded = true
        if let full = self.outbound.append(bytes, allocator: self.allocator) {
            context.write(self.wrapOutboundOut(full), promise: nil)
        }
    }

    /// Puts what was sent on the wire.
    func flush() {
        guard self.isFlushNeeded, let context = self.context else { return }
        self.isFlushNeeded = false
        if let bytes = self.outbound.take() { context.write(self.wrapOutboundOut(bytes), promise: nil) }
        context.flush()
    }

    /// Stops or resumes taking packets from this side.
    func setHeld(_ isHeld: Bool) {
        // A side that is closing is read to its end.
        guard self.isHeld != isHeld, !self.isClosing, !self.isAtEnd else { return }
        self.isHeld = isHeld
        guard !isHeld, !self.isDraining else { return }
        self.drain()
        self.session.readCompleted()
        if !self.isHeld, self.isReadPostponed, let context = self.context {
            self.isReadPostponed = false
            context.read()
        }
    }

    /// Closes this side once everything sent to it is written, or at the latest after `flushTimeout`: a peer that does
    /// not read must not hold a closed session's memory.
    ///
    /// The broker's side is closed by halves: a broker that cannot write an acknowledgement any more drops the
    /// connection with what it has not read yet, and a DISCONNECT unread is a will published. So the broker closes
    /// first, when it has read to the end, or `lingerTimeout` passes.
    func closeAfterFlush(flushTimeout: TimeAmount) {
        guard let context = self.context, !self.isClosing else { return }
        self.isClosing = true
        self.received = nil
        self.flush()
        // Flushed is not yet written: a close fails what the socket has not taken.
        let bufferedBytes = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard bufferedBytes > 0 || !context.channel.isWritable else {
            self.closeWritten(context)
            return
        }
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: flushTimeout) {
            channel.close(mode: .all, promise: nil)
        }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            deadline.cancel()
            if let context = self.context { self.closeWritten(context) }
        }
    }

    /// Everything is written. What still comes is read and thrown away.
    private func closeWritten(_ context: ChannelHandlerContext) {
        let channel = context.channel
        switch self.side {
        case .device:
            channel.close(mode: .all, promise: nil)
        case .broker:
            self.lingering = context.eventLoop.scheduleTask(in: Self.lingerTimeout) {
                channel.close(mode: .all, promise: nil)
            }
            // Where half a close cannot be had, as behind TLS, whose own good-bye waits for the peer's, a whole one.
            channel.close(mode: .output).whenFailure { _ in channel.close(mode: .all, promise: nil) }
            self.isHeld = false
            if self.isReadPostponed {
                self.isReadPostponed = false
                context.read()
            }
        }
    }

    // MARK: What the channel tells

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.received = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        // A session that is over has no use for what still comes, and no room.
        guard !self.isClosing else {
            self.closingBytes += bytes.readableBytes
            return
        }
        self.session.received(byteCount: bytes.readableBytes, from: self.side)
        if self.received == nil {
            self.received = bytes
        } else {
            self.received?.writeBuffer(&bytes)
        }
        self.drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.session.readCompleted()
    }

    func read(context: ChannelHandlerContext) {
        if self.isHeld {
            self.isReadPostponed = true
        } else if self.side == .broker || self.closingBytes < Self.closingBytesMax {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.session.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.side == .device { self.session.deviceEvent(event) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.session.failed(self.side, error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // What the peer sent before it closed still counts: a broker's last packet says why it closed.
        self.drainAtEnd()
        self.received = nil
        self.lingering?.cancel()
        self.session.closed(self.side)
        context.fireChannelInactive()
    }

    /// Works off what the peer sent before it went, held back or not; nothing can be added to it.
    func drainAtEnd() {
        self.isAtEnd = true
        self.isHeld = false
        self.drain()
    }

    // MARK: Packets

    private func drain() {
        // A packet can end the session or hold this side; both show in the loop's condition.
        guard !self.isDraining, var bytes = self.received else { return }
        self.isDraining = true
        self.received = nil
        let now = NIODeadline.now()
        var packetCount = 0
        defer {
            self.isDraining = false
            if packetCount > 0 { self.session.received(packetCount: packetCount, from: self.side) }
        }
        do {
            while !self.isHeld, !self.isClosing {
                if self.side == .device {
                    let passed = self.session.passing(
                        prefixOf: bytes, packetBytesMax: self.decoder.packetBytesMax, now: now)
                    bytes.moveReaderIndex(forwardBy: passed.bytes)
                    packetCount += passed.packets
                    // It may have been too much of it.
                    guard passed.packets == 0 else { continue }
                }
                guard let frame = try self.decoder.decode(buffer: &bytes) else { break }
                packetCount += 1
                self.session.received(frame, from: self.side, now: now)
            }
        } catch {
            self.session.malformed(self.side, error)
            return
        }
        guard !self.isClosing, bytes.readableBytes > 0 else { return }
        // What is left is copied out once more than as much was consumed before it: a peer whose every read ends within
        // a packet would otherwise make the buffer grow with everything it ever sent.
        let isMostlyConsumed = bytes.readerIndex > bytes.readableBytes
        self.received = isMostlyConsumed ? ByteBuffer(bytes: bytes.readableBytesView) : bytes
    }
}

@available(*, unavailable) extension PacketHandler: Sendable {}
