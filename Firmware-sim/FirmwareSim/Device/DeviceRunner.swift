import MQTTCodec
import NIOCore
import NIOMbedTLS

/// One device at work: feeds its ``DeviceSession`` and runs what comes out. Belongs to one event loop.
final class DeviceRunner: DeviceConnectionDelegate {
    let device: SimulatedDevice
    let settings: DeviceSettings
    private(set) var session: DeviceSession

    unowned let host: any DeviceHost
    /// The one it works with, and not one it gave up.
    var line: DeviceLine?
    /// The newest that the server gave; what the next attempt may offer.
    private var tlsSession: TLSSession?
    /// Whether the attempt under way offers it.
    private var offersSession = false
    private var timers = DeviceTimers()
    private var wakeUp: (due: NIODeadline, scheduled: Scheduled<Void>)?
    /// While due times are being served one after the other, there is nothing to arm.
    private var isServingTimers = false
    private var isRunningActions = false
    /// What came of facts that came while actions were running: their actions have to wait, or the rest of the earlier
    /// ones would fall on the next connection.
    private var deferred: [Batch] = []

    /// The actions of one fact.
    private struct Batch {
        var actions: [DeviceSession.Action]
        var now: NIODeadline
        /// Since when the device was connected when the fact came; nil if it was not.
        var connectedSince: NIODeadline?
    }

    init(device: SimulatedDevice, settings: DeviceSettings, generator: SeededGenerator, host: any DeviceHost) {
        self.device = device
        self.settings = settings
        self.session = DeviceSession(settings: settings, generator: generator)
        self.host = host
    }

    // MARK: Orders

    /// Power on. Ignored unless ``DeviceSession/isStartable``.
    ///
    /// - Parameter possible: When the device could begin, where its last connection was in the way until then: the
    ///   generator is not late before that. Nil: as intended.
    func start(intended: NIODeadline, possible: NIODeadline? = nil) {
        session.isLinkUp = host.isLinkUp(for: device)
        perform { $0.startDue(intended: intended, possible: possible, now: $1) }
    }

    /// Take leave of the server, and stay away until ``start(intended:)``.
    func stop() {
        perform { $0.stopRequested(now: $1) }
    }

    /// Power off: the connection is gone without a word, and the device stays away until ``start(intended:)``.
    func cut() {
        perform { $0.powerLost(now: $1) }
    }

    /// The device's link is gone: its connection is cut, and attempts get nowhere until ``linkRestored()``.
    func linkLost() {
        perform { $0.linkLost(now: $1) }
    }

    func linkRestored() {
        perform { session, _ in session.linkRestored() }
    }

    /// The device has a new key and certificate: it comes back with them.
    func credentialRenewed() {
        credentialRenewed(succeeded: true)
    }

    private func credentialRenewed(succeeded: Bool) {
        // A resumed connection would go on under the old certificate.
        if succeeded { tlsSession = nil }
        perform { $0.credentialRenewed(succeeded: succeeded, now: $1) }
    }

    /// The session to offer in the attempt that begins, if it is to offer one.
    func takeOfferedSession() -> TLSSession? {
        let offered = session.offersSession() ? tlsSession : nil
        offersSession = offered != nil
        return offered
    }

    /// The connection is being made: whatever the generator does before an attempt is done.
    func connectBegins() {
        perform { $0.connectBegins(now: $1) }
    }

    // MARK: DeviceConnectionDelegate

    func connectionOpened() {
        perform { $0.connectionOpened(now: $1) }
    }

    func handshakeCompleted(_ completed: TLSHandshakeCompleted) {
        perform {
            $0.handshakeCompleted(
                isTLS13: completed.version == .v1_3, isResumed: completed.isResumed,
                bytes: completed.handshakeBytesIn + completed.handshakeBytesOut, now: $1)
        }
    }

    func sessionAvailable(_ session: TLSSession) {
        guard settings.keepsSessions, !self.session.isChangingIdentity else { return }
        tlsSession = session
    }

    func writabilityChanged(_ isWritable: Bool) {
        perform { $0.writabilityChanged(isWritable, now: $1) }
    }

    func connectionFailed(_ code: String) {
        perform { $0.connectionFailed(code, now: $1) }
    }

    func connectionClosed() {
        line = nil
        perform { $0.connectionClosed(now: $1) }
    }

    func packetReceived(_ packet: MQTTPacket) {
        switch packet {
        case .connack(let connack):
            let code = Self.connackCode(connack.reasonCode, host.mqtt)
            let keepAlive = connack.properties.serverKeepAlive.map { TimeAmount.seconds(Int64($0)) }
            let receiveMaximum = connack.properties.receiveMaximum.map { Int($0) }
            perform {
                $0.connackReceived(
                    code: code, serverKeepAlive: keepAlive, receiveMaximum: receiveMaximum, now: $1)
            }
        case .suback(let suback):
            perform {
                $0.subackReceived(
                    packetIdentifier: suback.packetIdentifier, codes: suback.reasonCodes.map(\.rawValue), now: $1)
            }
        case .puback(let puback):
            perform {
                $0.pubackReceived(packetIdentifier: puback.packetIdentifier, code: puback.reasonCode.rawValue, now: $1)
            }
        case .publish(let publish) where publish.qos != .exactlyOnce:
            let message = CommandMessage(publish.payload, qos: publish.qos.rawValue)
            perform {
                $0.publishReceived(
                    packetIdentifier: publish.packetIdentifier, bytes: publish.payload.readableBytes, message: message,
                    now: $1)
            }
        case .pingresp:
            session.pingResponseReceived()
        case .disconnect(let disconnect):
            perform { $0.disconnectReceived(code: disconnect.reasonCode.rawValue, now: $1) }
        case .connect, .publish, .pubrec, .pubrel, .pubcomp, .subscribe, .unsubscribe, .unsuback, .pingreq, .auth:
            // The device asked for none of these.
            connectionFailed("mqtt-unexpected-packet")
        }
    }

