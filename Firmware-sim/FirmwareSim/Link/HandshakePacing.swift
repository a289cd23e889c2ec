import NIOCore

/// Makes a handshake take the processor time of the device's class, on timers: below the TLS handler, it holds back what
/// the device would not have computed yet. Takes itself out of the pipeline when the handshake is over.
///
/// * `hello`: between the connection and the ClientHello.
/// * `answer`: between the server's first flight and the device's answer to it.
/// * `finish`: after the server's last flight, which is the second one of a full TLS 1.2 handshake, and otherwise the
///   first, so that `answer` and `finish` come together.
///
/// A flight that comes in pieces is computed on from its first piece. An alert, or what is no TLS, is passed on at once.
final class HandshakePacing: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private enum State {
        /// Before the ClientHello: the TLS handler does not know of the connection yet.
        case computingHello
        case awaitingFlight
        /// Since the first piece of it came.
        case readingFlight(since: NIODeadline)
        /// - Parameter isLast: Whether nothing is to be computed after this.
        case computing(isLast: Bool)
        case awaitingLastFlight
        case done
    }

    private let time: DeviceClass.HandshakeTime
    private let offersSession: Bool
    private var state = State.computingHello
    private var held = ByteBuffer()
    private var isActive = false
    private var isReadHeldBack = false
    private var timer: Scheduled<Void>?

    /// - Parameter offersSession: Whether the ClientHello asks for a resumption, and costs as one.
    init(_ time: DeviceClass.HandshakeTime, offersSession: Bool) {
        self.time = time
        self.offersSession = offersSession
    }

    /// The time of one flight, bounded to what any connect timeout outlasts.
    private func share(_ share: Double, isResumed: Bool) -> TimeAmount {
        let whole = isResumed ? time.resumed : time.full
        return .nanoseconds(Int64(Double(max(0, whole.nanoseconds)) * min(max(0, share), 1)))
    }

    // MARK: Inbound

    func channelActive(context: ChannelHandlerContext) {
        after(share(time.shares.hello, isResumed: offersSession), context) { [self] in
            activate(context)
        }
        // The handshake needs input; nobody behind this asks for it yet.
        context.read()
    }

    private func activate(_ context: ChannelHandlerContext) {
        guard case .computingHello = state else { return }
        state = .awaitingFlight
        isActive = true
        context.fireChannelActive()
        if held.readableBytes > 0 { examine(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .computingHello, .computing:
            hold(data)
        case .awaitingFlight, .readingFlight:
            hold(data)
            examine(context)
        case .awaitingLastFlight:
            hold(data)
            state = .computing(isLast: true)
            after(share(time.shares.finish, isResumed: false), context) { [self] in finish(context) }
        case .done:
            context.fireChannelRead(data)
        }
    }

    private func hold(_ data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if held.readableBytes == 0 {
            held = buffer
        } else {
            held.writeBuffer(&buffer)
        }
    }

    /// Looks at the server's first flight, as far as it is there.
    private func examine(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        let since: NIODeadline
        if case .readingFlight(let first) = state { since = first } else { since = now }
        let flight = ServerFlight(held.readableBytesView)
        switch flight {
        case .incomplete:
            state = .readingFlight(since: since)
        case .retry:
            // The answer is another ClientHello; the flight that is meant comes after it.
            state = .awaitingFlight
            passOn(context)
        case .other:
            finish(context)
        case .full(let isTLS13), .resumed(let isTLS13):
            let isResumed = flight == .resumed(isTLS13: isTLS13)
            let isLast = isTLS13 || isResumed
            let shares = time.shares.answer + (isLast ? time.shares.finish : 0)
            state = .computing(isLast: isLast)
            let left = since + share(shares, isResumed: isResumed) - now
            after(left, context) { [self] in
                guard !isLast else { return finish(context) }
                state = .awaitingLastFlight
                passOn(context)
            }
        }
    }

    /// Gives what is held to the TLS handler.
    private func passOn(_ context: ChannelHandlerContext) {
        let buffer = held
        held = ByteBuffer()
        if buffer.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(buffer))
            context.fireChannelReadComplete()
        }
        guard isReadHeldBack else { return }
        isReadHeldBack = false
        context.read()
    }

    /// Nothing more is held back.
    private func finish(_ context: ChannelHandlerContext) {
        if case .done = state { return }
        state = .done
        timer?.cancel()
        timer = nil
        passOn(context)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isActive { context.fireChannelReadComplete() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if case .done = state {
        } else {
            state = .done
            // What the server said last may be why it closed.
            if isActive, held.readableBytes > 0 { passOn(context) }
        }
        held = ByteBuffer()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    // MARK: Outbound

    func read(context: ChannelHandlerContext) {
        guard held.readableBytes < SimulatorLimits.serverFlightBytesMax * 2 else {
            isReadHeldBack = true
            return
        }
        context.read()
    }

    private func after(_ time: TimeAmount, _ context: ChannelHandlerContext, _ body: @escaping () -> Void) {
        guard time > .zero else { return body() }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
            timer = nil
            body()
        }
    }
}
