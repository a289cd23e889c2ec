import FleetPKI
import MQTTCodec
import NIOCore
import NIOMbedTLS
import NIOPosix
import Testing

@testable import FirmwareSim

/// Devices over real sockets and TLS against a small broker.
@Suite struct DeviceRunnerTests {
    static let versions: [RunPlan.TLSVersionChoice] = DeviceTLS.supports(.v13) ? [.v12, .v13] : [.v12]

    /// Brings up a broker and the devices, runs `body`, and ends both.
    private func with(
        _ fleets: [ScenarioFleet], rules: SmallBroker.Rules = .init(), mqtt: MQTTProtocolVersion = .v5,
        tls: RunPlan.TLSVersionChoice = .newest, connectTimeout: TimeAmount = .seconds(60), leaves: Leaves = .never,
        resumption: Resumption = .byClass, setting: LoadRunTests.Setting? = nil, issuing: LoadRunTests.Setting? = nil,
        _ body: (NIOLoopBound<LoneHost>) async throws -> Void
    ) async throws {
        let setting = try setting ?? LoadRunTests.Setting()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        do {
            let broker = try await SmallBroker.start(rules, on: group, setting: setting, version: mqtt)
            let port = broker.port
            let issuing = issuing ?? setting
            let host = try await loop.submit {
                NIOLoopBound(
                    try LoneHost(
                        eventLoop: loop, fleets: fleets, port: port, setting: issuing, mqtt: mqtt, tls: tls,
                        connectTimeout: connectTimeout, leaves: leaves, resumption: resumption), eventLoop: loop)
            }.get()
            try await body(host)
            try await loop.submit { host.value.cut() }.get()
            try await broker.channel.close()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func on<T: Sendable>(
        _ host: NIOLoopBound<LoneHost>, _ body: @escaping @Sendable (LoneHost) -> T
    ) async throws -> T {
        try await host.eventLoop.submit { body(host.value) }.get()
    }

    private func when(
        _ host: NIOLoopBound<LoneHost>, _ condition: @escaping @Sendable (LoneHost) -> Bool
    ) async throws {
        try await host.eventLoop.flatSubmit { host.value.when(condition) }.get()
    }

    private func fleet(
        _ name: String, count: Int = 1, deviceClass: DeviceClass = .native, conduct: ConductSettings = .honest,
        _ change: (inout Firmware) throws -> Void = { _ in }
    ) throws -> ScenarioFleet {
        let specification = try FleetSpecification(
            option: "name=\(name);count=\(count);period=0", defaults: FleetSpecificationTests.defaults)
        var fleet = ScenarioFleet(of: specification, backoff: .none)
        fleet.deviceClass = deviceClass
        fleet.conduct = conduct
        try change(&fleet.firmware)
        return fleet
    }

    private func template(_ text: String) throws -> TextTemplate {
        try TextTemplate(text, allowing: FleetSpecification.topicVariables.union([.peer]))
    }

    private var constrained: DeviceClass {
        var constrained = DeviceClass.native
        constrained.handshake = .init(full: .milliseconds(200), resumed: .milliseconds(40), shares: .standard)
        constrained.link = LinkModel(
            roundTrip: .init(p50: .milliseconds(60), p99: .milliseconds(60)), downBitsPerSecond: 1e6,
            upBitsPerSecond: 1e6, spikes: nil)
        constrained.resumes = true
        return constrained
    }

    // MARK: Firmware

    @Test(arguments: versions, [MQTTProtocolVersion.v3_1_1, .v5])
    func devicesCommandEachOther(tls: RunPlan.TLSVersionChoice, mqtt: MQTTProtocolVersion) async throws {
        let meters = try fleet("meters", count: 3) {
            $0.subscriptions = [.init(topic: try template("cmd/{device}"), qos: 1)]
            $0.answersCommands = true
        }
        let head = try fleet("head") {
            $0.subscriptions = [.init(topic: try template("reply/{device}/#"), qos: 0)]
            $0.commands = .init(
                fleet: "meters", topic: try template("cmd/{peer}"), replyTopic: try template("reply/{device}/x"),
                period: .milliseconds(20), payloadBytes: 64, timeout: .seconds(60), qos: 1)
        }
        try await with([meters, head], mqtt: mqtt, tls: tls) { host in
            // The commanded ones first: a command to one that is not there yet is lost, as in life.
            try await on(host) { $0.start(fleet: "meters") }
            try await when(host) { $0.isConnected(fleet: "meters") }
            try await on(host) { $0.start(fleet: "head") }
            try await when(host) { $0.latencies(.command).count >= 10 }
            #expect(try await on(host) { $0.count(.commandUnanswered) } == 0)
            #expect(try await on(host) { $0.history("head").violation(of: .accepted) } == nil)
        }
    }

    @Test func updatesReachTheirDevices() async throws {
        let meters = try fleet("meters", count: 2) {
            $0.subscriptions = [.init(topic: try template("fw/{device}"), qos: 1)]
        }
        let head = try fleet("head") {
            $0.updates = .init(
                fleet: "meters", topic: try template("fw/{peer}"), period: .milliseconds(50), totalBytes: 40_000,
                chunkBytes: 1_000, qos: 1)
        }
        try await with([meters, head]) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.count(.received(bytes: 1_000)) >= 40 }
        }
    }

