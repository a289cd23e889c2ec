import MQTTCodec
import NIOCore

/// The packets a device sends.
extension DeviceRunner {
    func sendConnect() {
        send(
            .connect(
                MQTTConnect(
                    version: host.mqtt, clientIdentifier: clientIdentifier, cleanStart: true,
                    keepAliveSeconds: UInt16(clamping: settings.keepAlive.nanoseconds / 1_000_000_000))))
    }

    /// Its own, or its victim's.
    private var clientIdentifier: String {
        switch settings.conduct.conduct {
        case .honest, .slowLoris, .halfOpen, .garbage, .topicViolation, .oversizedPacket: device.clientID
        case .clientIDTheft: victim?.clientID ?? device.clientID
        }
    }

    func sendSubscribe(packetIdentifier: UInt16) {
        let subscriptions = zip(device.texts.filters, settings.firmware.subscriptions).map { filter, subscription in
            MQTTSubscription(filter: filter, qos: subscription.qos == 0 ? .atMostOnce : .atLeastOnce)
        }
        send(.subscribe(MQTTSubscribe(packetIdentifier: packetIdentifier, subscriptions: subscriptions)))
    }

    /// - Parameter packetIdentifier: Nil for QoS 0.
    func sendPublish(_ message: DeviceSession.Message, packetIdentifier: UInt16?) {
        guard let (topic, payload) = contents(of: message) else {
            // A firmware that names a fleet which is not there; scenarios are checked for it.
            connectionFailed("no-peer")
            return
        }
        send(
            .publish(
                MQTTPublish(
                    qos: packetIdentifier == nil ? .atMostOnce : .atLeastOnce, retain: isRetained(message),
                    topic: topic, packetIdentifier: packetIdentifier, payload: payload)))
    }

    private func isRetained(_ message: DeviceSession.Message) -> Bool {
        switch message {
        case .telemetry(let stream):
            settings.firmware.telemetry.indices.contains(stream) && settings.firmware.telemetry[stream].retain
        case .command, .answer, .updateChunk, .misdeed: false
        }
    }

    private func contents(of message: DeviceSession.Message) -> (topic: String, payload: ByteBuffer)? {
        let allocator = ByteBufferAllocator()
        switch message {
        case .telemetry(let stream):
            guard settings.firmware.telemetry.indices.contains(stream),
                device.texts.telemetryTopics.indices.contains(stream)
            else { return nil }
            return (device.texts.telemetryTopics[stream], telemetryPayload(stream))
        case .command(let identifier, let turn):
            guard let commands = settings.firmware.commands, let replyTopic = device.texts.replyTopic,
                let peer = peer(in: commands.fleet, turn: turn)
            else { return nil }
            return (
                commands.topic.render(device.templateValues(peer: peer.name)),
                CommandMessage.command(
                    identifier: identifier, replyTopic: replyTopic, filler: host.payload(bytes: commands.payloadBytes),
                    bytes: commands.payloadBytes, allocator: allocator)
            )
        case .answer(let answer):
            return (answer.topic, answer.payload(allocator: allocator))
        case .updateChunk(let turn, let bytes):
            guard let updates = settings.firmware.updates, let peer = peer(in: updates.fleet, turn: turn) else {
                return nil
            }
            return (updates.topic.render(device.templateValues(peer: peer.name)), host.payload(bytes: bytes))
        case .misdeed:
            return misdeed
        }
    }

    private func telemetryPayload(_ stream: Int) -> ByteBuffer {
        switch settings.firmware.telemetry[stream].payload {
        case .bytes(let count): host.payload(bytes: count)
        case .text: ByteBuffer(string: device.texts.telemetryPayload(stream) ?? "")
        }
    }

    private var misdeed: (topic: String, payload: ByteBuffer)? {
        switch settings.conduct.conduct {
        case .topicViolation:
            guard let template = settings.conduct.topic else { return nil }
            return (template.render(device.templateValues(peer: victim?.name ?? "")), host.payload(bytes: 16))
        case .oversizedPacket:
            return (device.topic, host.payload(bytes: settings.conduct.packetBytes))
        case .honest, .slowLoris, .halfOpen, .garbage, .clientIDTheft:
            return nil
        }
    }

    // MARK: Others

    /// Each misbehaving device has a victim of its own, as far as there are enough.
    private var victim: SimulatedDevice? {
        guard let fleet = settings.conduct.victims else { return nil }
        return peer(in: fleet, turn: 0)
    }

    /// The devices of a fleet in turn, each device beginning with another one; never the device itself, unless it is
    /// the only one.
    private func peer(in fleet: String, turn: Int) -> SimulatedDevice? {
        let count = host.count(fleet: fleet)
        guard count > 0 else { return nil }
        let place = (device.number - 1 + turn % count) % count
        guard let peer = host.peer(fleet: fleet, place: place) else { return nil }
        return peer.index == device.index ? host.peer(fleet: fleet, place: (place + 1) % count) : peer
    }
}
