import NIOCore
import NIOMbedTLS

/// The last handler of a misbehaving device's pipeline, which has no TLS: sends what it is told, and looks at no more
/// of the answer than whether it is an alert.
final class MisdeedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private weak var delegate: (any DeviceConnectionDelegate)?
    private let transport: DeviceTransport
    private var context: ChannelHandlerContext?
    private var answer: [UInt8] = []

    init(delegate: any DeviceConnectionDelegate, transport: DeviceTransport) {
        self.delegate = delegate
        self.transport = transport
    }

    func send(_ bytes: some Collection<UInt8>) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    /// Ends the connection at once and tells the device nothing more.
    func abandon() {
        delegate = nil
        transport.cut()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let room = SimulatorLimits.misdeedAnswerBytesMax - answer.count
        answer += unwrapInboundIn(data).readableBytesView.prefix(max(0, room))
        guard let alert = Self.alert(in: answer) else { return }
        fail(FailureCode.of(alert), context: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(FailureCode.of(error), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        delegate?.connectionClosed()
        delegate = nil
        context.fireChannelInactive()
    }

    private func fail(_ code: String, context: ChannelHandlerContext) {
        delegate?.connectionFailed(code)
        delegate = nil
        context.close(promise: nil)
    }

    /// The alert that `bytes` begin with, if that is what they are: a record in the clear (RFC 8446 sections 5.1 and 6).
    static func alert(in bytes: [UInt8]) -> TLSAlert? {
        guard bytes.count >= 7, bytes[0] == 21, bytes[1] == 3, bytes[3] == 0, bytes[4] == 2 else { return nil }
        return TLSAlert(rawValue: bytes[6])
    }
}
