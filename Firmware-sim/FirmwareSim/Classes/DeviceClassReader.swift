import NIOCore
import NIOMbedTLS

/// Reads a device class from its YAML file. The format is described in `Firmware-sim/DeviceClasses/README.md`.
enum DeviceClassReader {
    /// The longest handshake a class may take: a device slower than this would not be put on TLS.
    static let handshakeTimeMax: TimeAmount = .minutes(2)
    /// The longest round trip: NB-IoT at its worst takes 10 s.
    static let roundTripMax: TimeAmount = .minutes(2)
    /// Bits per second: from the slowest measured NB-IoT uplink (264 bit/s) to beyond any constrained device's link.
    static let bitsPerSecond = 100.0...10_000_000_000.0

    /// - Throws: All the file's mistakes.
    static func read(_ text: String, file: String) throws(SourceMistakes) -> DeviceClass {
        let mistakes = MistakeCollector()
        let node = YAMLSource.parse(text, file: file, reporting: mistakes)
        return try finish(node, mistakes)
    }

    static func read(path: String) throws(SourceMistakes) -> DeviceClass {
        let mistakes = MistakeCollector()
        let node = YAMLSource.read(path: path, reporting: mistakes)
        return try finish(node, mistakes)
    }

    private static func finish(_ node: SourceNode?, _ mistakes: MistakeCollector) throws(SourceMistakes) -> DeviceClass
    {
        let result = node.flatMap { KeyReader.read($0, path: "", reporting: mistakes, readClass) }
        // Nothing was read only if something was reported.
        guard let result, mistakes.mistakes.isEmpty else { throw SourceMistakes(mistakes.mistakes) }
        return result
    }

    private static func readClass(_ reader: inout KeyReader) -> DeviceClass {
        var result = DeviceClass.native
        reader.require("name")
        if let name = reader.text("name") {
            if !isValid(name: name.value) {
                reader.report(
                    .badValue, "name", "'\(name.value)' is no name for a class",
                    hint: "1 to \(SimulatorLimits.fleetNameBytesMax) small letters, digits and '-', a letter first")
            }
            result.name = name.value
        }
        reader.require("emulates", hint: "the hardware, its TLS library and its link, for people")
        result.emulates = reader.text("emulates")?.value ?? ""
        reader.require("sources", hint: "where the figures come from")
        result.sources = (reader.texts("sources", countMax: SimulatorLimits.scenarioListMax) ?? []).map(\.value)
        if result.sources.isEmpty, reader.has("sources") {
            reader.report(.missingKey, "sources", "at least one source is needed")
        }
        reader.require("handshake")
        result.handshake = reader.nested("handshake", handshake) ?? .none
        result.link = reader.nested("link", link) ?? nil
        result.tls = reader.nested("tls", ability) ?? result.tls
        result.keepAlive = reader.keepAlive("keep-alive") ?? result.keepAlive
        result.sleep = reader.sleepCycle("sleep")
        reader.require("resumes", hint: "true or false")
        result.resumes = reader.flag("resumes") ?? false
        return result
    }

