import NIOCore

extension ScenarioReader {
    func readDefaults(_ reader: inout KeyReader) {
        defaults.className = reader.text("class")
        defaults.firmware = reader.node("firmware")
        defaults.firmwarePath = reader.path(of: "firmware")
        defaults.subject = reader.text("subject")
        defaults.alternativeNames = reader.texts("san", countMax: SimulatorLimits.scenarioListMax)
        defaults.clientID = reader.text("client-id")
        defaults.keyType = reader.choice("key-type", DeviceKeyType.self)
    }

    func readFleet(_ reader: inout KeyReader) -> ScenarioFleet? {
        reader.require("name")
        reader.require("count", hint: "how many devices")
        let name = reader.text("name")?.value ?? ""
        if reader.has("name"), !FleetSpecification.isValid(name: name) {
            reader.report(.badValue, "name", "'\(name)' is no name for a fleet", hint: Self.nameHint)
        }
        let count = reader.integer("count", in: 1...SimulatorLimits.devicesMax)
        let subject = subject(reader.text("subject") ?? defaults.subject)
        let alternativeNames = alternativeNames(
            reader.texts("san", countMax: SimulatorLimits.scenarioListMax) ?? defaults.alternativeNames ?? [])
        let clientID = clientID(reader.text("client-id") ?? defaults.clientID)
        var deviceClass = deviceClass(reader.text("class") ?? defaults.className)
        var firmware = firmware(&reader, fleet: name)
        if firmware?.sleep == Self.neverAsleep {
            firmware?.sleep = nil
            deviceClass.sleep = nil
        }
        let credential = reader.choice("credential", CredentialKind.self) ?? .valid
        let keyType = reader.choice("key-type", DeviceKeyType.self) ?? defaults.keyType ?? .p256
        let conduct = conduct(&reader)
        let isHonest = credential == .valid && (conduct?.conduct ?? .honest) == .honest
        let expectation = expectation(&reader, isNeeded: !isHonest)
        guard let count, let subject, let clientID, let firmware, let conduct, let expectation,
            let topic = defaultTopic(DefaultTopic.telemetry)
        else { return nil }
        let specification = FleetSpecification(
            name: name, count: count, subject: subject, alternativeNames: alternativeNames, clientID: clientID,
            topic: topic, publishing: .init(period: .zero, payloadBytes: 0, qos: 0))
        do {
            try specification.requireDistinctDevices()
        } catch {
            reader.report(.contradiction, "count", error.explanation)
        }
        return ScenarioFleet(
            specification: specification, deviceClass: deviceClass, firmware: firmware, credential: credential,
            keyType: keyType, conduct: conduct, expectation: expectation)
    }

    private func subject(_ text: Located<String>?) -> SubjectTemplate? {
        do {
            return try SubjectTemplate(text?.value ?? FleetSpecification.defaultSubject)
        } catch {
            if let text { ScalarReader(mistakes: mistakes).report(text, .badValue, error.explanation) }
            return nil
        }
    }

    private func alternativeNames(_ texts: [Located<String>]) -> [FleetSpecification.AlternativeNameTemplate] {
        texts.compactMap { text in
            do throws(SimulatorError) {
                return try FleetSpecification.alternativeName(text.value)
            } catch {
                ScalarReader(mistakes: mistakes).report(text, .badValue, error.explanation)
                return nil
            }
        }
    }

    private func clientID(_ text: Located<String>?) -> TextTemplate? {
        guard let text else {
            return try? TextTemplate(
                FleetSpecification.defaultClientID, allowing: FleetSpecification.clientIDVariables)
        }
        return ScalarReader(mistakes: mistakes).template(text, allowing: FleetSpecification.clientIDVariables)
    }

    private func deviceClass(_ name: Located<String>?) -> DeviceClass {
        guard let name else { return .native }
        if let found = DeviceClassLibrary.deviceClass(named: name.value) { return found }
        ScalarReader(mistakes: mistakes).report(
            name, .unknownName, "there is no device class '\(name.value)'",
            hint: NearestName.hint(for: name.value, among: DeviceClassLibrary.names))
        return .native
    }

    /// A name of a firmware block, or the firmware itself; without either, devices that connect and stay.
    private func firmware(_ reader: inout KeyReader, fleet: String) -> Firmware? {
        let own = reader.node("firmware")
        guard let node = own ?? defaults.firmware else {
            return Firmware(
                name: fleet, boot: .zero ... .zero, subscriptions: [], telemetry: [], answersCommands: false,
                commands: nil, updates: nil, sleep: nil, rotation: nil, backoff: .standard)
        }
        let path = own == nil ? defaults.firmwarePath : reader.path(of: "firmware")
        guard case .scalar = node.content else {
            return KeyReader.read(node, path: path, reporting: mistakes) { readFirmware(&$0, named: fleet) }
        }
        guard let name = ScalarReader(mistakes: mistakes).text(node, path: path) else { return nil }
        if let named = firmwares[name.value] { return named }
        ScalarReader(mistakes: mistakes).report(
            name, .unknownName, "there is no firmware '\(name.value)' in this file",
            hint: NearestName.hint(for: name.value, among: firmwares.keys.sorted()))
        return nil
    }

