import MQTTCodec
import NIOCore
import NIOMbedTLS

/// What a connection tells the device it belongs to. All calls come on the connection's event loop.
protocol DeviceConnectionDelegate: AnyObject {
    func connectionOpened()
    func handshakeCompleted(_ completed: TLSHandshakeCompleted)
    /// The server gave a session to resume later.
    func sessionAvailable(_ session: TLSSession)
    /// Whether what is sent leaves without piling up.
    func writabilityChanged(_ isWritable: Bool)
    func packetReceived(_ packet: MQTTPacket)
    /// - Parameter code: As in ``FailureReason/code``.
    func connectionFailed(_ code: String)
    func connectionClosed()
}

/// The last handler of a device's pipeline: plaintext MQTT on one side, its device on the other.
///
/// Belongs to one connection; when the device gives that connection up it detaches, and whatever still arrives is
/// nobody's business.
final class DeviceConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private weak var delegate: (any DeviceConnectionDelegate)?
    private let version: MQTTProtocolVersion
    private let transport: DeviceTransport
    private var context: ChannelHandlerContext?
    private var isLinkWritable = true
    private var unsent = SlicedWrites()
    /// Whether the next slice is due in a later turn of the loop.
    private var isWritingLater = false
    private var closesWhenSent = false
    private var processor: NIOSingleStepByteToMessageProcessor<MQTTFrameDecoder>

    private static let limits = MQTTLimits(packetBytesMax: SimulatorLimits.serverPacketBytesMax)

    init(delegate: any DeviceConnectionDelegate, transport: DeviceTransport, version: MQTTProtocolVersion) {
        self.delegate = delegate
        self.transport = transport
        self.version = version
        // One packet more than the limit may be buffered: the decoder itself refuses by the length it reads.
        self.processor = NIOSingleStepByteToMessageProcessor(
            MQTTFrameDecoder(limits: Self.limits, version: version),
            maximumBufferSize: 2 * SimulatorLimits.serverPacketBytesMax)
    }

    // MARK: What the device asks for

    /// - Throws: ``MQTTEncodingError`` if the packet cannot be written.
    func send(_ packet: MQTTPacket) throws(MQTTEncodingError) {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: 128)
        try packet.encode(into: &buffer, version: version)
        unsent.append(buffer)
        writeUnsent()
    }

    /// Ends the connection after what was sent, with close_notify.
    func close() {
        guard unsent.isEmpty else {
            closesWhenSent = true
            return
        }
        context?.close(promise: nil)
    }

    /// One slice in a turn of the loop, and none while the connection takes no more.
    private func writeUnsent() {
        guard let context, !isWritingLater, context.channel.isWritable, let slice = unsent.next() else { return }
        context.writeAndFlush(wrapOutboundOut(slice), promise: nil)
        guard unsent.isEmpty else {
            isWritingLater = true
            context.eventLoop.assumeIsolated().execute { [weak self] in
                self?.isWritingLater = false
                self?.writeUnsent()
            }
            return
        }
        // Writing may have ended the connection, and then there is nothing to close.
        if closesWhenSent { self.context?.close(promise: nil) }
    }

    /// Ends the connection at once and tells the device nothing more.
    func abandon() {
        delegate = nil
        transport.cut()
    }

    // MARK: ChannelInboundHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let completed as TLSHandshakeCompleted:
            delegate?.handshakeCompleted(completed)
        case let available as TLSSessionAvailable:
            delegate?.sessionAvailable(available.session)
        case let pressure as LinkPressure:
            isLinkWritable = pressure.isWritable
            delegate?.writabilityChanged(isLinkWritable && context.channel.isWritable)
        default:
            break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeUnsent()
        delegate?.writabilityChanged(isLinkWritable && context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try processor.process(buffer: unwrapInboundIn(data)) { frame in
                let packet = try MQTTPacket.decode(frame, version: version, limits: Self.limits, sender: .server)
                delegate?.packetReceived(packet)
            }
        } catch {
            fail(error, context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        delegate?.connectionClosed()
        delegate = nil
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error, context: ChannelHandlerContext) {
        delegate?.connectionFailed(FailureCode.of(error))
        delegate = nil
        context.close(promise: nil)
    }
}

/// The first handler of a device's pipeline after the link, before the TLS handler: sees the TCP connection come up before
/// any of the handshake is computed, and can cut it without asking the TLS handler, which would take its leave of the peer
/// first.
final class DeviceTransport: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private weak var delegate: (any DeviceConnectionDelegate)?
    private let link: LinkEmulation?
    private var context: ChannelHandlerContext?
    private var isCut = false

    init(delegate: any DeviceConnectionDelegate, link: LinkEmulation?) {
        self.delegate = delegate
        self.link = link
    }

    /// Ends the connection at once, or stops it from being made.
    func cut() {
        delegate = nil
        isCut = true
        link?.cut()
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard !isCut else {
            context.close(promise: nil)
            return
        }
        delegate?.connectionOpened()
        context.fireChannelActive()
    }
}
