import NIOCore

/// What a device does while the server has accepted it.
extension DeviceSession {
    /// What is under way on one connection.
    struct Traffic: Sendable, Equatable {
        /// When CONNACK came.
        var since: NIODeadline = .uptimeNanoseconds(0)
        var keepAlive = KeepAlive(interval: .zero)
        var window = PublishWindow(limit: 1)
        /// Of SUBSCRIBE, until SUBACK.
        var subscribeIdentifier: UInt16?
        /// Whether the connection takes more without piling it up.
        var isWritable = true
        /// PUBACKs sent since it stopped taking more.
        var acknowledgementsHeld = 0
        /// By the place in ``Firmware/telemetry``.
        var telemetry: [Timetable] = []
        var commands = Timetable()
        var updates = Timetable()
        var update: Update?
        /// Of the commands without an answer, oldest first.
        var unanswered: [Unanswered] = []
        /// Of a slow handshake.
        var helloBytesSent = 0
        /// How many answers wait to be sent.
        var answersWaiting = 0
    }

    /// Regular times, each moved a little if there is jitter.
    struct Timetable: Sendable, Equatable {
        var base: NIODeadline = .uptimeNanoseconds(0)
        var due: NIODeadline = .uptimeNanoseconds(0)

        /// - Parameter jitter: Share of the period by which the next time may be early or late, 0 to 1.
        mutating func advance(period: TimeAmount, jitter: Double = 0, using generator: inout SeededGenerator) {
            base = base + period
            due = base
            guard jitter > 0 else { return }
            let reach = Int64(Double(period.nanoseconds) * min(jitter, 1))
            due = base + .nanoseconds(Int64.random(in: -reach...reach, using: &generator))
        }
    }

    struct Unanswered: Sendable, Equatable {
        var identifier: UInt32
        var intended: NIODeadline
    }

    /// An update that is being sent.
    struct Update: Sendable, Equatable {
        var turn: Int
        var bytesLeft: Int
    }

    // MARK: The beginning

    mutating func beginTraffic(keepAlive: TimeAmount, receiveMaximum: Int?, now: NIODeadline) -> [Action] {
        traffic = Traffic()
        traffic.since = now
        traffic.keepAlive = KeepAlive(interval: keepAlive)
        traffic.window = PublishWindow(limit: min(receiveMaximum ?? .max, SimulatorLimits.publishesInFlightMax))
        var actions: [Action] = []
        if history.deedFollowsConnack {
            // A server that is silent about it has neither allowed nor refused it.
            actions.append(.arm(.state, at: now + settings.connectTimeout))
            _ = publish(.misdeed, qos: 1, intended: now, now: now, into: &actions)
        } else {
            actions += beginFirmware(now: now)
        }
        if let due = traffic.keepAlive.sent(now: now) {
            actions.append(.arm(.keepAlive, at: due))
        }
        return actions
    }

    private mutating func beginFirmware(now: NIODeadline) -> [Action] {
        let firmware = settings.firmware
        var actions: [Action] = []
        if firmware.subscriptions.isEmpty {
            actions += beginCommands(now: now)
        } else {
            let identifier = traffic.window.nextIdentifier()
            traffic.subscribeIdentifier = identifier
            actions.append(.sendSubscribe(packetIdentifier: identifier))
        }
        for (stream, telemetry) in firmware.telemetry.enumerated() {
            let timetable = timetable(period: telemetry.period, now: now)
            traffic.telemetry.append(timetable)
            actions.append(.arm(.telemetry(stream), at: timetable.due))
        }
        if let updates = firmware.updates {
            traffic.updates = timetable(period: updates.period, now: now)
            actions.append(.arm(.update, at: traffic.updates.due))
        }
        if let sleep = settings.sleep {
            actions.append(.arm(.sleep, at: now + sleep.awake))
        }
        if let rotation = firmware.rotation {
            let due = rotationDue ?? now + place(in: rotation)
            rotationDue = due
            actions.append(.arm(.rotation, at: due))
        }
        return actions
    }

    /// Each device has its own place in the period, or all of them would publish at once for ever.
    mutating func timetable(period: TimeAmount, now: NIODeadline) -> Timetable {
        let first = now + place(in: period)
        return Timetable(base: first, due: first)
    }

    private mutating func place(in period: TimeAmount) -> TimeAmount {
        .nanoseconds(Int64.random(in: 0..<max(1, period.nanoseconds), using: &generator))
    }

    // MARK: Publishing

    mutating func telemetryDue(_ stream: Int, now: NIODeadline) -> [Action] {
        guard case .connected = state, traffic.telemetry.indices.contains(stream),
            settings.firmware.telemetry.indices.contains(stream)
        else { return [] }
        let telemetry = settings.firmware.telemetry[stream]
        let intended = traffic.telemetry[stream].due
        traffic.telemetry[stream].advance(
            period: telemetry.period, jitter: telemetry.jitter, using: &generator)
        var actions: [Action] = [.arm(.telemetry(stream), at: traffic.telemetry[stream].due)]
        _ = publish(.telemetry(stream), qos: telemetry.qos, intended: intended, now: now, into: &actions)
        return actions
    }

    /// Sends it, or has it wait for its turn.
    ///
    /// - Returns: false if it is given up, because too many wait.
    mutating func publish(
        _ message: Message, qos: UInt8, intended: NIODeadline, now: NIODeadline, into actions: inout [Action]
    ) -> Bool {
        if qos == 0 {
            guard traffic.isWritable else {
                actions.append(.record(.publishSkipped))
                return false
            }
            history.published += 1
            actions += [
                .sendPublish(message, packetIdentifier: nil), .record(.published),
                .record(.latency(.send, now - intended)),
            ]
        } else {
            guard traffic.window.enqueue(.init(message: message, intended: intended)) else {
                actions.append(.record(.publishSkipped))
                return false
            }
            takeSendable(into: &actions)
        }
        // The timer itself is left alone: moving it at each publish would cost more than letting it find out.
        traffic.keepAlive.sent(now: now)
        return true
    }

    mutating func takeSendable(into actions: inout [Action]) {
        while let next = traffic.window.takeNext() {
            history.published += 1
            if case .answer = next.message { traffic.answersWaiting -= 1 }
            actions += [.sendPublish(next.message, packetIdentifier: next.identifier), .record(.published)]
        }
    }

    mutating func writabilityChanged(_ isWritable: Bool, now: NIODeadline) -> [Action] {
        traffic.isWritable = isWritable
        if isWritable { traffic.acknowledgementsHeld = 0 }
        return isWritable ? continueUpdate(now: now) : []
    }

    // MARK: The end

    /// What was due and is not sent any more.
    mutating func skipWaiting() -> [Action] {
        [Action](repeating: .record(.publishSkipped), count: traffic.window.dropWaiting())
    }

    /// The connection is gone with all that was under way, and that is the server's doing.
    mutating func loseTraffic() -> [Action] {
        var actions = skipWaiting()
        let outstanding = traffic.window.outstanding
        if outstanding > 0, !history.deedFollowsConnack {
            history.unacknowledged += outstanding
            actions.append(.record(.publishesLost(outstanding)))
        }
        actions += traffic.unanswered.map { _ in .record(.commandUnanswered) }
        traffic = Traffic()
        return actions
    }
}