    /// A conduct's name, or a mapping with `kind` and what the kind needs.
    private func conduct(_ reader: inout KeyReader) -> ConductSettings? {
        guard let node = reader.node("conduct") else { return .honest }
        let path = reader.path(of: "conduct")
        guard case .scalar = node.content else {
            return KeyReader.read(node, path: path, reporting: mistakes) { conductSettings(&$0) } ?? nil
        }
        guard let kind = reader.choice("conduct", Conduct.self) else { return nil }
        return completed(
            ConductSettings(conduct: kind, topic: nil, victims: nil, packetBytes: 0), reader, key: "conduct")
    }

    private func conductSettings(_ reader: inout KeyReader) -> ConductSettings? {
        reader.require("kind")
        let kind = reader.choice("kind", Conduct.self)
        let topic = reader.template("topic", allowing: Self.peerVariables)
        let victims = reader.text("victims")
        if let victims { fleetReferences.append(victims) }
        let bytes = reader.integer("packet-bytes", in: 1...SimulatorLimits.updateBytesMax)
        guard let kind else { return nil }
        let takes: [String] =
            switch kind {
            case .topicViolation: ["topic", "victims"]
            case .oversizedPacket: ["packet-bytes"]
            case .clientIDTheft: ["victims"]
            case .honest, .slowLoris, .halfOpen, .garbage: []
            }
        for key in ["topic", "victims", "packet-bytes"] where reader.has(key) && !takes.contains(key) {
            reader.report(.contradiction, key, "it does not go with \(kind.rawValue)")
        }
        let settings = ConductSettings(
            conduct: kind, topic: topic, victims: victims?.value, packetBytes: bytes ?? 0)
        return completed(settings, reader, key: "kind")
    }

    /// With the defaults of its kind; nil, with a mistake, when something is missing that has none.
    private func completed(_ settings: ConductSettings, _ reader: KeyReader, key: String) -> ConductSettings? {
        var settings = settings
        switch settings.conduct {
        case .honest, .slowLoris, .halfOpen, .garbage:
            break
        case .topicViolation:
            settings.topic = settings.topic ?? defaultTopic("devices/{peer}/telemetry")
        case .oversizedPacket:
            if settings.packetBytes == 0 { settings.packetBytes = SimulatorLimits.payloadBytesMax }
        case .clientIDTheft:
            break
        }
        let needsVictims = settings.conduct == .clientIDTheft || settings.conduct == .topicViolation
        if needsVictims, settings.victims == nil {
            reader.report(
                .missingKey, key, "\(settings.conduct.rawValue) needs the fleet of its victims",
                hint: "conduct: { kind: \(settings.conduct.rawValue), victims: FLEET }")
            return nil
        }
        return settings
    }

    /// `accepted`, or `{ refused: [tls/alert-unknown-ca, …] }`.
    private func expectation(_ reader: inout KeyReader, isNeeded: Bool) -> Expectation? {
        let hint = "accepted, or { refused: [PHASE/CODE, ...] }"
        guard let node = reader.node("expect") else {
            guard isNeeded, !reader.has("expect") else { return .accepted }
            reader.require("expect", hint: "what is to become of such devices: \(hint)")
            return nil
        }
        if case .scalar(let text, _) = node.content {
            if text == "accepted" { return .accepted }
            reader.report(.badValue, "expect", "'\(text)' is no expectation", hint: hint)
            return nil
        }
        let reasons = reader.nested("expect") { reader -> [String] in
            reader.require("refused", hint: hint)
            let texts = reader.texts("refused", countMax: SimulatorLimits.scenarioListMax) ?? []
            if texts.isEmpty, reader.has("refused") {
                reader.report(
                    .badValue, "refused", "at least one reason is needed",
                    hint: "a device refused for the wrong reason is a finding too")
            }
            return texts.compactMap { text in
                do throws(ReasonPattern.Mistake) {
                    _ = try ReasonPattern.reading(text.value)
                    return text.value
                } catch {
                    ScalarReader(mistakes: mistakes).report(text, .badValue, error.problem, hint: error.hint)
                    return nil
                }
            }
        }
        return reasons.map { .refused(reasons: $0) }
    }
}
