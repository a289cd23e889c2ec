import NIOCore

extension ScenarioReader {
    static let peerVariables = FleetSpecification.topicVariables.union([.peer])

    /// Where messages go unless the file says otherwise.
    enum DefaultTopic {
        static let telemetry = "devices/{device}/telemetry"
        static let commands = "devices/{device}/commands"
        static let commandsOfPeer = "devices/{peer}/commands"
        static let responses = "devices/{device}/responses"
        static let updatesOfPeer = "devices/{peer}/update"
    }

    func readFirmwares(_ reader: inout KeyReader) {
        for name in reader.keys {
            guard FleetSpecification.isValid(name: name) else {
                reader.report(.badValue, name, "'\(name)' is no name for a firmware", hint: Self.nameHint)
                _ = reader.node(name)
                continue
            }
            firmwares[name] = reader.nested(name) { readFirmware(&$0, named: name) }
        }
    }

    func readFirmware(_ reader: inout KeyReader, named name: String) -> Firmware {
        let boot = reader.timeRange("boot", in: .zero...Self.timeMax) ?? .zero ... .zero
        var subscriptions = subscriptions(&reader)
        let telemetry = (reader.list("telemetry", countMax: SimulatorLimits.firmwareTopicsMax) ?? []).compactMap {
            KeyReader.read($0.node, path: $0.path, reporting: mistakes) { readTelemetry(&$0) } ?? nil
        }
        let answersCommands = reader.flag("answers-commands") ?? false
        let commands = reader.nested("commands") { readCommands(&$0) } ?? nil
        let updates = reader.nested("updates") { readUpdates(&$0) } ?? nil
        let sleep = sleep(&reader)
        let rotation = reader.time("rotation", in: .seconds(1)...Self.timeMax)
        let backoff = backoff(&reader)
        if answersCommands, subscriptions == nil, let topic = defaultTopic(DefaultTopic.commands) {
            subscriptions = [.init(topic: topic, qos: 1)]
        }
        // The answers to its own commands have to reach it.
        if let commands, subscriptions?.contains(where: { $0.topic == commands.replyTopic }) != true {
            subscriptions = (subscriptions ?? []) + [.init(topic: commands.replyTopic, qos: commands.qos)]
        }
        return Firmware(
            name: name, boot: boot, subscriptions: subscriptions ?? [], telemetry: telemetry,
            answersCommands: answersCommands, commands: commands, updates: updates, sleep: sleep, rotation: rotation,
            backoff: backoff)
    }

    /// A default of ours is a template; nil would be a slip that the tests find.
    func defaultTopic(_ text: String) -> TextTemplate? {
        try? TextTemplate(text, allowing: Self.peerVariables)
    }

    private func readTopic(
        _ reader: inout KeyReader, _ key: String = "topic", default standard: String,
        allowing variables: Set<TextTemplate.Variable> = FleetSpecification.topicVariables
    ) -> TextTemplate? {
        guard reader.has(key) else {
            _ = reader.node(key)
            return defaultTopic(standard)
        }
        return reader.template(key, allowing: variables)
    }

    private func readQoS(_ reader: inout KeyReader, default standard: UInt8 = 1) -> UInt8 {
        reader.integer("qos", in: 0...1).map { UInt8($0) } ?? standard
    }

    /// Each item is a topic filter, or a mapping with `topic` and `qos`.
    private func subscriptions(_ reader: inout KeyReader) -> [Firmware.Subscription]? {
        let items = reader.list("subscriptions", countMax: SimulatorLimits.firmwareTopicsMax)
        return items?.compactMap { item -> Firmware.Subscription? in
            if case .scalar = item.node.content {
                let scalars = ScalarReader(mistakes: mistakes)
                guard let text = scalars.text(item.node, path: item.path),
                    let topic = scalars.template(text, allowing: FleetSpecification.topicVariables)
                else { return nil }
                return .init(topic: topic, qos: 1)
            }
            let subscription = KeyReader.read(item.node, path: item.path, reporting: mistakes) { reader in
                reader.require("topic")
                let topic = reader.template("topic", allowing: FleetSpecification.topicVariables)
                let qos = readQoS(&reader)
                return topic.map { Firmware.Subscription(topic: $0, qos: qos) }
            }
            return subscription ?? nil
        }
    }

