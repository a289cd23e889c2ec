import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix

/// The devices of one event loop: starts them by the timetable, and counts. Everything in it happens on that loop.
final class LoopRunner {
    let eventLoop: any EventLoop
    let plan: RunPlan
    var statistics = LoopStatistics()
    var connectedNow = 0

    private let target: SocketAddress
    private let contexts: ContextSupply
    private let offsets: [TimeAmount?]
    private var runners: [DeviceRunner] = []
    /// How long one round through all devices of the run takes by the timetable.
    private let lapTime: TimeAmount
    /// Attempts under way at once, where there is no timetable.
    private let inFlightMax: Int
    private var inFlight = 0
    private var untried: Int
    private var active = 0
    private var epoch = NIODeadline.now()
    private var startTimer: Scheduled<Void>?
    private var probeTimer: Scheduled<Void>?
    private var processorSecondsAtStart = 0.0
    private var isStopping = false
    /// Whether every device has been told to stop.
    private var isStopped = false
    /// Place in the timetable of the next start; beyond the number of devices in the second round.
    private var nextStart = 0
    private var payloads: [Int: ByteBuffer] = [:]
    /// Devices that have left and are to connect again, where there is no timetable.
    private var reruns = CircularBuffer<DeviceRunner>()
    private var isRefillScheduled = false

    init(
        eventLoop: any EventLoop, plan: RunPlan, target: SocketAddress, assignments: [Assignment],
        inFlightMax: Int, lapTime: TimeAmount, contexts: ContextSupply
    ) {
        self.eventLoop = eventLoop
        self.plan = plan
        self.target = target
        self.contexts = contexts
        self.offsets = assignments.map(\.offset)
        self.lapTime = lapTime
        self.inFlightMax = inFlightMax
        self.untried = assignments.count
        self.runners = assignments.map { assignment in
            let session = DeviceSession(
                settings: plan.settings(for: assignment.device),
                generator: SeededGenerator(seed: plan.schedule.seed, stream: UInt64(assignment.device.index)))
            return DeviceRunner(device: assignment.device, session: session, loop: self)
        }
    }

    // MARK: The run

    /// Makes the first contexts, so that the first devices do not wait for them.
    func prepare() {
        for runner in runners.prefix(SimulatorLimits.contextsAheadMax) {
            contexts.prepare(runner.device.index)
        }
    }

    func start(epoch: NIODeadline) {
        self.epoch = epoch
        processorSecondsAtStart = ProcessClock.threadProcessorSeconds()
        probe(expected: NIODeadline.now() + SimulatorLimits.loopProbeInterval)
        switch plan.schedule.pace {
        case .rate: startDueDevices()
        case .inFlight: fillFlight()
        }
    }

