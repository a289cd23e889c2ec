import NIOCore

/// Fired as a user inbound event: the emulated link holds so much of what the device sent that it should send no more,
/// or takes more again.
struct LinkPressure: Sendable, Equatable {
    var isWritable: Bool
}

/// The lowest handler of a device's pipeline: holds bytes in both directions for as long as the device's link would
/// take them, in order. Only there for devices with a link.
///
/// The connection counts as made a round trip after it is. Towards the device what is held is bounded by reading no
/// more; from the device it is announced by ``LinkPressure``, and beyond twice the bound the connection is cut, which
/// takes a device that does not listen. The channel must allow half-closure (`allowRemoteHalfClosure`): the server's end
/// travels behind its last bytes.
final class LinkEmulation: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Inbound {
        case active
        case bytes(ByteBuffer)
        case end
    }

    private enum Outbound {
        case bytes(ByteBuffer, EventLoopPromise<Void>?)
        case close(EventLoopPromise<Void>?)
    }

    private struct Held<Item> {
        var items = CircularBuffer<(item: Item, release: NIODeadline)>()
        var bytes = 0
        var timer: Scheduled<Void>?
    }

    private var down: LinkSchedule
    private var up: LinkSchedule
    private var inbound = Held<Inbound>()
    private var outbound = Held<Outbound>()
    private var isReadHeldBack = false
    private var isUnderPressure = false
    private var isCut = false

    /// - Parameter generator: Its own sequence for each connection.
    init(_ model: LinkModel, generator: SeededGenerator) {
        var seeds = generator
        self.down = LinkSchedule(model, direction: .down, generator: SeededGenerator(seed: seeds.next()))
        self.up = LinkSchedule(model, direction: .up, generator: SeededGenerator(seed: seeds.next()))
    }

    /// Drops what is held; a close that follows takes effect at once. For connections that end without a word.
    func cut() {
        isCut = true
        inbound.timer?.cancel()
        outbound.timer?.cancel()
        inbound = Held()
        let dropped = outbound.items
        outbound = Held()
        for (item, _) in dropped {
            switch item {
            case .bytes(_, let promise): promise?.fail(ChannelError.ioOnClosedChannel)
            case .close(let promise): promise?.succeed()
            }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cut()
    }

    // MARK: Towards the device

    func channelActive(context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        hold(.active, bytes: 0, until: now + down.drawRoundTrip(), context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isCut else { return }
        let buffer = unwrapInboundIn(data)
        let release = down.release(bytes: buffer.readableBytes, now: context.eventLoop.now)
        hold(.bytes(buffer), bytes: buffer.readableBytes, until: release, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        guard !isCut else { return }
        hold(.end, bytes: 0, until: down.release(bytes: 0, now: context.eventLoop.now), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deliverAll(context)
        cut()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        guard inbound.bytes < SimulatorLimits.linkHeldBytesMax else {
            isReadHeldBack = true
            return
        }
        context.read()
    }

    private func hold(_ item: Inbound, bytes: Int, until release: NIODeadline, _ context: ChannelHandlerContext) {
        // Nothing overtakes the connection itself.
        let latest = max(release, inbound.items.last?.release ?? release)
        inbound.items.append((item, latest))
        inbound.bytes += bytes
        armInbound(context)
    }

    private func armInbound(_ context: ChannelHandlerContext) {
        guard inbound.timer == nil, let next = inbound.items.first?.release else { return }
        inbound.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [self] in
            inbound.timer = nil
            releaseInbound(context)
        }
    }

    private func releaseInbound(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        var delivered = false
        while !isCut, let first = inbound.items.first, first.release <= now {
            inbound.items.removeFirst()
            if case .bytes(let buffer) = first.item {
                inbound.bytes -= buffer.readableBytes
                delivered = true
            }
            deliver(first.item, context)
        }
        guard !isCut else { return }
        if delivered { context.fireChannelReadComplete() }
        if isReadHeldBack, inbound.bytes < SimulatorLimits.linkHeldBytesMax {
            isReadHeldBack = false
            context.read()
        }
        armInbound(context)
    }

    private func deliver(_ item: Inbound, _ context: ChannelHandlerContext) {
        switch item {
        case .active: context.fireChannelActive()
        case .bytes(let buffer): context.fireChannelRead(wrapInboundOut(buffer))
        case .end: context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Those behind hear of it when they are given something; the channel reads on by itself.
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        deliverAll(context)
        context.fireErrorCaught(error)
    }

    /// The connection is over: what had come must be seen before its end is.
    private func deliverAll(_ context: ChannelHandlerContext) {
        inbound.timer?.cancel()
        inbound.timer = nil
        while !isCut, let (item, _) = inbound.items.popFirst() {
            if case .bytes(let buffer) = item { inbound.bytes -= buffer.readableBytes }
            deliver(item, context)
        }
    }

    // MARK: From the device

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isCut else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let buffer = unwrapOutboundIn(data)
        let bytes = buffer.readableBytes
        guard outbound.bytes + bytes <= 2 * SimulatorLimits.linkHeldBytesMax || outbound.items.isEmpty else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            cut()
            context.close(promise: nil)
            return
        }
        outbound.items.append((.bytes(buffer, promise), up.release(bytes: bytes, now: context.eventLoop.now)))
        outbound.bytes += bytes
        armOutbound(context)
        announcePressure(context)
    }

    func flush(context: ChannelHandlerContext) {
        // What is released is flushed; everything a device writes it also flushes.
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, !isCut, !outbound.items.isEmpty, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        // Behind what is still on its way: its release time is that of the last bytes.
        let release = outbound.items.last?.release ?? context.eventLoop.now
        outbound.items.append((.close(promise), release))
        armOutbound(context)
    }

    private func armOutbound(_ context: ChannelHandlerContext) {
        guard outbound.timer == nil, let next = outbound.items.first?.release else { return }
        outbound.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [self] in
            outbound.timer = nil
            releaseOutbound(context)
        }
    }

    private func releaseOutbound(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        var wrote = false
        while !isCut, let first = outbound.items.first, first.release <= now {
            outbound.items.removeFirst()
            switch first.item {
            case .bytes(let buffer, let promise):
                outbound.bytes -= buffer.readableBytes
                context.write(wrapOutboundOut(buffer), promise: promise)
                wrote = true
            case .close(let promise):
                context.flush()
                cut()
                context.close(promise: promise)
                return
            }
        }
        if wrote { context.flush() }
        guard !isCut else { return }
        announcePressure(context)
        armOutbound(context)
    }

    private func announcePressure(_ context: ChannelHandlerContext) {
        let isNow = outbound.bytes > SimulatorLimits.linkHeldBytesMax / (isUnderPressure ? 2 : 1)
        guard isNow != isUnderPressure else { return }
        isUnderPressure = isNow
        context.fireUserInboundEventTriggered(LinkPressure(isWritable: !isNow))
    }
}
