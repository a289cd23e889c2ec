import NIOCore

/// What devices send each other: commands and updates.
extension DeviceSession {
    // MARK: Commands

    /// Not before SUBACK: an answer to a topic that is not subscribed yet would be lost.
    mutating func beginCommands(now: NIODeadline) -> [Action] {
        guard let commands = settings.firmware.commands else { return [] }
        traffic.commands = timetable(period: commands.period, now: now)
        return [.arm(.command, at: traffic.commands.due)]
    }

    mutating func commandDue(now: NIODeadline) -> [Action] {
        guard case .connected = state, let commands = settings.firmware.commands else { return [] }
        let intended = traffic.commands.due
        traffic.commands.advance(period: commands.period, using: &generator)
        var actions: [Action] = [.arm(.command, at: traffic.commands.due)]
        guard traffic.unanswered.count < SimulatorLimits.commandsOutstandingMax else {
            actions.append(.record(.publishSkipped))
            return actions
        }
        let turn = history.commandsSent
        let identifier = UInt32(truncatingIfNeeded: turn &+ 1)
        guard
            publish(
                .command(identifier: identifier, turn: turn), qos: commands.qos, intended: intended, now: now,
                into: &actions)
        else { return actions }
        history.commandsSent &+= 1
        actions.append(.record(.commandSent))
        if traffic.unanswered.isEmpty {
            actions.append(.arm(.commandTimeout, at: intended + commands.timeout))
        }
        traffic.unanswered.append(Unanswered(identifier: identifier, intended: intended))
        return actions
    }

    mutating func commandTimedOut(now: NIODeadline) -> [Action] {
        guard isConnected, let timeout = settings.firmware.commands?.timeout else { return [] }
        var actions: [Action] = []
        while let oldest = traffic.unanswered.first {
            guard oldest.intended + timeout <= now else {
                actions.append(.arm(.commandTimeout, at: oldest.intended + timeout))
                break
            }
            traffic.unanswered.removeFirst()
            actions.append(.record(.commandUnanswered))
        }
        return actions
    }

    // MARK: Updates

    mutating func updateDue(now: NIODeadline) -> [Action] {
        guard case .connected = state, let updates = settings.firmware.updates else { return [] }
        traffic.updates.advance(period: updates.period, using: &generator)
        let next = Action.arm(.update, at: traffic.updates.due)
        guard traffic.update == nil else { return [next, .record(.publishSkipped)] }
        traffic.update = Update(turn: history.updatesBegun, bytesLeft: updates.totalBytes)
        history.updatesBegun &+= 1
        return [next] + continueUpdate(now: now)
    }

    /// As much of the update as the window or the connection takes.
    mutating func continueUpdate(now: NIODeadline) -> [Action] {
        guard case .connected = state, let updates = settings.firmware.updates else { return [] }
        var actions: [Action] = []
        var burst = 0
        while let update = traffic.update {
            guard updates.qos == 0 ? traffic.isWritable : traffic.window.hasRoom else { break }
            guard burst < SimulatorLimits.updateChunksPerTurn else {
                actions.append(.arm(.updateChunk, at: now + SimulatorLimits.updateChunkPause))
                break
            }
            let bytes = min(max(1, updates.chunkBytes), update.bytesLeft)
            guard bytes > 0 else {
                traffic.update = nil
                break
            }
            traffic.update =
                bytes < update.bytesLeft ? Update(turn: update.turn, bytesLeft: update.bytesLeft - bytes) : nil
            burst += 1
            _ = publish(
                .updateChunk(turn: update.turn, bytes: bytes), qos: updates.qos, intended: now, now: now,
                into: &actions)
        }
        return actions
    }
}
