import NIOCore

/// Which device is on which event loop, and when each is meant to start.
struct StartTimetable: Sendable {
    /// A start of the device in one slot of a loop.
    struct Start: Sendable, Equatable {
        var slot: Int
        /// From the run's first intended start.
        var offset: TimeAmount
        /// The step it belongs to (``StageOutline/Step/sequence``); 0 without a scenario.
        var sequence: Int
    }

    struct Part: Sendable {
        /// In the order in which they start.
        var devices: [SimulatedDevice] = []
        /// By time. Empty where there is no timetable.
        var starts: [Start] = []
    }

    /// One for each loop that has something to do.
    let parts: [Part]
    /// How long one round through all devices takes, where they connect again and again at a rate; otherwise zero.
    let lapTime: TimeAmount

    /// The timetable is the whole run's, whoever does which part of it: the shards of one seed together start the same
    /// devices at the same times as one process would.
    ///
    /// - Parameter devices: Of the whole run.
    init(plan: RunPlan, outline: [StageOutline], devices: [SimulatedDevice]) {
        let order = plan.schedule.startOrder(devices: devices.count)
        // Of each place in the order: which of this process's devices has it.
        var own = [Int?](repeating: nil, count: order.count)
        var ownCount = 0
        for (place, device) in order.enumerated() where plan.shard?.has(device: device) ?? true {
            own[place] = ownCount
            ownCount += 1
        }
        // Each loop gets every n-th device of the order, so that all are busy all the time.
        var parts = [Part](repeating: Part(), count: min(plan.loops, max(1, ownCount)))
        for (place, device) in order.enumerated() {
            guard let number = own[place] else { continue }
            parts[number % parts.count].devices.append(devices[device])
        }
        func add(_ places: [Int], _ offsets: [TimeAmount], from start: TimeAmount, sequence: Int) {
            for (place, offset) in zip(places, offsets) {
                guard let number = own[place] else { continue }
                parts[number % parts.count].starts.append(
                    Start(slot: number / parts.count, offset: start + offset, sequence: sequence))
            }
        }
        switch plan.mode {
        case .stay, .connectOnly, .handshakeOnly:
            if let offsets = plan.schedule.offsets(count: devices.count) {
                add(Array(order.indices), offsets, from: .zero, sequence: 0)
            }
        case .scenario:
            for stage in outline {
                for step in stage.steps {
                    guard case .start(let pace) = step.kind else { continue }
                    let places = order.indices.filter { step.fleets.contains(devices[order[$0]].fleetIndex) }
                    let offsets = pace.offsets(
                        count: places.count, stageDuration: stage.duration, seed: plan.seed, action: step.sequence)
                    add(places, offsets, from: stage.start, sequence: step.sequence)
                }
            }
            for index in parts.indices {
                parts[index].starts.sort { ($0.offset, $0.sequence, $0.slot) < ($1.offset, $1.sequence, $1.slot) }
            }
        }
        self.parts = parts
        switch plan.pace {
        case .inFlight: self.lapTime = .zero
        case .rate(let perSecond, _): self.lapTime = .nanoseconds(Int64(Double(devices.count) * 1e9 / perSecond))
        }
    }
}