    @Test(arguments: [UInt8(135), 128])
    func aRefusedSubscriptionShows(code: UInt8) async throws {
        var rules = SmallBroker.Rules()
        rules.subscriptions = MQTTReasonCode(rawValue: code)
        let meters = try fleet("meters") { $0.subscriptions = [.init(topic: try template("a/{device}"), qos: 1)] }
        try await with([meters], rules: rules) { host in
            try await on(host) { $0.start() }
            try await when(host) { !$0.history("meters").endings.isEmpty }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == "session/suback-\(code)")
        }
    }

    @Test func devicesSleepAndComeBack() async throws {
        let meters = try fleet("meters") {
            $0.sleep = .init(awake: .milliseconds(20), asleep: .milliseconds(20))
        }
        try await with([meters]) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.history("meters").connects >= 3 }
            try await on(host) { $0.stop() }
            try await when(host) { $0.isAllFinished }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == nil)
        }
    }

    @Test func devicesRotateTheirCertificates() async throws {
        let meters = try fleet("meters") { $0.rotation = .milliseconds(30) }
        try await with([meters], resumption: .always) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.history("meters").connects >= 3 }
            #expect(try await on(host) { $0.renewals } >= 2)
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == nil)
            #expect(
                try await on(host) { $0.history("meters").resumedHandshakes } == 0, "a new identity does not resume")
        }
    }

    // MARK: Handshakes

    @Test(arguments: versions)
    func sessionsAreResumed(tls: RunPlan.TLSVersionChoice) async throws {
        var rules = SmallBroker.Rules()
        rules.givesTickets = true
        let meters = try fleet("meters") {
            $0.sleep = .init(awake: .milliseconds(20), asleep: .milliseconds(5))
        }
        try await with([meters], rules: rules, tls: tls, resumption: .always) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.history("meters").connects >= 4 }
            let history = try await on(host) { $0.history("meters") }
            #expect(history.resumedHandshakes >= history.handshakes - 1)
            let bytes = try await on(host) { host in
                host.observations.compactMap { observation -> (Bool, Int)? in
                    if case .handshake(let resumed, let bytes) = observation { (resumed, bytes) } else { nil }
                }
            }
            #expect(bytes.first?.0 == false)
            #expect(bytes.first.map(\.1) ?? 0 > bytes.last.map(\.1) ?? .max)
        }
    }

    @Test(arguments: versions)
    func aSessionThatCameWithAFailureIsNotOfferedAgain(tls: RunPlan.TLSVersionChoice) async throws {
        var rules = SmallBroker.Rules()
        rules.givesTickets = true
        rules.endsResumed = true
        let meters = try fleet("meters") {
            $0.sleep = .init(awake: .milliseconds(20), asleep: .milliseconds(5))
            $0.backoff = .fixed(.milliseconds(5))
        }
        try await with([meters], rules: rules, tls: tls, resumption: .always) { host in
            try await on(host) { $0.start() }
            // In, refused because it resumed, in again because it did not.
            try await when(host) { $0.history("meters").connects >= 3 }
            let history = try await on(host) { $0.history("meters") }
            #expect(history.resumedHandshakes >= 2)
            #expect(history.resumedHandshakes <= history.handshakes - history.resumedHandshakes)
        }
    }

    @Test(arguments: versions)
    func onlyHandshakes(tls: RunPlan.TLSVersionChoice) async throws {
        try await with([fleet("meters", count: 3)], tls: tls, leaves: .afterHandshake) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllFinished }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == nil)
            #expect(try await on(host) { $0.latencies(.tls).count } == 3)
            #expect(try await on(host) { $0.latencies(.connack).count } == 0)
        }
    }

    @Test(arguments: versions)
    func aHandshakeThatIsRefusedHasItsReason(tls: RunPlan.TLSVersionChoice) async throws {
        let setting = try LoadRunTests.Setting()
        let stranger = try LoadRunTests.Setting(serverAuthority: setting.serverAuthority)
        try await with([fleet("meters")], tls: tls, leaves: .afterHandshake, setting: setting, issuing: stranger) {
            host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllFinished }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == "tls/alert-unknown-ca")
        }
    }

    @Test(arguments: versions)
    func aConstrainedDeviceTakesItsTime(tls: RunPlan.TLSVersionChoice) async throws {
        try await with([fleet("meters", deviceClass: constrained)], tls: tls) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllConnected }
            // At least: on a busy machine it may be more.
            let least: [(LatencyKind, TimeAmount)] = [
                (.tcp, .milliseconds(60)), (.tls, .milliseconds(200 + 60)), (.connack, .milliseconds(60)),
            ]
            for (kind, time) in least {
                #expect(try await on(host) { $0.latencies(kind) }.first ?? .zero >= time, "\(kind)")
            }
            try await on(host) { $0.stop() }
            try await when(host) { $0.isAllFinished }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == nil)
        }
    }

    // MARK: Outages

    @Test func devicesComeBackAfterAnOutage() async throws {
        let meters = try fleet("meters", count: 3) { $0.backoff = .fixed(.milliseconds(20)) }
        try await with([meters]) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllConnected }
            try await on(host) { $0.setLink(up: false) }
            let isAnyLeft = try await on(host) { $0.isConnected(fleet: "meters") }
            #expect(!isAnyLeft)
            try await on(host) { $0.setLink(up: true) }
            try await when(host) { $0.isAllConnected }
            #expect(try await on(host) { $0.history("meters").violation(of: .accepted) } == nil)
            #expect(try await on(host) { $0.history("meters").connects } == 2)
        }
    }

    // MARK: Misdeeds

    @Test(
        arguments: [
            (Conduct.garbage, ["tls/eof", "tls/tcp-reset", "tls/alert-*"]), (.slowLoris, ["tls/eof", "tls/tcp-reset"]),
            (.halfOpen, ["tls/eof", "tls/tcp-reset"]),
        ])
    func rawMisdeedsAreEndedByTheServer(conduct: Conduct, reasons: [String]) async throws {
        var rules = SmallBroker.Rules()
        rules.handshakeTimeout = .milliseconds(500)
        let bad = try fleet(
            "bad", conduct: .init(conduct: conduct, topic: nil, victims: nil, packetBytes: 0))
        try await with([bad], rules: rules) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllFinished }
            #expect(try await on(host) { $0.history("bad").violation(of: .refused(reasons: reasons)) } == nil)
        }
    }

    @Test(arguments: [Conduct.slowLoris, .halfOpen])
    func aServerThatLetsThemBeIsFoundOut(conduct: Conduct) async throws {
        let bad = try fleet(
            "bad", conduct: .init(conduct: conduct, topic: nil, victims: nil, packetBytes: 0))
        try await with([bad], connectTimeout: .milliseconds(300)) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllFinished }
            #expect(
                try await on(host) { $0.history("bad").violation(of: .refused(reasons: ["tls/eof"])) }
                    == "tls/still-open")
        }
    }

    @Test(arguments: [true, false])
    func aTopicViolation(isForbidden: Bool) async throws {
        var rules = SmallBroker.Rules()
        rules.forbiddenPrefix = isForbidden ? "devices/honest-" : nil
        let honest = try fleet("honest", count: 2)
        let bad = try fleet(
            "bad",
            conduct: .init(
                conduct: .topicViolation, topic: try template("devices/{peer}/telemetry"), victims: "honest",
                packetBytes: 0))
        try await with([honest, bad], rules: rules) { host in
            try await on(host) { $0.start(fleet: "bad") }
            try await when(host) { $0.history("bad").acknowledgedViolations + $0.history("bad").refusedPublishes > 0 }
            #expect(
                try await on(host) { $0.history("bad").violation(of: .refused(reasons: ["session/puback-135"])) }
                    == (isForbidden ? nil : "misdeed-acknowledged"))
        }
    }

    @Test func anOversizedPacketEndsTheConnection() async throws {
        var rules = SmallBroker.Rules()
        rules.packetBytesMax = 4_096
        let bad = try fleet(
            "bad", conduct: .init(conduct: .oversizedPacket, topic: nil, victims: nil, packetBytes: 100_000))
        try await with([bad], rules: rules) { host in
            try await on(host) { $0.start() }
            try await when(host) { $0.isAllFinished }
            let gotIn = try await on(host) { $0.history("bad").everAccepted }
            #expect(gotIn)
            let reasons = ["session/eof", "session/tcp-reset"]
            #expect(try await on(host) { $0.history("bad").violation(of: .refused(reasons: reasons)) } == nil)
        }
    }

    @Test(arguments: [MQTTProtocolVersion.v3_1_1, .v5])
    func aTheftShowsAtTheVictim(mqtt: MQTTProtocolVersion) async throws {
        let honest = try fleet("honest")
        let thief = try fleet(
            "thief", conduct: .init(conduct: .clientIDTheft, topic: nil, victims: "honest", packetBytes: 0))
        try await with([honest, thief], mqtt: mqtt) { host in
            try await on(host) { $0.start(fleet: "honest") }
            try await when(host) { $0.history("honest").connects == 1 }
            try await on(host) { $0.start(fleet: "thief") }
            try await when(host) { !$0.history("honest").endings.isEmpty }
            let ending = mqtt == .v5 ? "session/disconnect-142" : "session/eof"
            #expect(try await on(host) { $0.history("honest").violation(of: .accepted) } == ending)
            #expect(
                try await on(host) { $0.history("thief").violation(of: .refused(reasons: ["connack/*"])) }
                    == "accepted")
        }
    }
}
