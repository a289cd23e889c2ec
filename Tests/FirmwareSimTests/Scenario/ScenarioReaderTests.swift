import MQTTCodec
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct ScenarioReaderTests {
    /// A scenario with one of its parts put in place of the good one.
    static func text(
        head: String = "name: x\nsummary: y", firmware: String = "firmware: { f: {} }",
        fleets: String = "fleets: [ { name: a, count: 10 }, { name: b, count: 5, firmware: f } ]",
        stages: String = "stages: [ { name: s, duration: 10s, actions: [ { do: start } ] } ]",
        assertions: String = "assertions: [ failures == 0 ]"
    ) -> String {
        [head, firmware, fleets, stages, assertions].joined(separator: "\n") + "\n"
    }

    private func read(_ text: String) throws -> Scenario { try ScenarioReader.read(text, file: "x.yaml") }

    private func keys(_ text: String) -> [String] {
        do throws(SourceMistakes) {
            _ = try ScenarioReader.read(text, file: "x.yaml")
            return []
        } catch {
            return error.mistakes.map(\.key)
        }
    }

    // MARK: What is left out

    @Test func defaultsAreKind() throws {
        let scenario = try read(Self.text())
        #expect(scenario.mqtt == .v3_1_1)
        #expect(scenario.connectTimeout == .seconds(30))
        let fleet = scenario.fleets[0]
        #expect(fleet.deviceClass == .native)
        #expect(fleet.credential == .valid)
        #expect(fleet.keyType == .p256)
        #expect(fleet.conduct == .honest)
        #expect(fleet.expectation == .accepted)
        #expect(fleet.firmware.name == "a")
        #expect(fleet.firmware.backoff == .standard)
        #expect(fleet.firmware.telemetry.isEmpty && fleet.firmware.subscriptions.isEmpty)
        #expect(scenario.fleets[1].firmware.name == "f")
        #expect(fleet.specification.subject == (try SubjectTemplate("CN={fleet}-{n:06}")))
        #expect(
            scenario.stages == [
                Stage(
                    name: "s", duration: .seconds(10), actions: [.init(kind: .start(.atOnce), fleets: [])],
                    isWarmUp: false)
            ])
    }

    @Test func defaultsOfTheFileHoldUnlessTheFleetSaysOtherwise() throws {
        let scenario = try read(
            Self.text(
                head: """
                    name: x
                    summary: y
                    defaults: { class: linux-gw, firmware: f, subject: "CN=d-{n}-{fleet}", client-id: "c-{device}",
                      key-type: rsa-2048, san: ["dns:{n}.example"] }
                    """,
                fleets: """
                    fleets: [ { name: a, count: 1 },
                      { name: b, count: 1, class: esp8266, key-type: p384, firmware: {}, san: [] } ]
                    """))
        #expect(scenario.fleets.map(\.deviceClass.name) == ["linux-gw", "esp8266"])
        #expect(scenario.fleets.map(\.keyType) == [.rsa2048, .p384])
        #expect(scenario.fleets.map(\.firmware.name) == ["f", "b"])
        #expect(scenario.fleets.map(\.specification.alternativeNames.count) == [1, 0])
        let devices = try SimulatedDevice.all(of: scenario.fleets)
        #expect(devices.map(\.clientID) == ["c-d-1-a", "c-d-1-b"])
    }

    @Test func firmwareInFull() throws {
        let firmware = """
            firmware:
              f:
                boot: 1s to 5s
                subscriptions: [ "devices/{device}/#", { topic: all, qos: 0 } ]
                telemetry:
                  - { period: 10s, jitter: 25%, payload: "{{{device}}}", qos: 0, retain: true }
                  - { topic: "t/{client}", period: 1m, payload-bytes: 0 }
                answers-commands: true
                commands: { fleet: b, period: 2s, payload-bytes: 10, timeout: 3s, qos: 0 }
                updates: { fleet: b, period: 1m, total-bytes: 10, chunk-bytes: 4096 }
                sleep: { awake: 1s, asleep: 2s }
                rotation: 1h
                back-off: fixed:3s
            """
        let result = try read(Self.text(firmware: firmware)).fleets[1].firmware
        #expect(result.boot == .seconds(1) ... .seconds(5))
        #expect(result.subscriptions.map(\.qos) == [1, 0, 0])
        #expect(result.telemetry.map(\.jitter) == [0.25, 0])
        #expect(result.telemetry.map(\.qos) == [0, 1])
        #expect(result.telemetry.map(\.retain) == [true, false])
        #expect(result.telemetry[1].payload == .bytes(0))
        guard case .text(let payload) = result.telemetry[0].payload else { throw Failure() }
        #expect(payload.render(TemplateValues(number: 1, fleet: "b", device: "d")) == "{d}")
        #expect(result.answersCommands)
        #expect(result.commands?.timeout == .seconds(3))
        let values = TemplateValues(number: 1, fleet: "b", device: "me", peer: "you")
        #expect(result.commands?.topic.render(values) == "devices/you/commands")
        #expect(result.commands?.replyTopic.render(values) == "devices/me/responses")
        #expect(result.updates?.topic.render(values) == "devices/you/update")
        #expect(result.updates?.chunkBytes == 10)
        #expect(result.sleep == SleepCycle(awake: .seconds(1), asleep: .seconds(2)))
        #expect(result.rotation == .hours(1))
        #expect(result.backoff == .fixed(.seconds(3)))
    }

    private struct Failure: Error {}

    @Test(arguments: [
        ("{ do: start }", Stage.Kind.start(.atOnce)),
        ("{ do: start, rate: 2.5, arrivals: poisson }", .start(.rate(perSecond: 2.5, arrivals: .poisson))),
        ("{ do: start, ramp: { from: 0, to: 9 } }", .start(.ramp(fromPerSecond: 0, toPerSecond: 9))),
        ("{ do: start, spread: 4s }", .start(.spread(over: .seconds(4)))),
    ])
    func startsInAllPaces(action: String, kind: Stage.Kind) throws {
        let stages = "stages: [ { name: s, duration: 10s, warm-up: false, shortest: 1s, actions: [ \(action) ] } ]"
        #expect(try read(Self.text(stages: stages)).stages[0].actions == [.init(kind: kind, fleets: [])])
    }

    // MARK: Mistakes

    @Test(arguments: [
        ("name: x", "summary"), ("summary: y", "name"), ("name: -x\nsummary: y", "name"), ("[]", ""),
        ("name: x\nsummary: y\nmqtt: 3", "mqtt"), ("name: x\nsummary: y\nmqtt: [5]", "mqtt"),
        ("name: x\nsummary: y\nconnect-timeout: 0", "connect-timeout"),
        ("name: x\nsummary: y\nconnect-timeout: 30", "connect-timeout"),
        ("name: x\nsummary: y\nfleet: []", "fleet"), ("name: x\nsummary:", "summary"),
        ("name: x\nsummary: y\ndefaults: { class: linux }", "defaults.class"),
        ("name: x\nsummary: y\ndefaults: { count: 1 }", "defaults.count"),
        ("name: x\nsummary: y\ndefaults: { firmware: g }", "defaults.firmware"),
        ("name: x\nsummary: y\ndefaults: { subject: O=x }", "defaults.subject"),
    ])
    func mistakesInTheHead(head: String, key: String) {
        #expect(keys(Self.text(head: head)).contains(key), "\(keys(Self.text(head: head)))")
    }

    @Test(arguments: [
        ("[]", ""), ("1", ""), ("{ boot: 5 }", ".boot"), ("{ boot: 5s to 1s }", ".boot"), ("{ boot: 1s to }", ".boot"),
        ("{ subscriptions: a }", ".subscriptions"), ("{ subscriptions: [ [a] ] }", ".subscriptions[0]"),
        ("{ subscriptions: [ { qos: 1 } ] }", ".subscriptions[0].topic"),
        ("{ subscriptions: [ { topic: a, qos: 2 } ] }", ".subscriptions[0].qos"),
        ("{ subscriptions: [ \"{peer}\" ] }", ".subscriptions[0]"),
        ("{ subscriptions: [ \"{n\" ] }", ".subscriptions[0]"),
        ("{ telemetry: {} }", ".telemetry"), ("{ telemetry: [ {} ] }", ".telemetry[0].period"),
        ("{ telemetry: [ { period: 0 } ] }", ".telemetry[0].period"),
        ("{ telemetry: [ { period: 1s, jitter: 0.2 } ] }", ".telemetry[0].jitter"),
        ("{ telemetry: [ { period: 1s, jitter: 101% } ] }", ".telemetry[0].jitter"),
        ("{ telemetry: [ { period: 1s, payload: a, payload-bytes: 1 } ] }", ".telemetry[0].payload"),
        ("{ telemetry: [ { period: 1s, payload-bytes: 99999999 } ] }", ".telemetry[0].payload-bytes"),
        ("{ telemetry: [ { period: 1s, payload-bytes: -1 } ] }", ".telemetry[0].payload-bytes"),
        ("{ telemetry: [ { period: 1s, qos: 1.0 } ] }", ".telemetry[0].qos"),
        ("{ telemetry: [ { period: 1s, retain: 1 } ] }", ".telemetry[0].retain"),
        ("{ telemetry: [ { perod: 1s } ] }", ".telemetry[0].perod"),
        ("{ answers-commands: yes }", ".answers-commands"),
        ("{ commands: {} }", ".commands.fleet"), ("{ commands: { fleet: a } }", ".commands.period"),
        ("{ commands: { fleet: a, period: 1s, topic: \"{who}\" } }", ".commands.topic"),
        ("{ commands: { fleet: a, period: 1s, payload-bytes: 61441 } }", ".commands.payload-bytes"),
        ("{ updates: { fleet: a, period: 1s } }", ".updates.total-bytes"),
        ("{ updates: { fleet: a, period: 1s, total-bytes: 99999, chunk-bytes: 61441 } }", ".updates.chunk-bytes"),
        ("{ updates: { fleet: a, period: 1s, total-bytes: 0 } }", ".updates.total-bytes"),
        ("{ sleep: always }", ".sleep"), ("{ sleep: { asleep: 1s } }", ".sleep.awake"),
        ("{ rotation: 1ms }", ".rotation"), ("{ back-off: fixed }", ".back-off"),
        ("{ back-off: \"full-jitter:5s,1s\" }", ".back-off"), ("{ backoff: none }", ".backoff"),
    ])
    func mistakesInFirmware(firmware: String, key: String) {
        let text = Self.text(firmware: "firmware: { f: \(firmware) }")
        #expect(keys(text).contains("firmware.f\(key)"), "\(keys(text))")
    }

    @Test(arguments: [
        ("{ name: a }", "count"), ("{ count: 1 }", "name"), ("{ name: a b, count: 1 }", "name"),
        ("{ name: a, count: 0 }", "count"), ("{ name: a, count: ten }", "count"), ("{ name: a, count: 1e3 }", "count"),
        ("{ name: a, count: 99999999 }", "count"), ("{ name: a, count: 1, class: esp23-wifi }", "class"),
        ("{ name: a, count: 1, firmware: g }", "firmware"), ("{ name: a, count: 1, firmware: { x: 1 } }", "firmware.x"),
        ("{ name: a, count: 1, firmware: [] }", "firmware"), ("{ name: a, count: 2, subject: CN=a }", "count"),
        ("{ name: a, count: 2, client-id: a }", "count"),
        ("{ name: a, count: 1, subject: \"CN={device}\" }", "subject"),
        ("{ name: a, count: 1, san: [\"ip:1.2.3.4\"] }", "san[0]"), ("{ name: a, count: 1, san: dns }", "san"),
        ("{ name: a, count: 1, client-id: \"{topic}\" }", "client-id"),
        ("{ name: a, count: 1, key-type: p521 }", "key-type"),
        ("{ name: a, count: 1, credential: stale }", "credential"),
        ("{ name: a, count: 1, credential: expired }", "expect"),
        ("{ name: a, count: 1, conduct: garbage }", "expect"),
        ("{ name: a, count: 1, conduct: rude, expect: accepted }", "conduct"),
        ("{ name: a, count: 1, conduct: client-id-theft, expect: accepted }", "conduct"),
        ("{ name: a, count: 1, conduct: { victims: b }, expect: accepted }", "conduct.kind"),
        ("{ name: a, count: 1, conduct: { kind: topic-violation }, expect: accepted }", "conduct.kind"),
        (
            "{ name: a, count: 1, conduct: { kind: garbage, packet-bytes: 1 }, expect: accepted }",
            "conduct.packet-bytes"
        ),
        ("{ name: a, count: 1, expect: refused }", "expect"), ("{ name: a, count: 1, expect: }", "expect"),
        ("{ name: a, count: 1, expect: {} }", "expect.refused"),
        ("{ name: a, count: 1, expect: { refused: [] } }", "expect.refused"),
        ("{ name: a, count: 1, expect: { refused: [tls] } }", "expect.refused[0]"),
        ("{ name: a, count: 1, expect: { refused: [ssl/eof] } }", "expect.refused[0]"),
        ("{ name: a, count: 1, expect: { refused: [tls/] } }", "expect.refused[0]"),
        ("{ name: a, count: 1, expect: { refused: [\"tls/*x\"] } }", "expect.refused[0]"),
        ("{ name: a, count: 1, expect: { accepted: [] } }", "expect.accepted"),
        ("{ name: a, count: 1, topic: t }", "topic"), ("a", ""),
    ])
    func mistakesInAFleet(fleet: String, key: String) {
        let text = Self.text(fleets: "fleets: [ \(fleet), { name: b, count: 1 } ]")
        let path = key.isEmpty ? "fleets[0]" : "fleets[0].\(key)"
        #expect(keys(text).contains(path), "\(keys(text))")
    }

    @Test(arguments: [
        ("{ name: s }", "duration"), ("{ duration: 1s }", "name"), ("{ name: a.b, duration: 1s }", "name"),
        ("{ name: s, duration: 0 }", "duration"), ("{ name: s, duration: 60 }", "duration"),
        ("{ name: s, duration: 1s, shortest: 2s }", "shortest"), ("{ name: s, duration: 1s, warm-up: 1 }", "warm-up"),
        ("{ name: s, duration: 1s, warmup: true }", "warmup"), ("{ name: s, duration: 1s, actions: start }", "actions"),
        ("{ name: s, duration: 1s, actions: [start] }", "actions[0]"),
        ("{ name: s, duration: 1s, actions: [ {} ] }", "actions[0].do"),
        ("{ name: s, duration: 1s, actions: [ { do: begin } ] }", "actions[0].do"),
        ("{ name: s, duration: 1s, actions: [ { do: start, fleets: [] } ] }", "actions[0].fleets"),
        ("{ name: s, duration: 1s, actions: [ { do: start, rate: 0 } ] }", "actions[0].rate"),
        ("{ name: s, duration: 1s, actions: [ { do: start, rate: -1 } ] }", "actions[0].rate"),
        ("{ name: s, duration: 1s, actions: [ { do: start, rate: nan } ] }", "actions[0].rate"),
        ("{ name: s, duration: 1s, actions: [ { do: start, arrivals: even } ] }", "actions[0].arrivals"),
        ("{ name: s, duration: 1s, actions: [ { do: start, rate: 1, spread: 1s } ] }", "actions[0].spread"),
        ("{ name: s, duration: 1s, actions: [ { do: start, ramp: { from: 0, to: 0 } } ] }", "actions[0].ramp.to"),
        ("{ name: s, duration: 1s, actions: [ { do: start, ramp: { from: 1 } } ] }", "actions[0].ramp.to"),
        ("{ name: s, duration: 1s, actions: [ { do: cut, rate: 1 } ] }", "actions[0].rate"),
    ])
    func mistakesInAStage(stage: String, key: String) {
        let text = Self.text(stages: "stages: [ \(stage) ]")
        #expect(keys(text).contains("stages[0].\(key)"), "\(keys(text))")
    }

    @Test(arguments: [
        ("fleets: []", "fleets"), ("fleets: [ { name: a, count: 1 }, { name: a, count: 1 } ]", "fleets[1].name"),
        ("fleets: [ { name: a, count: 600000 }, { name: b, count: 600000 } ]", "fleets"),
        (
            "fleets: [ { name: a, count: 1, firmware: { commands: { fleet: c, period: 1s } } } ]",
            "fleets[0].firmware.commands.fleet"
        ),
        // Nobody answers; nobody listens.
        (
            "fleets: [ { name: a, count: 1, firmware: { commands: { fleet: b, period: 1s } } }, { name: b, count: 1 } ]",
            "fleets[0]"
        ),
        (
            "fleets: [ { name: a, count: 1, firmware: { updates: { fleet: b, period: 1s, total-bytes: 1 } } }, { name: b, count: 1 } ]",
            "fleets[0]"
        ),
        (
            "fleets: [ { name: a, count: 1, conduct: { kind: client-id-theft, victims: c }, expect: accepted } ]",
            "fleets[0].conduct.victims"
        ),
        ("stages: []", "stages"),
        ("stages: [ { name: s, duration: 1s, warm-up: true, actions: [ { do: start } ] } ]", "stages"),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: start } ] }, { name: s, duration: 1s } ]",
            "stages[1].name"
        ),
        ("stages: [ { name: s, duration: 1s } ]", "fleets[0]"),
        ("stages: [ { name: s, duration: 1s, actions: [ { do: start, fleets: [a] } ] } ]", "fleets[1]"),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: start, fleets: [c] } ] } ]",
            "stages[0].actions[0].fleets[0]"
        ),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: start }, { do: start, fleets: [a] } ] } ]",
            "stages[0].actions[1]"
        ),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: outage } ] }, { name: t, duration: 1s, actions: [ { do: start } ] } ]",
            "stages[0].actions[0]"
        ),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: start }, { do: stop }, { do: cut, fleets: [a] } ] } ]",
            "stages[0].actions[2]"
        ),
        ("stages: [ { name: s, duration: 1s, actions: [ { do: start, rate: 3 } ] } ]", "stages[0].actions[0]"),
        (
            "stages: [ { name: s, duration: 1s, actions: [ { do: start, ramp: { from: 1, to: 9 } } ] } ]",
            "stages[0].actions[0]"
        ),
        ("stages: [ { name: s, duration: 1s, actions: [ { do: start, spread: 2s } ] } ]", "stages[0].actions[0]"),
        ("stages: [ { name: s, duration: 100h, actions: [ { do: start } ] }, { name: t, duration: 100h } ]", "stages"),
        ("assertions: [ failures of c == 0 ]", "assertions[0]"),
        ("assertions: [ failures during t == 0 ]", "assertions[0]"),
        ("assertions: [ failure == 0 ]", "assertions[0]"), ("assertions: failures == 0", "assertions"),
        ("assertions: [ [failures] ]", "assertions[0]"),
    ])
    func whatDoesNotGoTogether(part: String, key: String) {
        let text =
            if part.hasPrefix("fleets") {
                Self.text(fleets: part)
            } else if part.hasPrefix("stages") {
                Self.text(stages: part)
            } else {
                Self.text(assertions: part)
            }
        #expect(keys(text).contains(key), "\(keys(text))")
    }

    @Test func startingAgainAfterACutIsGood() throws {
        let stages = """
            stages:
              - { name: s, duration: 10s, actions: [ { do: start } ] }
              - { name: t, duration: 10s, actions: [ { do: cut }, { do: start, fleets: [a], rate: 1 } ] }
              - { name: u, duration: 10s, actions: [ { do: stop, fleets: [a] } ] }
            """
        #expect(try read(Self.text(stages: stages)).stages.count == 3)
    }

    @Test func mistakesStandInOrderWithPlaceAndHint() {
        let text = "nam: x\nsummary: y\nfleets:\n  - name: a\n    cuont: 5\n    class: native\n"
        let mistakes = #expect(throws: SourceMistakes.self) { try ScenarioReader.read(text, file: "my.yaml") }
        #expect(
            mistakes?.description == """
                my.yaml:1:1: nam: unknown key (did you mean 'name'?)
                my.yaml:1:1: name: this key is needed
                my.yaml:1:1: stages: this key is needed
                my.yaml:4:5: fleets[0].count: this key is needed (how many devices)
                my.yaml:5:5: fleets[0].cuont: unknown key (did you mean 'count'?)
                """)
    }

    @Test(arguments: [
        "\u{0}", "{", "- - -", "? ", "name: |\n x", "fleets: [[[[]]]]", "fleets: { a: b }", "stages: [ 1, 2 ]",
        "assertions: [ {} ]", "firmware: []", "firmware: { \"\": {} }", "firmware: { \"a b\": {} }", "defaults: []",
        "defaults: { firmware: [1] }", "name: [", "name: \"\\u0000\"", "%YAML 9.9\n---\nname: x",
    ])
    func nothingBringsItDown(text: String) {
        #expect(!keys(text).isEmpty)
    }
}