    private func readTelemetry(_ reader: inout KeyReader) -> Firmware.Telemetry? {
        let topic = readTopic(&reader, default: DefaultTopic.telemetry)
        reader.require("period", hint: "the time between two publishes of one device")
        let period = reader.time("period", in: .milliseconds(1)...Self.timeMax)
        let jitter = reader.share("jitter") ?? 0
        let bytes = reader.integer("payload-bytes", in: 0...SimulatorLimits.payloadBytesMax)
        let text = reader.template("payload", allowing: FleetSpecification.topicVariables)
        if reader.has("payload"), reader.has("payload-bytes") {
            reader.report(.contradiction, "payload", "there is 'payload-bytes' too", hint: "keep one of the two")
        }
        let qos = readQoS(&reader)
        let retain = reader.flag("retain") ?? false
        guard let topic, let period else { return nil }
        return .init(
            topic: topic, period: period, jitter: jitter, payload: text.map { .text($0) } ?? .bytes(bytes ?? 64),
            qos: qos, retain: retain)
    }

    private func fleetReference(_ reader: inout KeyReader, _ key: String) -> String? {
        guard let name = reader.text(key) else { return nil }
        fleetReferences.append(name)
        return name.value
    }

    private func readCommands(_ reader: inout KeyReader) -> Firmware.CommandTraffic? {
        reader.require("fleet", hint: "the fleet whose devices are commanded")
        reader.require("period", hint: "the time between two commands of one device")
        let fleet = fleetReference(&reader, "fleet")
        let topic = readTopic(&reader, default: DefaultTopic.commandsOfPeer, allowing: Self.peerVariables)
        let replyTopic = readTopic(&reader, "reply-topic", default: DefaultTopic.responses)
        let period = reader.time("period", in: .milliseconds(1)...Self.timeMax)
        let bytes = reader.integer("payload-bytes", in: 0...SimulatorLimits.peerPayloadBytesMax) ?? 64
        let timeout = reader.time("timeout", in: .milliseconds(1) ... .hours(1)) ?? .seconds(10)
        let qos = readQoS(&reader)
        guard let fleet, let topic, let replyTopic, let period else { return nil }
        return .init(
            fleet: fleet, topic: topic, replyTopic: replyTopic, period: period, payloadBytes: bytes, timeout: timeout,
            qos: qos)
    }

    private func readUpdates(_ reader: inout KeyReader) -> Firmware.UpdateTraffic? {
        for key in ["fleet", "period", "total-bytes"] { reader.require(key) }
        let fleet = fleetReference(&reader, "fleet")
        let topic = readTopic(&reader, default: DefaultTopic.updatesOfPeer, allowing: Self.peerVariables)
        let period = reader.time("period", in: .milliseconds(1)...Self.timeMax)
        let total = reader.integer("total-bytes", in: 1...SimulatorLimits.updateBytesMax)
        let chunk = reader.integer("chunk-bytes", in: 1...SimulatorLimits.peerPayloadBytesMax) ?? 1_024
        let qos = readQoS(&reader)
        guard let fleet, let topic, let period, let total else { return nil }
        return .init(
            fleet: fleet, topic: topic, period: period, totalBytes: total, chunkBytes: min(chunk, total), qos: qos)
    }

    /// `never`, or a cycle that is used in place of the class's.
    private func sleep(_ reader: inout KeyReader) -> SleepCycle? {
        guard let node = reader.node("sleep") else { return nil }
        guard case .scalar(let text, _) = node.content else { return reader.sleepCycle("sleep") }
        if text == "never" { return Self.neverAsleep }
        reader.report(.badValue, "sleep", "'\(text)' is no sleep cycle", hint: "never, or { awake: 20s, asleep: 10m }")
        return nil
    }

    private func backoff(_ reader: inout KeyReader) -> BackoffPolicy {
        guard let text = reader.text("back-off") else { return .standard }
        do {
            return try BackoffPolicy(option: text.value)
        } catch {
            reader.report(
                .badValue, "back-off", "'\(text.value)' is no back-off policy",
                hint: "none, fixed:TIME, full-jitter or full-jitter:BASE,CAP")
            return .standard
        }
    }
}
