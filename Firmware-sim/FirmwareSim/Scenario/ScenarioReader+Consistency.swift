import NIOCore

/// What shows only when all parts are there. Run when each part alone is right.
extension ScenarioReader {
    func checkConsistency(at place: SourcePlace) {
        checkNames(at: place)
        for reference in fleetReferences { require(fleet: reference.value, reference.place, reference.path) }
        checkStages()
        checkTraffic()
        for assertion in assertions {
            if let fleet = assertion.value.fleet { require(fleet: fleet, assertion.place, assertion.path) }
            if let stage = assertion.value.stage, !stages.contains(where: { $0.value.name == stage }) {
                mistakes.report(
                    .unknownName, at: assertion.place, key: assertion.path, "there is no stage '\(stage)'",
                    hint: NearestName.hint(for: stage, among: stages.map(\.value.name)))
            }
        }
    }

    private func require(fleet name: String, _ place: SourcePlace, _ path: String) {
        guard !fleets.contains(where: { $0.value.name == name }) else { return }
        mistakes.report(
            .unknownName, at: place, key: path, "there is no fleet '\(name)'",
            hint: NearestName.hint(for: name, among: fleets.map(\.value.name)))
    }

    private func checkNames(at place: SourcePlace) {
        if fleets.isEmpty { mistakes.report(.missingKey, at: place, key: "fleets", "there is no fleet") }
        if !stages.contains(where: { !$0.value.isWarmUp }) {
            mistakes.report(
                .missingKey, at: place, key: "stages", "there is no stage to measure", hint: "one that is no warm-up")
        }
        let devices = fleets.reduce(0) { $0 + $1.value.specification.count }
        if devices > SimulatorLimits.devicesMax {
            mistakes.report(
                .outOfRange, at: place, key: "fleets", "\(devices) devices are too many",
                hint: "at most \(SimulatorLimits.devicesMax) in all")
        }
        reportTwice(fleets.map { ($0.value.name, $0.place, $0.path) }, what: "fleet")
        reportTwice(stages.map { ($0.value.name, $0.place, $0.path) }, what: "stage")
        let length = stages.reduce(0) { $0 + Double($1.value.duration.nanoseconds) / 1e9 }
        if length > SimulatorLimits.durationSecondsMax {
            mistakes.report(.outOfRange, at: place, key: "stages", "together they take more than a week")
        }
    }

    private func reportTwice(_ names: [(name: String, place: SourcePlace, path: String)], what: String) {
        var first: [String: SourcePlace] = [:]
        for item in names {
            if let other = first[item.name] {
                mistakes.report(
                    .duplicateName, at: item.place, key: "\(item.path).name",
                    "there is a \(what) '\(item.name)' already, in line \(other.line)")
            } else {
                first[item.name] = item.place
            }
        }
    }

    /// Every fleet is started; nothing happens to one that is not running; starts fit into their stage.
    private func checkStages() {
        let all = Set(fleets.map(\.value.name))
        var running: Set<String> = []
        var everStarted: Set<String> = []
        for stage in stages {
            for (index, action) in stage.value.actions.enumerated() {
                let path = "\(stage.path).actions[\(index)]"
                let meant = action.fleets.isEmpty ? all : Set(action.fleets)
                switch action.kind {
                case .start(let pace):
                    for name in meant.intersection(running).sorted() {
                        mistakes.report(
                            .contradiction, at: stage.place, key: path, "fleet '\(name)' is running already",
                            hint: "name the fleets to start in 'fleets'")
                    }
                    running.formUnion(meant)
                    everStarted.formUnion(meant)
                    checkFit(pace, of: meant, in: stage, path: path)
                case .cut, .stop, .outage:
                    let idle = action.fleets.isEmpty ? (running.isEmpty ? all : []) : meant.subtracting(running)
                    for name in idle.intersection(all).sorted() {
                        mistakes.report(
                            .contradiction, at: stage.place, key: path, "fleet '\(name)' is not running here",
                            hint: "start it before")
                    }
                    if action.kind != .outage { running.subtract(meant) }
                }
            }
        }
        for fleet in fleets where !everStarted.contains(fleet.value.name) {
            mistakes.report(
                .contradiction, at: fleet.place, key: fleet.path, "no stage starts fleet '\(fleet.value.name)'",
                hint: "put '- do: start' into a stage's 'actions'")
        }
    }

    private func checkFit(_ pace: Stage.Pace, of names: Set<String>, in stage: Located<Stage>, path: String) {
        let devices = fleets.filter { names.contains($0.value.name) }.reduce(0) { $0 + $1.value.specification.count }
        let seconds = Double(stage.value.duration.nanoseconds) / 1e9
        let fitting: Double
        switch pace {
        case .atOnce: return
        case .rate(let perSecond, _): fitting = perSecond * seconds
        case .ramp(let from, let to): fitting = (from + to) / 2 * seconds
        case .spread(let time):
            fitting =
                time <= stage.value.duration
                ? Double(devices) : Double(devices) * seconds * 1e9 / Double(time.nanoseconds)
        }
        // A device's width of grace, for rates that were rounded.
        guard Double(devices) > fitting + 1 else { return }
        mistakes.report(
            .contradiction, at: stage.place, key: path,
            "\(devices) devices do not start within the stage, only about \(Int(fitting))",
            hint: "a longer stage or a higher pace")
    }

    /// Commands and updates go where someone listens.
    private func checkTraffic() {
        for fleet in fleets {
            if let commands = fleet.value.firmware.commands {
                let commanded = fleets.first { $0.value.name == commands.fleet }
                if let commanded, !commanded.value.firmware.answersCommands {
                    mistakes.report(
                        .contradiction, at: fleet.place, key: fleet.path,
                        "it commands fleet '\(commands.fleet)', which does not answer",
                        hint: "set 'answers-commands: true' in that fleet's firmware")
                }
                checkListening(fleet, to: commands.topic, by: commanded?.value, what: "commands")
            }
            if let updates = fleet.value.firmware.updates {
                let updated = fleets.first { $0.value.name == updates.fleet }
                checkListening(fleet, to: updates.topic, by: updated?.value, what: "updates")
            }
        }
    }

    private func checkListening(
        _ fleet: Located<ScenarioFleet>, to topic: TextTemplate, by other: ScenarioFleet?, what: String
    ) {
        guard let other else { return }
        func seenByPeer(_ parts: [TextTemplate.Part]) -> [TextTemplate.Part] {
            parts.map { $0 == .text(.peer) ? .text(.device) : $0 }
        }
        let isHeard = other.firmware.subscriptions.contains { subscription in
            seenByPeer(topic.parts) == subscription.topic.parts || subscription.topic.hasWildcard
        }
        if !isHeard {
            mistakes.report(
                .contradiction, at: fleet.place, key: fleet.path,
                "its \(what) go to fleet '\(other.name)', which is not subscribed to their topic",
                hint: "the topic with {device} in place of {peer} belongs into that fleet's 'subscriptions'")
        }
    }
}

extension TextTemplate {
    /// Whether it is a topic filter with `+` or `#`.
    fileprivate var hasWildcard: Bool {
        parts.contains { part in
            switch part {
            case .literal(let text): text.contains("+") || text.contains("#")
            case .text, .number: false
            }
        }
    }
}
