/// Compiles a profile's lists of topics.
struct TopicCompiler {
    /// Placeholders that every profile has; no capture may take their names.
    static let reservedNames = ["device", "tenant"]

    /// Nil when the match is wrong: placeholders cannot be checked then.
    private let match: CompiledMatch?
    private let mistakes: MistakeCollector
    /// The captures that topics use, in the order in which they were first used.
    private(set) var captureIndexes: [Int] = []

    init(match: CompiledMatch?, mistakes: MistakeCollector) {
        self.match = match
        self.mistakes = mistakes
    }

    mutating func compileRules(of document: DeviceProfileDocument) -> AccessRules {
        let publish = compilePublish(document.publish)
        let denyPublish = document.denyPublish.compactMap { compile($0) }
        let subscribe = compileSubscribe(document.subscribe)
        let denySubscribe = document.denySubscribe.compactMap { compile($0) }
        let will: AccessRules.WillRule =
            switch document.will {
            case .none: .none
            case .likePublish: .likePublish
            case .listed(let entries): .listed(compilePublish(entries))
            }
        return AccessRules(
            publish: publish, denyPublish: denyPublish, subscribe: subscribe, denySubscribe: denySubscribe, will: will)
    }

    private mutating func compilePublish(
        _ entries: [DeviceProfileDocument.TopicEntry]
    ) -> [AccessRules.PublishRule] {
        var rules: [AccessRules.PublishRule] = []
        for entry in entries {
            guard let filter = compile(entry.filter) else { continue }
            rules.append(
                AccessRules.PublishRule(
                    filter: filter, maximumQoS: entry.maximumQoS, allowsRetain: entry.allowsRetain))
        }
        return rules
    }

    private mutating func compileSubscribe(
        _ entries: [DeviceProfileDocument.TopicEntry]
    ) -> [AccessRules.SubscribeRule] {
        var rules: [AccessRules.SubscribeRule] = []
        for entry in entries {
            guard let filter = compile(entry.filter) else { continue }
            rules.append(
                AccessRules.SubscribeRule(
                    filter: filter, maximumQoS: entry.maximumQoS, allowsShared: entry.allowsShared))
        }
        return rules
    }

    /// Nil when something is wrong, which has been reported.
    private mutating func compile(_ text: Located<String>) -> FilterTemplate? {
        do throws(BracedText.Malformed) {
            let pieces = try BracedText(parsing: text.value).pieces
            // The first character decides; no placeholder's value begins with `$`.
            if text.value == "$share" || text.value.hasPrefix("$share/") {
                throw BracedText.Malformed(
                    message: "a shared subscription is not a topic filter",
                    hint: "write the filter itself, with `shared: true`")
            }
            let slots = slots(of: pieces, in: text)
            return try FilterTemplate(pieces) { slots[$0] }
        } catch {
            mistakes.report(.badTopicFilter, about: text, error.message, hint: error.hint)
            return nil
        }
    }

    /// The places of a filter's placeholders among a device's values. When a placeholder is unknown, the filter's form
    /// is still checked with any place in its stead, so that both mistakes are seen; the result is not used then.
    private mutating func slots(of pieces: [BracedText.Piece], in text: Located<String>) -> [String: Int] {
        var slots = ["device": CompiledProfile.deviceSlot, "tenant": CompiledProfile.tenantSlot]
        let lookup = PlaceholderLookup(match: match, mistakes: mistakes)
        for piece in pieces {
            guard case .placeholder(let name, let type) = piece else { continue }
            if Self.reservedNames.contains(name) {
                if let type {
                    mistakes.report(
                        .badValue, about: text, "`{\(name):\(type)}`: this placeholder takes no type",
                        hint: "write {\(name)}")
                }
                continue
            }
            guard slots[name] == nil else { continue }
            guard let index = lookup.index(of: name, type, in: text) else {
                slots[name] = CompiledProfile.deviceSlot
                continue
            }
            let place = captureIndexes.firstIndex(of: index) ?? captureIndexes.count
            if place == captureIndexes.count { captureIndexes.append(index) }
            slots[name] = CompiledProfile.tenantSlot + 1 + place
        }
        return slots
    }
}
