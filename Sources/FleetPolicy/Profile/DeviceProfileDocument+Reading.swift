extension DeviceProfileDocument {
    /// The QoS an entry permits when it does not say: enough for "at least once", which is what devices use.
    static let defaultMaximumQoS = 1

    /// Reads a profile's document, and reports what is wrong with its form. Nil when it is no mapping at all.
    public static func read(_ node: SourceNode, reporting mistakes: MistakeCollector) -> DeviceProfileDocument? {
        MappingReader.read(node, reporting: mistakes) { reader in
            let name = readName(&reader)
            let description = reader.string("description")
            let priority = reader.int("priority", in: PolicyBounds.priorities) ?? 0
            let match = reader.requiredNested("match", hint: "say which certificates the profile is for") {
                MatchDocument.read(&$0)
            }
            let device = reader.requiredText("device", hint: "a capture of `match`, such as \"{serial}\"")
            let tenant = reader.text("tenant")
            let publish = readTopics(&reader, "publish") { $0.allowsRetain = $1.bool("retain") ?? false }
            let subscribe = readTopics(&reader, "subscribe") { $0.allowsShared = $1.bool("shared") ?? false }
            let denyPublish = reader.strings("deny-publish", countMax: PolicyBounds.filtersPerListMax)
            let denySubscribe = reader.strings("deny-subscribe", countMax: PolicyBounds.filtersPerListMax)
            let will = readWill(&reader)
            let onDeniedPublish = reader.choice("on-denied-publish", of: DeniedPublishAction.self)
            var limits = reader.nested("limits") { DeviceLimits.read(&$0) } ?? DeviceLimits()
            if let onDeniedPublish { limits.onDeniedPublish = onDeniedPublish }
            return DeviceProfileDocument(
                location: reader.location, name: name, description: description, priority: priority, match: match,
                device: device, tenant: tenant, publish: publish, denyPublish: denyPublish, subscribe: subscribe,
                denySubscribe: denySubscribe, will: will, limits: limits)
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

    private static func readTopics(
        _ reader: inout MappingReader, _ key: String, more: (inout TopicEntry, inout MappingReader) -> Void
    ) -> [TopicEntry] {
        let mistakes = reader.mistakes
        return reader.list(key, countMax: PolicyBounds.filtersPerListMax).compactMap {
            readTopic($0.node, path: $0.path, reporting: mistakes, more: more)
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

extension MatchDocument {
    static func read(_ reader: inout MappingReader) -> MatchDocument {
        let issuer = readName(&reader, "issuer")
        let subject = readName(&reader, "subject")
        let alternativeNames =
            reader.nested("san") { san in
                AlternativeNameKind.allCases.compactMap { kind in
                    san.text(kind.rawValue).map { (kind: kind, pattern: $0) }
                }
            } ?? []
        return MatchDocument(
            location: reader.location, issuer: issuer, subject: subject, alternativeNames: alternativeNames)
    }

    private static func readName(_ reader: inout MappingReader, _ key: String) -> Name? {
        guard let node = reader.node(key) else { return nil }
        if case .scalar = node {
            return ScalarReader(reader.mistakes).text(node, key: reader.keyPath(key)).map(Name.exact)
        }
        return MappingReader.read(node, path: reader.keyPath(key), reporting: reader.mistakes) { attributes in
            Name.attributes(readAttributes(&attributes))
        }
    }

    private static func readAttributes(_ reader: inout MappingReader) -> [(oid: String, pattern: Located<String>)] {
        var attributes: [(oid: String, pattern: Located<String>)] = []
        let names = AttributeType.table.map(\.name)
        for key in reader.keys {
            let pattern = reader.text(key)
            let oid = AttributeType.table.first { $0.name == key }?.oid ?? (AttributeType.isDottedOID(key) ? key : nil)
            guard let oid else {
                reader.mistakes.report(
                    .unknownKey, at: reader.location(of: key), key: reader.keyPath(key),
                    "not an attribute of a distinguished name",
                    hint: Spelling.nearest(to: key, among: names).map { "did you mean `\($0)`?" }
                        ?? "a short name such as CN, O, OU, serialNumber, or an object identifier such as 2.5.4.3")
                continue
            }
            guard !attributes.contains(where: { $0.oid == oid }) else {
                reader.mistakes.report(
                    .duplicateKey, at: reader.location(of: key), key: reader.keyPath(key),
                    "this attribute was given before under another name")
                continue
            }
            if let pattern { attributes.append((oid, pattern)) }
        }
        return attributes
    }
}

extension DeviceLimits {
    static func read(_ reader: inout MappingReader) -> DeviceLimits {
        var limits = DeviceLimits()
        if let bytes = reader.byteSize("packet-bytes", in: PolicyBounds.packetBytes) { limits.packetBytesMax = bytes }
        if let keepAlive = reader.nested("keep-alive", { KeepAlive.read(&$0) }) { limits.keepAlive = keepAlive }
        if let rate = reader.nested("messages", { MessageRate.read(&$0) }) { limits.messageRate = rate }
        if let seconds = reader.wholeSeconds("session-expiry", in: PolicyBounds.sessionExpirySeconds) {
            limits.sessionExpirySecondsMax = UInt32(seconds)
        }
        if let count = reader.int("subscriptions", in: PolicyBounds.subscriptions) { limits.subscriptionsMax = count }
        return limits
    }
}

extension KeepAlive {
    static func read(_ reader: inout MappingReader) -> KeepAlive {
        var keepAlive = KeepAlive()
        if let seconds = reader.wholeSeconds("min", in: PolicyBounds.keepAliveSeconds) {
            keepAlive.minimumSeconds = UInt16(seconds)
        }
        if let seconds = reader.wholeSeconds("max", in: PolicyBounds.keepAliveSeconds) {
            keepAlive.maximumSeconds = UInt16(seconds)
        }
        if let isRequired = reader.bool("required") { keepAlive.isRequired = isRequired }
        if keepAlive.minimumSeconds > keepAlive.maximumSeconds {
            reader.mistakes.report(
                .outOfRange, at: reader.location, key: reader.path,
                "min \(keepAlive.minimumSeconds)s is above max \(keepAlive.maximumSeconds)s",
                hint: "what is not given is \(KeepAlive().minimumSeconds)s and \(KeepAlive().maximumSeconds)s")
        }
        return keepAlive
    }
}

extension MessageRate {
    static func read(_ reader: inout MappingReader) -> MessageRate {
        var rate = MessageRate()
        if let perSecond = reader.int("per-second", in: PolicyBounds.messagesPerSecond) { rate.perSecond = perSecond }
        if let burst = reader.int("burst", in: PolicyBounds.messagesBurst) { rate.burst = burst }
        if let action = reader.choice("on-exceeded", of: ExceededAction.self) { rate.onExceeded = action }
        return rate
    }
}
