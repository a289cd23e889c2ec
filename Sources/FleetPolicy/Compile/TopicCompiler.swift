/// Compiles a profile's lists of topics.
struct TopicCompiler {
    /// Placeholders that every profile has; no capture may take their names.
    static let reservedNames = ["device", "tenant"]

    /// Nil when the match is wrong: placeholders cannot be checked then.
    private let match: CompiledMatch?
    private let mistakes: MistakeCollector
    /// The placeholders that topics use beside device and tenant, by `PlaceholderLookup`, in the order in which they
    /// were first used.
    private(set) var captureIndexes: [Int] = []

    init(match: CompiledMatch?, mistakes: MistakeCollector) {
        self.match = match
        self.mistakes = mistakes
    }

    /// An entry of a list, compiled. What a list has no use for is at its default.
    private struct Entry {
        let text: Located<String>
        let filter: FilterTemplate
        var maximumQoS: UInt8 = 0
        var allowsRetain = false
        var allowsShared = false

        /// Whether everything that `other` permits on the same filter is permitted by this.
        func permitsAll(of other: Entry) -> Bool {
            maximumQoS >= other.maximumQoS && (allowsRetain || !other.allowsRetain)
                && (allowsShared || !other.allowsShared)
        }
    }

    /// Compiles all lists. When there is no mistake, every entry of the document has its rule, at the same place.
    mutating func compileRules(of document: DeviceProfileDocument) -> AccessRules {
        let mistakesBefore = mistakes.mistakes.count
        let publish = compile(document.publish)
        let denyPublish = document.denyPublish.compactMap { text in compile(text).map { Entry(text: text, filter: $0) }
        }
        let subscribe = compile(document.subscribe)
        let denySubscribe = document.denySubscribe.compactMap { text in
            compile(text).map { Entry(text: text, filter: $0) }
        }
        var wills: [Entry] = []
        let will: AccessRules.WillRule
        switch document.will {
        case .none: will = .none
        case .likePublish: will = .likePublish
        case .listed(let entries):
            wills = compile(entries)
            will = .listed(wills.map(Self.publishRule))
        }
        // With a placeholder that is unknown, filters are not what they seem.
        if mistakes.mistakes.count == mistakesBefore, match != nil {
            for list in [publish, denyPublish, subscribe, denySubscribe, wills] { reportDuplicates(in: list) }
            reportImpossible(publish + wills, because: denyPublish, in: document)
            reportImpossible(subscribe, because: denySubscribe, in: document)
        }
        return AccessRules(
            publish: publish.map(Self.publishRule), denyPublish: denyPublish.map(\.filter),
            subscribe: subscribe.map {
                AccessRules.SubscribeRule(
                    filter: $0.filter, maximumQoS: $0.maximumQoS, allowsShared: $0.allowsShared)
            },
            denySubscribe: denySubscribe.map(\.filter), will: will)
    }

    private mutating func compile(_ entries: [DeviceProfileDocument.TopicEntry]) -> [Entry] {
        var compiled: [Entry] = []
        for entry in entries {
            guard let filter = compile(entry.filter) else { continue }
            compiled.append(
                Entry(
                    text: entry.filter, filter: filter, maximumQoS: entry.maximumQoS, allowsRetain: entry.allowsRetain,
                    allowsShared: entry.allowsShared))
        }
        return compiled
    }

    private static func publishRule(_ entry: Entry) -> AccessRules.PublishRule {
        AccessRules.PublishRule(
            filter: entry.filter, maximumQoS: entry.maximumQoS, allowsRetain: entry.allowsRetain)
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

    // MARK: Entries that mean nothing

    /// Reports entries of one filter of which one permits all that the other does. Only within a file: an inherited
    /// list and its addition may say the same.
    private func reportDuplicates(in entries: [Entry]) {
        guard entries.count > 1 else { return }
        var earlier: [FilterTemplate: [Entry]] = [:]
        for entry in entries {
            let same = earlier[entry.filter, default: []].first {
                $0.text.location.file == entry.text.location.file
                    && ($0.permitsAll(of: entry) || entry.permitsAll(of: $0))
            }
            if let same {
                mistakes.report(
                    .duplicateFilter, about: entry.text,
                    "`\(entry.text.value)` stands here twice, and one entry permits all that the other does",
                    hint: "keep one of them; the other is at \(same.text.location)")
            }
            earlier[entry.filter, default: []].append(entry)
        }
    }

    /// Reports allow entries that one deny entry covers whole. Not when a profile denies what it inherits: that is how
    /// it takes something away.
    private func reportImpossible(_ allowed: [Entry], because denied: [Entry], in document: DeviceProfileDocument) {
        guard !denied.isEmpty else { return }
        let denials = denied.map { (entry: $0, levels: $0.filter.levels) }
        for entry in allowed {
            let file = entry.text.location.file
            let levels = entry.filter.levels
            let cause = denials.first {
                FilterLevel.covers($0.levels, levels)
                    && (file == document.location.file || file == $0.entry.text.location.file)
            }?.entry
            guard let cause else { continue }
            mistakes.report(
                .impossibleFilter, about: entry.text,
                "nothing is left of `\(entry.text.value)`: `\(cause.text.value)` denies all of it",
                hint: "remove one of them; the deny entry is at \(cause.text.location)")
        }
    }
}

extension OperatorMistake.Code {
    /// An allow entry that a deny entry covers whole.
    static let impossibleFilter = Self("impossible-filter")
    /// Two entries of one list, of which one says nothing beyond the other.
    static let duplicateFilter = Self("duplicate-filter")
}
