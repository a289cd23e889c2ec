import MQTTCodec
import NIOCore

/// What the templates of a firmware come to for one device. Those that name another device are not among them: they are
/// rendered when that device is known.
struct FirmwareTexts: Sendable, Equatable {
    /// In the order of ``Firmware/telemetry``.
    let telemetryTopics: [String]
    /// Those payloads that are texts, by their place in ``Firmware/telemetry``; nil where it is filler.
    let telemetryPayloads: [String?]
    /// In the order of ``Firmware/subscriptions``.
    let filters: [String]
    /// ``Firmware/CommandTraffic/replyTopic``; nil if it commands nobody.
    let replyTopic: String?

    /// - Throws: ``SimulatorError`` with the code `bad-topic`, `bad-filter` or `payload-too-long`.
    init(_ firmware: Firmware, _ values: TemplateValues) throws(SimulatorError) {
        var topics: [String] = []
        var payloads: [String?] = []
        for telemetry in firmware.telemetry {
            topics.append(try Self.topic(telemetry.topic, values))
            switch telemetry.payload {
            case .bytes:
                payloads.append(nil)
            case .text(let template):
                let text = template.render(values)
                guard text.utf8.count <= SimulatorLimits.payloadBytesMax else {
                    throw .options(
                        "payload-too-long", "a payload has at most \(SimulatorLimits.payloadBytesMax) bytes")
                }
                payloads.append(text)
            }
        }
        var filters: [String] = []
        for subscription in firmware.subscriptions {
            filters.append(try Self.filter(subscription.topic, values))
        }
        self.telemetryTopics = topics
        // Most firmware has none, and an empty array takes no memory.
        self.telemetryPayloads = payloads.contains { $0 != nil } ? payloads : []
        self.filters = filters
        if let commands = firmware.commands {
            self.replyTopic = try Self.topic(commands.replyTopic, values)
        } else {
            self.replyTopic = nil
        }
    }

    func telemetryPayload(_ stream: Int) -> String? {
        telemetryPayloads.indices.contains(stream) ? telemetryPayloads[stream] : nil
    }

    /// A topic that one can publish to (MQTT 5.0 section 4.7): no wildcards, no U+0000, not empty.
    ///
    /// - Throws: ``SimulatorError`` with the code `bad-topic`.
    static func topic(_ template: TextTemplate, _ values: TemplateValues) throws(SimulatorError) -> String {
        let topic = template.render(values)
        guard isPublishable(topic) else {
            throw .options(
                "bad-topic",
                "'\(topic)' is not a topic one can publish to: it must not be empty, hold '+' or '#', or be over "
                    + "\(SimulatorLimits.mqttStringBytesMax) bytes")
        }
        return topic
    }

    static func isPublishable(_ topic: String) -> Bool {
        MQTTTopic.isValidName(topic.utf8.span)
    }

    private static func filter(_ template: TextTemplate, _ values: TemplateValues) throws(SimulatorError) -> String {
        let filter = template.render(values)
        guard MQTTTopic.isValidFilter(filter.utf8.span) else {
            throw .options(
                "bad-filter",
                "'\(filter)' is not a topic filter: '+' must be a whole level, '#' the last one, and it must not be "
                    + "empty or over \(SimulatorLimits.mqttStringBytesMax) bytes")
        }
        return filter
    }
}
