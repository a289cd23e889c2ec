import NIOCore

/// What stages do to devices.
extension LoopRunner {
    /// Something done to many devices, some at a time.
    enum Operation {
        case cut(Set<Int>)
        case linkDown(Set<Int>)
        case linkUp(Set<Int>)
        case stop(Set<Int>)
        /// Starts up to this step may begin.
        case release(sequence: Int)
        /// The run is over: everyone takes its leave.
        case end
    }

    func beginStage(_ index: Int) {
        guard !isStopping, material.outline.indices.contains(index) else { return }
        let stage = material.outline[index]
        accountProcessorTime()
        self.stage = index
        stageStart = epoch + stage.start
        statistics.enter(stage: index)
        noteConnected(in: stage)
        if index > 0 {
            let down = material.outline[index - 1].withoutLink
            if !down.isEmpty { perform(.linkUp(down)) }
        }
        for step in stage.steps {
            switch step.kind {
            case .start:
                // Given free below, when everything that stands before it is done.
                break
            case .cut:
                voidStarts(of: step)
                perform(.cut(step.fleets))
            case .stop:
                voidStarts(of: step)
                perform(.stop(step.fleets))
            case .outage:
                perform(.linkDown(step.fleets))
            }
            perform(.release(sequence: step.sequence))
        }
        let next = index + 1
        guard material.outline.indices.contains(next) else { return }
        stageTimer = eventLoop.assumeIsolated().scheduleTask(deadline: epoch + material.outline[next].start) {
            [weak self] in
            self?.beginStage(next)
            return
        }
    }

    /// Who is connected when a stage begins, and stays so, need not connect in it.
    private func noteConnected(in stage: StageOutline) {
        let disconnected = stage.disconnected
        let isFirstMeasured = !stage.isWarmUp && stage.start == material.measuredFrom
        for index in slots.indices where slots[index].isConnected {
            guard !disconnected.contains(slots[index].runner.device.fleetIndex) else { continue }
            countConnected(index, at: stageStart, isInMeasuredPart: isFirstMeasured || slots[index].isCounted)
        }
    }

    /// Enters a device that is connected into the logs that milestones are made of, once each.
    func countConnected(_ slot: Int, at now: NIODeadline, isInMeasuredPart: Bool) {
        let fleet = material.plan.fleets[slots[slot].runner.device.fleetIndex]
        guard fleet.expectation == .accepted else { return }
        if slots[slot].lastStage != stage {
            slots[slot].lastStage = stage
            statistics.recordFirstConnectInStage(since: stageStart, now: now)
        }
        if isInMeasuredPart, !slots[slot].isCounted {
            slots[slot].isCounted = true
            statistics.recordFirstConnect(since: epoch + material.measuredFrom, now: now)
        }
    }

    private func voidStarts(of step: StageOutline.Step) {
        for fleet in step.fleets where startsVoidBefore.indices.contains(fleet) {
            startsVoidBefore[fleet] = max(startsVoidBefore[fleet], step.sequence)
        }
    }

    // MARK: Operations

    func perform(_ operation: Operation) {
        operations.append(operation)
        performOperations()
    }

    /// Some devices at a time, so that what others wait for is read in between.
    private func performOperations() {
        guard !areOperationsScheduled else { return }
        var remaining = SimulatorLimits.operationsPerTurn
        while let operation = operations.first {
            if case .release(let sequence) = operation {
                releasedSequence = max(releasedSequence, sequence)
                _ = operations.popFirst()
                startDueDevices()
                continue
            }
            if operationPlace == 0 { changeLinks(operation) }
            while operationPlace < slots.count, remaining > 0 {
                let slot = operationPlace
                operationPlace += 1
                remaining -= perform(operation, on: slot)
            }
            guard operationPlace >= slots.count else { break }
            operationPlace = 0
            _ = operations.popFirst()
            if case .end = operation { isStopped = true }
        }
        guard !operations.isEmpty else { return }
        areOperationsScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.areOperationsScheduled = false
            self?.performOperations()
        }
    }

    /// For all devices at the same moment.
    private func changeLinks(_ operation: Operation) {
        switch operation {
        case .linkDown(let fleets): fleetsWithoutLink.formUnion(fleets)
        case .linkUp(let fleets): fleetsWithoutLink.subtract(fleets)
        case .cut, .stop, .release, .end: break
        }
    }

    /// - Returns: What it cost, as a part of ``SimulatorLimits/operationsPerTurn``.
    private func perform(_ operation: Operation, on slot: Int) -> Int {
        let runner = slots[slot].runner
        let fleet = runner.device.fleetIndex
        switch operation {
        case .cut(let fleets):
            guard fleets.contains(fleet), slots[slot].isActive else { return 0 }
            slots[slot].overdueStart = nil
            runner.cut()
            ended(slot)
            return 1
        case .linkDown(let fleets):
            guard fleets.contains(fleet) else { return 0 }
            runner.linkLost()
            // They all come back at once: what can be done for that beforehand is done now.
            if slots[slot].isActive, contexts.count < SimulatorLimits.contextsAheadMax {
                contexts.prepare(runner.device)
            }
            return 1
        case .linkUp(let fleets):
            guard fleets.contains(fleet) else { return 0 }
            runner.linkRestored()
            return 1
        case .stop(let fleets):
            guard fleets.contains(fleet), slots[slot].isActive else { return 0 }
            slots[slot].isLeaving = true
            slots[slot].overdueStart = nil
            runner.stop()
            return SimulatorLimits.operationsPerTurn / SimulatorLimits.stopsPerTurn
        case .end:
            slots[slot].overdueStart = nil
            runner.stop()
            return SimulatorLimits.operationsPerTurn / SimulatorLimits.stopsPerTurn
        case .release:
            return 0
        }
    }
}
