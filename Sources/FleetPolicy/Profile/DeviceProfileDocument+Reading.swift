extension DeviceProfileDocument {
    /// The QoS an entry permits when it does not say: enough for "at least once", which is what devices use.
    static let defaultMaximumQoS = 1

    /// Whether CONNECT has to carry a password beside the certificate. The raw values are those of profiles.
    private enum SecondFactorRule: String, CaseIterable {
        case none, password
    }

    /// Reads a profile's document, and reports what is wrong with its form. Nil when it is no mapping at all.
    ///
    /// - Parameter node: the document with everything that it inherits.
    static func read(_ node: SourceNode, reporting mistakes: MistakeCollector) -> DeviceProfileDocument? {
        MappingReader.read(node, reporting: mistakes) { reader in
            let name = readName(&reader)
            let isAbstract = reader.bool("abstract") ?? false
            // Resolved before.
            _ = reader.node("extends")
            let description = reader.string("description")
            let priority = reader.int("priority", in: PolicyBounds.priorities) ?? 0
            let match =
                isAbstract
                ? reader.nested("match") { MatchDocument.read(&$0) }
                : reader.requiredNested("match", hint: "say which certificates the profile is for") {
                    MatchDocument.read(&$0)
                }
            let device =
                isAbstract
                ? reader.text("device")
                : reader.requiredText("device", hint: "a capture of `match`, such as \"{serial}\"")
            let tenant = reader.text("tenant")
            let clientID = reader.choice("client-id", of: ClientIDRule.self)
            let publish = readTopics(&reader, "publish") { $0.allowsRetain = $1.bool("retain") ?? false }
            let subscribe = readTopics(&reader, "subscribe") { $0.allowsShared = $1.bool("shared") ?? false }
            let denyPublish = readFilters(&reader, "deny-publish")
            let denySubscribe = readFilters(&reader, "deny-subscribe")
            let will = readWill(&reader)
            let topicPrefix = reader.text("topic-prefix")
            let upstream = reader.text("upstream")
            let secondFactor = reader.choice("second-factor", of: SecondFactorRule.self)
            let registration = RegistrationRule.read(&reader)
            let quarantine = reader.nested("quarantine") { Quarantine.read(&$0) }
            let onDeniedPublish = reader.choice("on-denied-publish", of: DeniedPublishAction.self)
            let onLostSubscription = reader.choice("on-lost-subscription", of: LostSubscriptionAction.self)
            var connectionsLocation: SourceLocation?
            var limits =
                reader.nested("limits") { limits in
                    if limits.keys.contains("connections") { connectionsLocation = limits.location(of: "connections") }
                    return DeviceLimits.read(&limits)
                } ?? DeviceLimits()
            if let onDeniedPublish { limits.onDeniedPublish = onDeniedPublish }
            if let onLostSubscription { limits.onLostSubscription = onLostSubscription }
            return DeviceProfileDocument(
                location: reader.location, name: name, description: description, isAbstract: isAbstract,
                priority: priority, match: match, device: device, tenant: tenant, clientID: clientID,
                publish: publish, denyPublish: denyPublish, subscribe: subscribe, denySubscribe: denySubscribe,
                will: will, topicPrefix: topicPrefix, upstream: upstream,
                asksForPassword: secondFactor == .password, registration: registration, quarantine: quarantine,
                limits: limits, connectionsLocation: connectionsLocation)
        }
    }

    private static func readName(_ reader: inout MappingReader) -> Located<String>? {
        guard let name = reader.requiredText("profile", hint: "the profile's name") else { return nil }
        let bytes = CaptureType.slug.bytes
        guard name.value.utf8.count <= PolicyBounds.profileNameBytesMax, name.value.utf8.allSatisfy(bytes.contains),
            name.value.first?.isLetter == true
        else {
            reader.mistakes.report(
                .badValue, about: name, "`\(name.value)` is not a name for a profile",
                hint: "a letter, then lower-case letters, digits, `-` and `_`; at most "
                    + "\(PolicyBounds.profileNameBytesMax)")
            return nil
        }
        return name
    }

    private static func readWill(_ reader: inout MappingReader) -> Will {
        guard let node = reader.node("will") else { return .none }
        let path = reader.keyPath("will")
        switch node {
        case .scalar(let text, let isQuoted, _) where !isBoolean(text, isQuoted: isQuoted):
            return .listed(
                readTopic(node, path: path, reporting: reader.mistakes) { _, _ in }.map { [$0] } ?? [])
        case .scalar:
            return ScalarReader(reader.mistakes).bool(node, key: path) == true ? .likePublish : .none
        case .mapping:
            let entry = readTopic(node, path: path, reporting: reader.mistakes) {
                $0.allowsRetain = $1.bool("retain") ?? false
            }
            return .listed(entry.map { [$0] } ?? [])
        case .sequence:
            return .listed(readTopics(&reader, "will") { $0.allowsRetain = $1.bool("retain") ?? false })
        }
    }

    /// Whether a text means yes or no and no topic. Without quotes, `no` and the like are taken for what older YAML
    /// takes them for, and then refused: nobody who writes `will: no` means a topic.
    private static func isBoolean(_ text: String, isQuoted: Bool) -> Bool {
        let words = isQuoted ? ["true", "false"] : ["true", "false", "yes", "no", "on", "off", "y", "n"]
        return words.contains(isQuoted ? text : text.lowercased())
    }

    private static func readTopics(
        _ reader: inout MappingReader, _ key: String, more: (inout TopicEntry, inout MappingReader) -> Void
    ) -> [TopicEntry] {
        let mistakes = reader.mistakes
        return readItems(&reader, key).compactMap { readTopic($0.node, path: $0.path, reporting: mistakes, more: more) }
    }

    private static func readFilters(_ reader: inout MappingReader, _ key: String) -> [Located<String>] {
        let mistakes = reader.mistakes
        return readItems(&reader, key).compactMap { ScalarReader(mistakes).text($0.node, key: $0.path) }
    }

    /// The items of a list, each with its place in the file that it stands in: some may be inherited.
    private static func readItems(_ reader: inout MappingReader, _ key: String) -> [(node: SourceNode, path: String)] {
        var counts: [String: Int] = [:]
        let path = reader.keyPath(key)
        return reader.list(key, countMax: PolicyBounds.filtersPerListMax).map { item in
            let position = counts[item.node.location.file, default: 0]
            counts[item.node.location.file] = position + 1
            return (node: item.node, path: "\(path)[\(position)]")
        }
    }

    /// Reads an entry of a list of topics: a mapping, or the topic filter alone.
    private static func readTopic(
        _ node: SourceNode, path: String, reporting mistakes: MistakeCollector,
        more: (inout TopicEntry, inout MappingReader) -> Void
    ) -> TopicEntry? {
        if case .scalar = node {
            return ScalarReader(mistakes).text(node, key: path).map {
                TopicEntry(filter: $0, maximumQoS: UInt8(defaultMaximumQoS))
            }
        }
        let entry = MappingReader.read(node, path: path, reporting: mistakes) { reader -> TopicEntry? in
            let filter = reader.requiredText("topic")
            let qos = reader.int("qos", in: 0...2) ?? defaultMaximumQoS
            var entry = TopicEntry(
                filter: filter ?? Located("", location: reader.location, key: path), maximumQoS: UInt8(qos))
            more(&entry, &reader)
            return filter == nil ? nil : entry
        }
        return entry ?? nil
    }
}