    /// Ends the run: every device takes its leave. ``snapshot`` says when that is done.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        startTimer?.cancel()
        // What is measured ends here: the leave-taking of a whole fleet at once is nobody's latency.
        probeTimer?.cancel()
        stopDevices(from: 0)
    }

    /// Some at a time, so that the acknowledgements that others wait for are read in between.
    private func stopDevices(from place: Int) {
        let end = min(place + SimulatorLimits.stopsPerTurn, runners.count)
        for runner in runners[place..<end] {
            runner.overdueStart = nil
            runner.stop()
        }
        guard end < runners.count else {
            isStopped = true
            return
        }
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.stopDevices(from: end)
        }
    }

    var snapshot: Snapshot {
        Snapshot(
            counters: statistics.counters, connectedNow: connectedNow, untried: untried,
            isDone: active == 0 && (isStopped || (!isStopping && nextStart >= runners.count && !plan.mode.repeats)))
    }

    /// The loop's part of the result. Call once, when the run is over.
    func finish() -> Outcome {
        startTimer?.cancel()
        probeTimer?.cancel()
        let wall = Double((NIODeadline.now() - epoch).nanoseconds) / 1e9
        let busy = ProcessClock.threadProcessorSeconds() - processorSecondsAtStart
        return Outcome(
            statistics: statistics,
            histories: runners.map { ($0.device.index, $0.session.history) },
            busyShare: wall > 0 ? busy / wall : 0)
    }

    // MARK: Starting devices

    private func startDueDevices() {
        guard !isStopping else { return }
        let now = NIODeadline.now()
        while let due = dueTime(ofStart: nextStart) {
            guard due <= now else {
                startTimer = eventLoop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
                    self?.startDueDevices()
                    return
                }
                return
            }
            let runner = runners[nextStart % runners.count]
            nextStart += 1
            prepareContextAhead()
            begin(runner, intended: due)
        }
    }

    private func dueTime(ofStart index: Int) -> NIODeadline? {
        guard !runners.isEmpty, index < runners.count || plan.mode.repeats else { return nil }
        let (lap, place) = index.quotientAndRemainder(dividingBy: runners.count)
        guard let offset = offsets[place] else { return nil }
        return epoch + offset + .nanoseconds(lapTime.nanoseconds &* Int64(lap))
    }

    private func fillFlight() {
        while !isStopping, inFlight < inFlightMax {
            if nextStart < runners.count {
                let runner = runners[nextStart]
                nextStart += 1
                prepareContextAhead()
                begin(runner, intended: NIODeadline.now())
            } else if let runner = reruns.popFirst() {
                begin(runner, intended: NIODeadline.now())
            } else {
                return
            }
        }
    }

    private func begin(_ runner: DeviceRunner, intended: NIODeadline) {
        switch runner.session.state {
        case .idle, .closed:
            if case .idle = runner.session.state { runner.isFirstAttempt = true }
            active += 1
            inFlight += 1
            runner.isUndecided = true
            runner.start(intended: intended)
        case .connecting, .handshaking, .awaitingConnack, .connected, .draining, .leaving, .backingOff:
            // Its last connection is not over: it starts as soon as it can, and the time counts from now.
            guard runner.overdueStart == nil else {
                statistics.record(.failure(FailureReason(.tcp, "device-busy")), now: NIODeadline.now())
                return
            }
            runner.overdueStart = intended
        }
    }

    /// Those between are being made already, each since a start before this one.
    private func prepareContextAhead() {
        let ahead = nextStart - 1 + SimulatorLimits.contextsAheadMax
        guard ahead < runners.count else { return }
        contexts.prepare(runners[ahead].device.index)
    }

    /// The runner's attempt succeeded or failed.
    func attemptDecided(_ runner: DeviceRunner) {
        guard runner.isUndecided else { return }
        runner.isUndecided = false
        inFlight -= 1
        if runner.isFirstAttempt {
            runner.isFirstAttempt = false
            untried -= 1
        }
        refillSoon()
    }

    /// The runner has no connection and wants none.
    func finished(_ runner: DeviceRunner) {
        guard runner.session.history.attempts > 0 else { return }
        active -= 1
        attemptDecided(runner)
        guard !isStopping, plan.mode.repeats else { return }
        switch plan.schedule.pace {
        case .inFlight:
            reruns.append(runner)
            refillSoon()
        case .rate:
            guard let intended = runner.overdueStart else { return }
            runner.overdueStart = nil
            eventLoop.assumeIsolated().execute { [weak self] in
                self?.begin(runner, intended: intended)
            }
        }
    }

    /// On a later turn of the loop: starting from within another device's action would nest without bound when
    /// connections fail at once.
    private func refillSoon() {
        guard case .inFlight = plan.schedule.pace, !isRefillScheduled else { return }
        isRefillScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.isRefillScheduled = false
            self?.fillFlight()
        }
    }

    // MARK: What devices need

    func openConnection(for runner: DeviceRunner) {
        let attempt = runner.session.history.attempts
        contexts.take(runner.device.index) { [weak self, weak runner] made in
            // The attempt may have ended while its context was being made.
            guard let self, let runner, runner.session.history.attempts == attempt,
                case .connecting = runner.session.state
            else { return }
            switch made {
            case .success(let context): self.connect(runner, context)
            case .failure(let error): runner.connectionFailed(FailureCode.of(error))
            }
        }
    }

    private func connect(_ runner: DeviceRunner, _ context: TLSContext) {
        let transport = DeviceTransport(delegate: runner)
        let connection = DeviceConnection(delegate: runner, transport: transport, version: plan.mqtt)
        runner.adopt(connection)
        let serverName = plan.target.serverName
        let bound = NIOLoopBound((transport, connection, context), eventLoop: eventLoop)
        var bootstrap = ClientBootstrap(group: eventLoop)
            // The session's own timer decides; this one only frees what that has given up.
            .connectTimeout(plan.connectTimeout + .seconds(1))
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: SimulatorLimits.receiveBufferBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (transport, connection, context) = bound.value
                    try channel.pipeline.syncOperations.addHandlers([
                        transport, TLSHandler(context: context, serverName: .verified(serverName)), connection,
                    ])
                }
            }
        if let source = plan.sourceAddresses.address(forDevice: runner.device.index) {
            bootstrap = bootstrap.channelOption(SourcePortOption.late, value: 1).bind(to: source)
        }
        bootstrap.connect(to: target).assumeIsolated().whenFailure { [weak runner] error in
            guard let runner, runner.owns(bound.value.1) else { return }
            runner.connectionFailed(FailureCode.of(error))
        }
    }

    /// The number the server gave: of the version that was spoken.
    func connackCode(_ reasonCode: MQTTReasonCode) -> UInt8 {
        switch plan.mqtt {
        case .v3_1_1: MQTTConnectReturnCode(reasonCode)?.rawValue ?? reasonCode.rawValue
        case .v5: reasonCode.rawValue
        }
    }

    /// Filler of the given length; devices share the bytes.
    func payload(bytes: Int) -> ByteBuffer {
        if let payload = payloads[bytes] { return payload }
        var generator = SeededGenerator(seed: plan.schedule.seed, stream: UInt64(bytes))
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let payload = ByteBuffer(bytes: (0..<bytes).map { _ in letters.randomElement(using: &generator) ?? 0x61 })
        payloads[bytes] = payload
        return payload
    }

    // MARK: Watching ourselves

    private func probe(expected: NIODeadline) {
        probeTimer = eventLoop.assumeIsolated().scheduleTask(deadline: expected) { [weak self] in
            guard let self else { return }
            let now = NIODeadline.now()
            self.statistics.recordLoopDelay(now - expected)
            // A fixed timetable: one long delay counts once for each probe that fell into it, as it would have held up
            // every device whose time came meanwhile.
            self.probe(expected: expected + SimulatorLimits.loopProbeInterval)
        }
    }
}
