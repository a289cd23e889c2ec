import NIOCore

extension Scenario {
    /// The same exercise with more or fewer devices, and longer or shorter.
    ///
    /// * Numbers of devices are multiplied with `devices`; each fleet keeps at least one.
    /// * Stages, and in them spreads, are multiplied with `time`, but no stage gets shorter than its `shortest`. Rates
    ///   and ramps are multiplied with `devices / time`, so that the same share of a fleet starts in the same part of a
    ///   stage.
    /// * Boot times, periods, sleep cycles, rotation and back-off are multiplied with `time`, and are then at least
    ///   ``SimulatorLimits/scaledTimeMin``.
    /// * A shorter exercise (`time` below 1) has faster devices too: handshake times and links are multiplied, so that a
    ///   slow device still finds its place. A longer one keeps them.
    /// * Time-outs and keep-alive stay: they are the agreement with the target. Bounds of assertions stay as well, but
    ///   for numbers that grow with the exercise: devices connected, handshakes per second, and the time until devices
    ///   are connected when `time` is above 1. Their text is written anew.
    ///
    /// - Parameters:
    ///   - devices: More than 0; anything else counts as 1.
    ///   - time: More than 0; anything else counts as 1.
    func scaled(devices: Double, time: Double) -> Scenario {
        let scale = Scale(devices: devices, time: time)
        guard scale != Scale(devices: 1, time: 1) else { return self }
        var result = self
        result.fleets = fleets.map { $0.scaled(scale) }
        result.stages = stages.map { $0.scaled(scale) }
        result.assertions = assertions.map { $0.scaled(scale) }
        return result
    }
}

/// What an exercise is multiplied with.
private struct Scale: Equatable {
    let devices: Double
    let time: Double

    init(devices: Double, time: Double) {
        self.devices = devices.isFinite && devices > 0 ? devices : 1
        self.time = time.isFinite && time > 0 ? time : 1
    }

    func count(_ number: Int) -> Int {
        Int(min(Double(SimulatorLimits.devicesMax), max(1, (Double(number) * devices).rounded())))
    }

    /// Zero stays zero.
    func time(_ amount: TimeAmount) -> TimeAmount {
        guard amount > .zero else { return amount }
        return max(scaled(amount, time), min(amount, SimulatorLimits.scaledTimeMin))
    }

    func range(_ range: ClosedRange<TimeAmount>) -> ClosedRange<TimeAmount> {
        let first = time(range.lowerBound)
        return first...max(first, time(range.upperBound))
    }

    /// Of a device's own speed, which nothing makes slower than it is.
    func deviceTime(_ amount: TimeAmount) -> TimeAmount { scaled(amount, min(1, time)) }

    func rate(_ perSecond: Double) -> Double {
        guard perSecond > 0 else { return 0 }
        return min(SimulatorLimits.ratePerSecondMax, max(0.001, perSecond * devices / time))
    }

    private func scaled(_ amount: TimeAmount, _ factor: Double) -> TimeAmount {
        let most = SimulatorLimits.durationSecondsMax * 1e9
        return .nanoseconds(Int64(min(most, (Double(amount.nanoseconds) * factor).rounded())))
    }
}

extension ScenarioFleet {
    fileprivate func scaled(_ scale: Scale) -> ScenarioFleet {
        var result = self
        result.specification.count = scale.count(specification.count)
        result.deviceClass = deviceClass.scaled(scale)
        result.firmware.boot = scale.range(firmware.boot)
        result.firmware.telemetry = firmware.telemetry.map { telemetry in
            var telemetry = telemetry
            telemetry.period = scale.time(telemetry.period)
            return telemetry
        }
        if let period = firmware.commands?.period { result.firmware.commands?.period = scale.time(period) }
        if let period = firmware.updates?.period { result.firmware.updates?.period = scale.time(period) }
        result.firmware.sleep = firmware.sleep?.scaled(scale)
        result.firmware.rotation = firmware.rotation.map(scale.time)
        switch firmware.backoff {
        case .none: break
        case .fixed(let time): result.firmware.backoff = .fixed(scale.time(time))
        case .fullJitter(let base, let cap):
            result.firmware.backoff = .fullJitter(base: scale.time(base), cap: scale.time(cap))
        }
        return result
    }
}

extension SleepCycle {
    fileprivate func scaled(_ scale: Scale) -> SleepCycle {
        SleepCycle(awake: scale.time(awake), asleep: scale.time(asleep))
    }
}

extension DeviceClass {
    fileprivate func scaled(_ scale: Scale) -> DeviceClass {
        var result = self
        result.sleep = sleep?.scaled(scale)
        guard scale.time < 1 else { return result }
        result.handshake.full = scale.deviceTime(handshake.full)
        result.handshake.resumed = scale.deviceTime(handshake.resumed)
        if let link {
            result.link = LinkModel(
                roundTrip: .init(p50: scale.deviceTime(link.roundTrip.p50), p99: scale.deviceTime(link.roundTrip.p99)),
                downBitsPerSecond: link.downBitsPerSecond / scale.time,
                upBitsPerSecond: link.upBitsPerSecond / scale.time,
                spikes: link.spikes.map { .init(probability: $0.probability, delay: scale.deviceTime($0.delay)) })
        }
        return result
    }
}

extension Stage {
    fileprivate func scaled(_ scale: Scale) -> Stage {
        var result = self
        result.duration = max(scale.time(duration), min(shortest, duration))
        result.actions = actions.map { action in
            var action = action
            if case .start(let pace) = action.kind { action.kind = .start(pace.scaled(scale)) }
            return action
        }
        return result
    }
}

extension Stage.Pace {
    fileprivate func scaled(_ scale: Scale) -> Stage.Pace {
        switch self {
        case .atOnce: self
        case .rate(let perSecond, let arrivals): .rate(perSecond: scale.rate(perSecond), arrivals: arrivals)
        case .ramp(let from, let to): .ramp(fromPerSecond: scale.rate(from), toPerSecond: scale.rate(to))
        case .spread(let time): .spread(over: scale.time(time))
        }
    }
}

extension Assertion {
    fileprivate func scaled(_ scale: Scale) -> Assertion {
        let factor: Double =
            switch metric {
            case .connected: scale.devices
            case .handshakeRate: scale.devices / scale.time
            case .timeToConnected: max(1, scale.time)
            case .latency, .failures, .unexpected, .connectedShare, .resumedShare, .lostPublishes, .unansweredCommands:
                1
            }
        guard factor != 1 else { return self }
        var result = self
        result.bound = bound * factor
        if case .connected = metric { result.bound = result.bound.rounded() }
        guard let operation = text.lastIndex(where: { "<>=".contains($0) }) else { return result }
        // Told by its text again later, as after a merge.
        result.text = "\(text[...operation]) \(result.boundText)"
        return result
    }

    private var boundText: String {
        switch metric {
        case .latency, .timeToConnected: "\(ScalarReader.short((bound / 1_000).rounded()))ms"
        case .connectedShare, .resumedShare: "\(ScalarReader.short(bound * 100))%"
        case .failures, .unexpected, .connected, .handshakeRate, .lostPublishes, .unansweredCommands:
            ScalarReader.short((bound * 1_000).rounded() / 1_000)
        }
    }
}