extension DeviceProfileDocument.Quarantine {
    fileprivate static func read(_ reader: inout MappingReader) -> DeviceProfileDocument.Quarantine {
        let profile = reader.requiredText("profile", hint: "the name of an abstract profile")
        var rule = QuarantineRule()
        rule.expiredSeconds = reader.wholeSeconds("expired", in: PolicyBounds.expiredQuarantineSeconds)
            .map { Int64($0) }
        rule.suspended = reader.bool("suspended") ?? false
        rule.pending = reader.bool("pending") ?? false
        rule.unregistered = reader.bool("unregistered") ?? false
        rule.cloned = reader.bool("cloned") ?? false
        let given = reader.keys.contains { ["expired", "suspended", "pending", "unregistered", "cloned"].contains($0) }
        if !given {
            reader.mistakes.report(
                .missingKey, at: reader.location, key: reader.path, "nothing says who gets the quarantine profile",
                hint: "give at least one of expired, suspended, pending, unregistered, cloned")
        }
        return DeviceProfileDocument.Quarantine(profile: profile, rule: rule)
    }
}

extension RegistrationRule {
    /// Reads `registration`: a mode alone, or a mapping.
    fileprivate static func read(_ reader: inout MappingReader) -> RegistrationRule {
        var rule = RegistrationRule()
        if case .scalar? = reader.node("registration") {
            if let mode = reader.choice("registration", of: Mode.self) { rule.mode = mode }
            return rule
        }
        return reader.nested("registration") { nested in
            if nested.requiredNode("mode") != nil, let mode = nested.choice("mode", of: Mode.self) { rule.mode = mode }
            if let quota = nested.int("quota", in: PolicyBounds.registrationQuota) { rule.quota = quota }
            if let approval = nested.bool("approval") { rule.approval = approval }
            for key in ["quota", "approval"] where rule.mode != .firstSeen && nested.keys.contains(key) {
                nested.mistakes.report(
                    .badValue, at: nested.location(of: key), key: nested.keyPath(key),
                    "has no meaning with mode `\(rule.mode.rawValue)`",
                    hint: "only devices of mode `\(Mode.firstSeen.rawValue)` register by themselves")
            }
            return rule
        } ?? rule
    }
}
