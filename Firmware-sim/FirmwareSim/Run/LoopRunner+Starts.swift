import NIOCore

/// Starting devices: by the timetable, or as fast as the server answers.
extension LoopRunner {
    /// Begins what can be done before the run: the contexts for the first starts.
    func prepare() {
        if starts.isEmpty {
            let ahead = max(SimulatorLimits.contextsAheadMin, min(inFlightMax, SimulatorLimits.contextsAheadMax))
            for slot in slots.prefix(ahead) { contexts.prepare(slot.runner.device) }
        } else {
            prepareContexts(until: SimulatorLimits.contextsAheadTime)
        }
    }

    // MARK: By the timetable

    func startDueDevices() {
        guard !isStopping else { return }
        let now = NIODeadline.now()
        prepareContexts(until: now - epoch + SimulatorLimits.contextsAheadTime)
        var begun = 0
        while let start = due(nextStart) {
            let intended = epoch + start.offset
            guard intended <= now else {
                wakeForStarts(at: intended)
                return
            }
            // What its stage does before the start is not done yet: ``performOperations`` comes back here.
            guard start.sequence <= releasedSequence || material.plan.mode != .scenario else { return }
            guard begun < SimulatorLimits.startsPerTurn else {
                eventLoop.assumeIsolated().execute { [weak self] in
                    self?.startDueDevices()
                }
                return
            }
            nextStart += 1
            let fleet = slots[start.slot].runner.device.fleetIndex
            guard start.sequence >= startsVoidBefore[fleet] else { continue }
            begun += 1
            begin(start.slot, intended: intended)
        }
    }

    /// The start with that place, those of later rounds too.
    private func due(_ place: Int) -> StartTimetable.Start? {
        guard !starts.isEmpty, place < starts.count || material.plan.mode.repeats else { return nil }
        let (lap, index) = place.quotientAndRemainder(dividingBy: starts.count)
        var start = starts[index]
        start.offset = start.offset + .nanoseconds(material.lapTime.nanoseconds &* Int64(lap))
        return start
    }

    private func wakeForStarts(at next: NIODeadline) {
        var wake = next
        // Before that, if contexts have to be begun for a start further on.
        if nextPrepared < starts.count, nextPrepared - nextStart < SimulatorLimits.contextsAheadMax {
            let ahead = epoch + starts[nextPrepared].offset - SimulatorLimits.contextsAheadTime
            wake = min(wake, max(ahead, NIODeadline.now() + .milliseconds(1)))
        }
        startTimer?.cancel()
        startTimer = eventLoop.assumeIsolated().scheduleTask(deadline: wake) { [weak self] in
            self?.startDueDevices()
            return
        }
    }

    /// Has the contexts made for starts up to that time, within bounds.
    private func prepareContexts(until time: TimeAmount) {
        while nextPrepared < starts.count, nextPrepared < nextStart + SimulatorLimits.contextsAheadMax,
            starts[nextPrepared].offset <= time
        {
            let slot = slots[starts[nextPrepared].slot]
            if !slot.isActive { contexts.prepare(slot.runner.device) }
            nextPrepared += 1
        }
        nextPrepared = max(nextPrepared, min(nextStart, starts.count))
    }

    // MARK: As fast as the server answers

    func fillFlight() {
        while !isStopping, inFlight < inFlightMax {
            if nextStart < slots.count {
                let slot = nextStart
                nextStart += 1
                let ahead = slot + SimulatorLimits.contextsAheadMin
                if ahead < slots.count { contexts.prepare(slots[ahead].runner.device) }
                begin(slot, intended: NIODeadline.now())
            } else if let slot = reruns.popFirst() {
                begin(slot, intended: NIODeadline.now())
            } else {
                return
            }
        }
    }

    /// On a later turn of the loop: starting from within another device's action would nest without bound when
    /// connections fail at once.
    private func refillSoon() {
        guard case .inFlight = material.plan.pace, material.plan.mode != .scenario, !isRefillScheduled else { return }
        isRefillScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.isRefillScheduled = false
            self?.fillFlight()
        }
    }

    // MARK: One device

    /// - Parameter possible: When the device's last connection was out of the way, if that held up the start.
    private func begin(_ slot: Int, intended: NIODeadline, possible: NIODeadline? = nil) {
        guard !slots[slot].isActive else {
            // In a scenario it has power already, and that is all a start means; unless it is about to leave.
            guard material.plan.mode.repeats || slots[slot].isLeaving else { return }
            // Its last connection is not over: it starts as soon as it can, and the time counts from now.
            guard slots[slot].overdueStart == nil else {
                record(
                    .failure(FailureReason(.tcp, "device-busy")), of: slots[slot].runner.device, now: NIODeadline.now())
                return
            }
            slots[slot].overdueStart = intended
            return
        }
        slots[slot].isActive = true
        slots[slot].isUndecided = true
        active += 1
        inFlight += 1
        slots[slot].runner.start(intended: intended, possible: possible)
    }

    func attemptDecided(_ runner: DeviceRunner) {
        guard let slot = places[runner.device.index] else { return }
        decided(slot)
        setAttempting(false, slot)
    }

    /// For who wants to know whether what is connected is all that takes memory.
    func setAttempting(_ isAttempting: Bool, _ slot: Int) {
        guard slots[slot].isAttempting != isAttempting else { return }
        slots[slot].isAttempting = isAttempting
        attempting += isAttempting ? 1 : -1
    }

    private func decided(_ slot: Int) {
        guard slots[slot].isUndecided else { return }
        slots[slot].isUndecided = false
        inFlight -= 1
        if !slots[slot].isTried {
            slots[slot].isTried = true
            untried -= 1
        }
        refillSoon()
    }

    func finished(_ runner: DeviceRunner) {
        guard let slot = places[runner.device.index] else { return }
        ended(slot)
    }

    /// The device has no connection and wants none.
    func ended(_ slot: Int) {
        guard slots[slot].isActive else { return }
        slots[slot].isActive = false
        active -= 1
        slots[slot].isLeaving = false
        decided(slot)
        setAttempting(false, slot)
        guard !isStopping else { return }
        if let intended = slots[slot].overdueStart {
            slots[slot].overdueStart = nil
            let possible = NIODeadline.now()
            eventLoop.assumeIsolated().execute { [weak self] in
                self?.begin(slot, intended: intended, possible: possible)
            }
        } else if material.plan.mode.repeats, case .inFlight = material.plan.pace {
            reruns.append(slot)
            refillSoon()
        }
    }
}