    /// The number the server gave: of the version that is spoken.
    private static func connackCode(_ reasonCode: MQTTReasonCode, _ version: MQTTProtocolVersion) -> UInt8 {
        switch version {
        case .v3_1_1: MQTTConnectReturnCode(reasonCode)?.rawValue ?? reasonCode.rawValue
        case .v5: reasonCode.rawValue
        }
    }

    // MARK: Running actions

    private func perform(_ input: (inout DeviceSession, NIODeadline) -> [DeviceSession.Action]) {
        let connectedSince = session.connectedSince
        let now = NIODeadline.now()
        let actions = input(&session, now)
        if session.isConnected != (connectedSince != nil) {
            host.connectedChanged(self, isConnected: session.isConnected)
        }
        let batch = Batch(actions: actions, now: now, connectedSince: connectedSince)
        guard !isRunningActions else {
            deferred.append(batch)
            return
        }
        isRunningActions = true
        run(batch)
        while !deferred.isEmpty {
            let batches = deferred
            deferred = []
            for batch in batches { run(batch) }
        }
        isRunningActions = false
        armWakeUp()
    }

    private func run(_ batch: Batch) {
        for action in batch.actions { run(action, of: batch) }
    }

    private func run(_ action: DeviceSession.Action, of batch: Batch) {
        switch action {
        case .openConnection: host.openConnection(for: self)
        case .sendConnect: sendConnect()
        case .sendSubscribe(let identifier): sendSubscribe(packetIdentifier: identifier)
        case .sendPublish(let message, let identifier): sendPublish(message, packetIdentifier: identifier)
        case .sendPuback(let identifier): send(.puback(MQTTAcknowledgement(packetIdentifier: identifier)))
        case .sendPing: send(.pingreq)
        case .sendDisconnect: send(.disconnect(MQTTDisconnect()))
        case .sendGarbage(let seed): line?.send(MisdeedBytes.garbage(seed: seed))
        case .sendHello(let range): line?.send(Array(MisdeedBytes.hello[range.clamped(to: MisdeedBytes.hello.indices)]))
        case .closeConnection: line?.close()
        case .abandonConnection:
            line?.abandon()
            line = nil
        case .renewCredential:
            host.renewCredential(of: self) { [weak self] in self?.credentialRenewed(succeeded: $0) }
        case .arm(let timer, let deadline): timers.arm(timer, at: deadline)
        case .cancelTimers: timers.cancelAll()
        case .record(let observation): record(observation, of: batch)
        case .attemptDecided: host.attemptDecided(self)
        case .finished:
            timers.cancelAll()
            host.finished(self)
        }
    }

    private func record(_ observation: Observation, of batch: Batch) {
        host.record(observation, of: device, now: batch.now)
        switch observation {
        case .latency(.publish, let time):
            guard let since = batch.connectedSince, since < host.stageStart else { return }
            host.record(.latency(.established, time), of: device, now: batch.now)
        case .failure(let reason):
            dropSession(after: reason)
        case .attempt, .startDelay, .latency, .handshake, .received, .commandSent, .commandUnanswered, .connack,
            .published, .attemptAbandoned, .publishesLost, .publishSkipped:
            break
        }
    }

    /// RFC 8446 section 4.6.1 lets a server forget sessions. One that came with a failure is not offered again: with
    /// TLS 1.3 the failure may come after the handshake. A CONNACK that refuses says that the handshake was good.
    private func dropSession(after reason: FailureReason) {
        guard offersSession else { return }
        switch reason.phase {
        case .tls: tlsSession = nil
        case .connack where !reason.code.hasPrefix("connack-"): tlsSession = nil
        case .connack, .tcp, .session: break
        }
    }

    func send(_ packet: MQTTPacket) {
        do {
            try line?.send(packet)
        } catch {
            // Topics and client ids are checked before the run, so this is a mistake of ours: it must show.
            connectionFailed(FailureCode.of(error))
        }
    }

    // MARK: Time

    /// One timer of the event loop for the nearest due time. One that turns out to be too early is left to find that
    /// out: moving a timer costs more than a wake-up.
    private func armWakeUp() {
        guard !isServingTimers else { return }
        guard let next = timers.next else {
            wakeUp?.scheduled.cancel()
            wakeUp = nil
            return
        }
        if let wakeUp {
            guard next < wakeUp.due else { return }
            wakeUp.scheduled.cancel()
        }
        let scheduled = host.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [weak self] in
            self?.serveTimers()
            return
        }
        wakeUp = (next, scheduled)
    }

    private func serveTimers() {
        wakeUp = nil
        isServingTimers = true
        let now = NIODeadline.now()
        while let timer = timers.popDue(now: now) {
            perform { $0.timerFired(timer, now: $1) }
        }
        isServingTimers = false
        armWakeUp()
    }
}
