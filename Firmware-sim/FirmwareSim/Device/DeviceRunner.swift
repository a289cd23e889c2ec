import MQTTCodec
import NIOCore

/// One device at work: feeds its ``DeviceSession`` and runs what comes out. Belongs to one event loop.
final class DeviceRunner: DeviceConnectionDelegate {
    let device: SimulatedDevice
    private(set) var session: DeviceSession
    /// Set when the next start was due before the last connection was over: when that start was meant.
    var overdueStart: NIODeadline?
    /// Whether it counts as an attempt under way.
    var isUndecided = false
    /// Whether the attempt under way is the device's first in this run.
    var isFirstAttempt = false

    private unowned let loop: LoopRunner
    private var connection: DeviceConnection?
    private var stateTimer: Scheduled<Void>?
    private var publishTimer: Scheduled<Void>?
    private var keepAliveTimer: Scheduled<Void>?

    init(device: SimulatedDevice, session: DeviceSession, loop: LoopRunner) {
        self.device = device
        self.session = session
        self.loop = loop
    }

    func start(intended: NIODeadline) {
        perform { $0.startDue(intended: intended, now: $1) }
    }

    func stop() {
        perform { $0.stopRequested(now: $1) }
    }

    // MARK: DeviceConnectionDelegate

    func connectionOpened() {
        perform { $0.connectionOpened(now: $1) }
    }

    func handshakeCompleted() {
        perform { $0.handshakeCompleted(now: $1) }
    }

    func connectionFailed(_ code: String) {
        perform { $0.connectionFailed(code, now: $1) }
    }

    func connectionClosed() {
        connection = nil
        perform { $0.connectionClosed(now: $1) }
    }

    func packetReceived(_ packet: MQTTPacket) {
        switch packet {
        case .connack(let connack):
            let code = loop.connackCode(connack.reasonCode)
            let keepAlive = connack.properties.serverKeepAlive.map { TimeAmount.seconds(Int64($0)) }
            let receiveMaximum = connack.properties.receiveMaximum.map { Int($0) }
            perform {
                $0.connackReceived(
                    code: code, serverKeepAlive: keepAlive, receiveMaximum: receiveMaximum, now: $1)
            }
        case .puback(let puback):
            perform {
                $0.pubackReceived(packetIdentifier: puback.packetIdentifier, code: puback.reasonCode.rawValue, now: $1)
            }
        case .pingresp:
            session.pingResponseReceived()
        case .disconnect(let disconnect):
            perform { $0.disconnectReceived(code: disconnect.reasonCode.rawValue, now: $1) }
        case .connect, .publish, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe, .unsuback, .pingreq,
            .auth:
            // The device asked for none of these.
            connectionFailed("mqtt-unexpected-packet")
        }
    }

    // MARK: Running actions

    private func perform(_ input: (inout DeviceSession, NIODeadline) -> [DeviceSession.Action]) {
        let wasConnected = session.isConnected
        let now = NIODeadline.now()
        let actions = input(&session, now)
        if session.isConnected != wasConnected {
            loop.connectedNow += session.isConnected ? 1 : -1
        }
        for action in actions {
            run(action, now: now)
        }
    }

    private func run(_ action: DeviceSession.Action, now: NIODeadline) {
        switch action {
        case .openConnection:
            loop.openConnection(for: self)
        case .sendConnect:
            send(
                .connect(
                    MQTTConnect(
                        version: loop.plan.mqtt, clientIdentifier: device.clientID, cleanStart: true,
                        keepAliveSeconds: UInt16(clamping: loop.plan.keepAlive.nanoseconds / 1_000_000_000))))
        case .sendPublish(let packetIdentifier):
            send(
                .publish(
                    MQTTPublish(
                        qos: packetIdentifier == nil ? .atMostOnce : .atLeastOnce, topic: device.topic,
                        packetIdentifier: packetIdentifier,
                        payload: loop.payload(bytes: device.publishing.payloadBytes))))
        case .sendPing:
            send(.pingreq)
        case .sendDisconnect:
            send(.disconnect(MQTTDisconnect()))
        case .closeConnection:
            connection?.close()
        case .abandonConnection:
            connection?.abandon()
            connection = nil
        case .arm(let timer, let deadline):
            arm(timer, at: deadline)
        case .cancelTimers:
            cancelTimers()
        case .record(let observation):
            loop.statistics.record(observation, now: now)
        case .attemptDecided:
            loop.attemptDecided(self)
        case .finished:
            cancelTimers()
            loop.finished(self)
        }
    }

    private func send(_ packet: MQTTPacket) {
        do {
            try connection?.send(packet)
        } catch {
            // Topics and client ids are checked before the run, so this is a mistake of ours: it must show.
            connectionFailed(FailureCode.of(error))
        }
    }

    /// The loop made a connection for the attempt under way.
    func adopt(_ connection: DeviceConnection) {
        self.connection = connection
    }

    /// Whether this connection is the one it works with, and not one it gave up.
    func owns(_ connection: DeviceConnection) -> Bool {
        self.connection === connection
    }

    private func arm(_ timer: DeviceSession.Timer, at deadline: NIODeadline) {
        let scheduled = loop.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            self?.perform { $0.timerFired(timer, now: $1) }
            return
        }
        switch timer {
        case .state:
            stateTimer?.cancel()
            stateTimer = scheduled
        case .publish:
            publishTimer?.cancel()
            publishTimer = scheduled
        case .keepAlive:
            keepAliveTimer?.cancel()
            keepAliveTimer = scheduled
        }
    }

    private func cancelTimers() {
        stateTimer?.cancel()
        publishTimer?.cancel()
        keepAliveTimer?.cancel()
        stateTimer = nil
        publishTimer = nil
        keepAliveTimer = nil
    }
}
