import NIOCore

/// What a device makes of the packets of a server that has accepted it. They may be anything: each is bounded, and what
/// is out of place ends the connection.
extension DeviceSession {
    mutating func pingResponseReceived() {
        traffic.keepAlive.answered()
    }

    /// - Parameter codes: One for each filter; from 128 on it is a refusal.
    mutating func subackReceived(packetIdentifier: UInt16, codes: [UInt8], now: NIODeadline) -> [Action] {
        guard isConnected else { return leavesAlone(now: now) }
        guard traffic.subscribeIdentifier == packetIdentifier, codes.count == settings.firmware.subscriptions.count
        else { return connectionFailed("protocol-error", now: now) }
        traffic.subscribeIdentifier = nil
        var actions: [Action] = []
        for code in codes where code >= 0x80 {
            history.refusedSubscriptions += 1
            actions.append(fail(FailureReason(.session, "suback-\(code)")))
        }
        if case .connected = state {
            actions += beginCommands(now: now)
        }
        return actions
    }

    /// - Parameter code: 0 under MQTT 3.1.1, otherwise the reason code; below 128 it is a success.
    mutating func pubackReceived(packetIdentifier: UInt16, code: UInt8, now: NIODeadline) -> [Action] {
        guard isConnected else { return leavesAlone(now: now) }
        guard let entry = traffic.window.acknowledge(packetIdentifier) else {
            return connectionFailed("protocol-error", now: now)
        }
        var actions: [Action] = []
        if code < 0x80 {
            history.acknowledged += 1
            actions.append(.record(.latency(.publish, now - entry.intended)))
        } else {
            history.refusedPublishes += 1
            actions.append(fail(FailureReason(.session, "puback-\(code)")))
        }
        if entry.message == .misdeed {
            history.acknowledgedViolations += code < 0x80 ? 1 : 0
            // Who was told to stop meanwhile does not come back for another.
            if case .draining(let departure) = state { return actions + depart(departure, now: now) }
            return actions + depart(.backOff, now: now)
        }
        if case .draining(let departure) = state {
            guard traffic.window.outstanding == 0 else { return actions }
            return actions + [.cancelTimers] + leave(departure, now: now)
        }
        takeSendable(into: &actions)
        return actions + continueUpdate(now: now)
    }

    /// A publish came from the server.
    ///
    /// - Parameters:
    ///   - packetIdentifier: Nil for QoS 0.
    ///   - bytes: Of its payload.
    ///   - message: What its payload says, if that is something between devices.
    mutating func publishReceived(
        packetIdentifier: UInt16?, bytes: Int, message: CommandMessage?, now: NIODeadline
    ) -> [Action] {
        guard isConnected else { return leavesAlone(now: now) }
        guard !settings.firmware.subscriptions.isEmpty else {
            return connectionFailed("mqtt-unexpected-packet", now: now)
        }
        history.received += 1
        var actions: [Action] = [.record(.received(bytes: bytes))]
        if let packetIdentifier {
            if !traffic.isWritable {
                // What is not read piles up here.
                traffic.acknowledgementsHeld += 1
                guard traffic.acknowledgementsHeld <= SimulatorLimits.acknowledgementsHeldMax else {
                    return actions + connectionFailed("pubacks-unread", now: now)
                }
            }
            actions.append(.sendPuback(packetIdentifier: packetIdentifier))
            traffic.keepAlive.sent(now: now)
        }
        guard case .connected = state else { return actions }
        switch message {
        case .answer(let identifier):
            // An answer that came too late, or twice, or that nobody asked for, is nothing.
            guard let index = traffic.unanswered.firstIndex(where: { $0.identifier == identifier }) else { break }
            let command = traffic.unanswered.remove(at: index)
            actions.append(.record(.latency(.command, now - command.intended)))
        case .command(let answer) where settings.firmware.answersCommands:
            if answer.qos > 0 {
                // They hold what the server sent: only so many of them.
                guard traffic.answersWaiting < SimulatorLimits.answersWaitingMax else {
                    actions.append(.record(.publishSkipped))
                    break
                }
                traffic.answersWaiting += 1
            }
            if !publish(.answer(answer), qos: answer.qos, intended: now, now: now, into: &actions), answer.qos > 0 {
                traffic.answersWaiting -= 1
            }
        case .command, nil:
            break
        }
        return actions
    }

    /// An MQTT 5.0 server said why it ends the connection.
    mutating func disconnectReceived(code: UInt8, now: NIODeadline) -> [Action] {
        connectionFailed("disconnect-\(code)", now: now)
    }

    /// A packet that belongs to an accepted connection, where there is none.
    private mutating func leavesAlone(now: NIODeadline) -> [Action] {
        if case .awaitingConnack = state { return connectionFailed("protocol-error", now: now) }
        return []
    }
}