    private static func isValid(name: String) -> Bool {
        name.utf8.count <= SimulatorLimits.fleetNameBytesMax
            && name.utf8.first.map { (0x61...0x7A).contains($0) } == true
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private static func handshake(_ reader: inout KeyReader) -> DeviceClass.HandshakeTime {
        reader.require("full")
        reader.require("resumed")
        let full = reader.time("full", in: .zero...handshakeTimeMax) ?? .zero
        let resumed = reader.time("resumed", in: .zero...handshakeTimeMax) ?? .zero
        if resumed > full {
            reader.report(.contradiction, "resumed", "a resumed handshake takes no longer than a full one")
        }
        let shares = reader.nested("shares") { reader -> DeviceClass.HandshakeTime.Shares in
            for key in ["hello", "answer", "finish"] { reader.require(key) }
            let shares = DeviceClass.HandshakeTime.Shares(
                hello: reader.share("hello") ?? 0, answer: reader.share("answer") ?? 0,
                finish: reader.share("finish") ?? 0)
            let sum = shares.hello + shares.answer + shares.finish
            if abs(sum - 1) > 0.001 {
                reader.mistakes.report(
                    .contradiction, at: reader.place, key: reader.path,
                    "the shares add up to \(ScalarReader.short((sum * 1_000).rounded() / 10))%", hint: "not to 100%")
            }
            return shares
        }
        return .init(full: full, resumed: resumed, shares: shares ?? .standard)
    }

    private static func link(_ reader: inout KeyReader) -> LinkModel? {
        for key in ["round-trip", "down", "up"] { reader.require(key) }
        let roundTrip = reader.nested("round-trip") { reader -> LinkModel.RoundTrip? in
            reader.require("p50")
            reader.require("p99")
            let p50 = reader.time("p50", in: .microseconds(1)...roundTripMax)
            let p99 = reader.time("p99", in: .microseconds(1)...roundTripMax)
            guard let p50, let p99 else { return nil }
            if p99 < p50 { reader.report(.contradiction, "p99", "it is less than p50") }
            return .init(p50: p50, p99: p99)
        }
        let down = reader.bitRate("down")
        let up = reader.bitRate("up")
        let spikes = reader.nested("spikes") { reader -> LinkModel.Spikes? in
            reader.require("probability")
            reader.require("delay")
            let probability = reader.share("probability")
            let delay = reader.time("delay", in: .microseconds(1)...roundTripMax)
            guard let probability, let delay else { return nil }
            return .init(probability: probability, delay: delay)
        }
        guard let roundTrip = roundTrip ?? nil, let down, let up else { return nil }
        return LinkModel(roundTrip: roundTrip, downBitsPerSecond: down, upBitsPerSecond: up, spikes: spikes ?? nil)
    }

    private static func ability(_ reader: inout KeyReader) -> DeviceClass.TLSAbility {
        let versions = versions(&reader)
        var suites: [TLSCipherSuite] = []
        for text in reader.texts("cipher-suites", countMax: SimulatorLimits.scenarioListMax) ?? [] {
            let scalars = ScalarReader(mistakes: reader.mistakes)
            guard let suite = TLSCipherSuite(name: text.value) else {
                scalars.report(
                    text, .unknownName, "there is no cipher suite '\(text.value)' here",
                    hint: NearestName.hint(for: text.value, among: TLSCipherSuite.all.map(\.name)))
                continue
            }
            if suites.contains(suite) { scalars.report(text, .duplicateName, "\(suite.name) is there twice") }
            suites.append(suite)
        }
        if let versions,
            let missing = [TLSVersion.v1_2, .v1_3].first(where: { version in
                versions.contains(version) && !suites.isEmpty && !suites.contains { $0.version == version }
            })
        {
            reader.report(.contradiction, "cipher-suites", "none of them is of \(missing), which 'versions' names")
        }
        let fragment = fragmentLength(&reader)
        if fragment != nil, versions?.lowerBound == .v1_3 {
            reader.report(
                .contradiction, "max-fragment-length", "there is none in TLS 1.3 here",
                hint: "leave it out, or allow TLS 1.2")
        }
        return .init(versions: versions, cipherSuites: suites, maximumFragmentLength: fragment)
    }

    private static func versions(_ reader: inout KeyReader) -> ClosedRange<TLSVersion>? {
        guard let texts = reader.texts("versions", countMax: 2) else { return nil }
        let versions = texts.compactMap { text -> TLSVersion? in
            switch text.value {
            case "1.2": return .v1_2
            case "1.3": return .v1_3
            default:
                ScalarReader(mistakes: reader.mistakes).report(
                    text, .badValue, "there is no TLS version '\(text.value)' here", hint: "known are 1.2, 1.3")
                return nil
            }
        }
        guard let first = versions.min(), let last = versions.max() else {
            if texts.isEmpty {
                reader.report(.badValue, "versions", "at least one version is needed", hint: "known are 1.2, 1.3")
            }
            return nil
        }
        return first...last
    }

    private static func fragmentLength(_ reader: inout KeyReader) -> MaximumFragmentLength? {
        guard let text = reader.text("max-fragment-length") else { return nil }
        if let length = Int(text.value).flatMap(MaximumFragmentLength.init(rawValue:)) { return length }
        let known = MaximumFragmentLength.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")
        reader.report(
            .badValue, "max-fragment-length", "'\(text.value)' is none that TLS has (RFC 6066 section 4)",
            hint: "known are \(known); larger records need no key")
        return nil
    }
}

extension KeyReader {
    /// `75kbps`, `4.5Mbps`.
    fileprivate mutating func bitRate(_ key: String) -> Double? {
        guard let text = text(key) else { return nil }
        let units: [(suffix: String, factor: Double)] = [("kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9), ("bps", 1)]
        guard let unit = units.first(where: { text.value.hasSuffix($0.suffix) }),
            let number = ScalarReader.decimal(String(text.value.dropLast(unit.suffix.count)))
        else {
            report(.badValue, key, "'\(text.value)' is not a bit rate", hint: "such as 75kbps or 4.5Mbps")
            return nil
        }
        let rate = number * unit.factor
        guard DeviceClassReader.bitsPerSecond.contains(rate) else {
            report(.outOfRange, key, "\(text.value) is out of range", hint: "from 100bps to 10Gbps")
            return nil
        }
        return rate
    }

    /// Whole seconds up to 65,535 (MQTT 3.1.1 section 3.1.2.10).
    fileprivate mutating func keepAlive(_ key: String) -> TimeAmount? {
        guard let time = time(key, in: .zero ... .seconds(65_535)) else { return nil }
        if time.nanoseconds % 1_000_000_000 != 0 {
            report(.badValue, key, "keep-alive is counted in whole seconds")
        }
        return time
    }

    /// `{ awake: 20s, asleep: 10m }`.
    mutating func sleepCycle(_ key: String) -> SleepCycle? {
        let longest: TimeAmount = .seconds(Int64(SimulatorLimits.durationSecondsMax))
        let cycle = nested(key) { reader -> SleepCycle? in
            reader.require("awake", hint: "from CONNACK to DISCONNECT")
            reader.require("asleep", hint: "from DISCONNECT to the next connect")
            let awake = reader.time("awake", in: .milliseconds(1)...longest)
            let asleep = reader.time("asleep", in: .milliseconds(1)...longest)
            guard let awake, let asleep else { return nil }
            return SleepCycle(awake: awake, asleep: asleep)
        }
        return cycle ?? nil
    }
}
