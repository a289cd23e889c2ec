import FleetPKI
import MQTTCodec
import NIOCore
import Testing

@testable import FirmwareSim

/// Runs with stages, over real sockets on 127.0.0.1.
@Suite struct ScenarioRunTests {
    typealias Setting = LoadRunTests.Setting

    @Test func stagesHaveTheirOwnFigures() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet(count: 6, period: "20ms")],
            stages: [
                ScenarioPlans.stage("warm-up", .milliseconds(400), .start(.atOnce), isWarmUp: true),
                ScenarioPlans.stage("steady", .milliseconds(400)),
            ])
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
        #expect(report.stages.map(\.name) == ["warm-up", "steady"])
        #expect(report.stages.map(\.isWarmUp) == [true, false])
        #expect(report.stages[0].handshakes.completed == 6)
        #expect(report.stages[1].handshakes.completed == 0)
        #expect(report.handshakes.completed == 0, "the warm-up's figures are not the run's")
        #expect(report.latency["connected"] == nil)
        #expect(report.publishing.acknowledged > 0)
        #expect(report.stages[0].fleets["meter"]?.latency["connected"]?.count == 6)
        // All were there when the measuring began.
        #expect(report.milestones.map(\.seconds) == [0, 0, 0, 0])
        #expect(report.stages[0].milestones.last?.seconds != nil)
        #expect(report.fleets[0].expectation == .init(outcome: "accepted", reasons: [], met: 6, violated: [:]))
        #expect(report.durationSeconds >= 0.8)
        #expect(report.parameters.mode == "scenario" && report.parameters.scenario == "test")
    }

    @Test func aRampStartsAllAndKeepsToItsTime() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet(count: 10)],
            stages: [
                ScenarioPlans.stage("ramp", .seconds(1), .start(.ramp(fromPerSecond: 5, toPerSecond: 20)))
            ])
        #expect(report.devices == .init(planned: 10, attempted: 10, connected: 10))
        #expect(report.milestones.map(\.share) == [0.5, 0.9, 0.99, 1])
        // The tenth device is due after 0.8 s, and none connects before it is due.
        #expect(try #require(report.milestones.last?.seconds) >= 0.7)
        #expect(report.handshakes.attempts == 10)
    }

    @Test func afterAnOutageDevicesComeBack() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet(count: 5, backoff: .fixed(.milliseconds(50)))],
            stages: [
                ScenarioPlans.stage("start", .milliseconds(500), .start(.atOnce)),
                ScenarioPlans.stage("outage", .milliseconds(500), .outage),
                ScenarioPlans.stage("back", .milliseconds(1_000)),
            ])
        #expect(report.stages[0].handshakes.connects == 5)
        #expect(report.stages[1].handshakes.connects == 0)
        #expect(report.stages[2].handshakes.connects == 5)
        #expect(report.stages[2].milestones.last?.seconds != nil)
        #expect(report.stages[1].milestones.isEmpty, "nobody can connect in it")
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
    }

    @Test func onlyTheFleetsNamedAreCutAndStopped() async throws {
        let stop = Stage(
            name: "power", duration: .milliseconds(600),
            actions: [
                .init(kind: .cut, fleets: ["a"]), .init(kind: .start(.atOnce), fleets: ["a"]),
                .init(kind: .stop, fleets: ["b"]),
            ], isWarmUp: false)
        let report = try await run(
            fleets: [
                try ScenarioPlans.fleet("a", count: 3), try ScenarioPlans.fleet("b", count: 2),
                try ScenarioPlans.fleet("c", count: 2),
            ],
            stages: [ScenarioPlans.stage("start", .milliseconds(600), .start(.atOnce)), stop])
        #expect(report.stages[0].handshakes.connects == 7)
        #expect(report.stages[1].fleets["a"]?.handshakes.connects == 3)
        #expect(report.stages[1].fleets["b"]?.handshakes.connects ?? 0 == 0)
        #expect(report.stages[1].fleets["c"]?.handshakes.connects ?? 0 == 0)
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
    }

    @Test func aRefusalThatIsExpectedIsNoFailure() async throws {
        let report = try await run(
            .refuse(.notAuthorized),
            fleets: [
                try ScenarioPlans.fleet("banned", count: 3, expectation: .refused(reasons: ["connack/connack-5"]))
            ],
            stages: [ScenarioPlans.stage("start", .milliseconds(500), .start(.atOnce))])
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
        #expect(report.failures == [.init(phase: "connack", reason: "connack-5", count: 3, expected: 3)])
        #expect(report.fleets[0].expectation?.met == 3)
        #expect(report.milestones.isEmpty, "none of them was to connect")
    }

    @Test func aRefusalForAnotherReasonFails() async throws {
        let report = try await run(
            .refuse(.notAuthorized),
            fleets: [try ScenarioPlans.fleet("banned", count: 3, expectation: .refused(reasons: ["tls/*"]))],
            stages: [ScenarioPlans.stage("start", .milliseconds(500), .start(.atOnce))])
        #expect(!report.verdict.passed)
        #expect(report.failures.map(\.expected) == [0])
        #expect(
            report.verdict.shortcomings == [
                "banned: 3 of 3 devices were not refused as they must be: connack/connack-5 3"
            ])
    }

    @Test func gettingInWhereOneMustNotFails() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet("banned", count: 2, expectation: .refused(reasons: ["tls/*"]))],
            stages: [ScenarioPlans.stage("start", .milliseconds(500), .start(.atOnce))])
        #expect(!report.verdict.passed)
        #expect(report.fleets[0].expectation?.violated == ["accepted": 2])
    }

    @Test func shardsTogetherAreTheWholeRun() async throws {
        let setting = try Setting()
        try await setting.withServer(.serve) { server in
            var connected = 0
            for index in 1...2 {
                let report = try await setting.run(
                    ScenarioPlans.plan(
                        port: server.port, fleets: [try ScenarioPlans.fleet(count: 5)],
                        stages: [ScenarioPlans.stage("start", .milliseconds(400), .start(.atOnce))],
                        shard: try Shard(index: index, count: 2)))
                #expect(report.devices.planned == (index == 1 ? 3 : 2))
                #expect(report.parameters.shard == "\(index)/2")
                connected += report.devices.connected
            }
            #expect(connected == 5)
        }
    }

    @Test func bystandersOfALaterStageAreEstablished() async throws {
        let report = try await run(
            fleets: [
                try ScenarioPlans.fleet("old", count: 3, period: "20ms"),
                try ScenarioPlans.fleet("new", count: 3, period: "20ms"),
            ],
            stages: [
                ScenarioPlans.stage("start", .milliseconds(700), .start(.atOnce), fleets: ["old"]),
                ScenarioPlans.stage("storm", .milliseconds(700), .start(.atOnce), fleets: ["new"]),
            ])
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
        let storm = try #require(report.stages.last)
        #expect(report.stages[0].latency["established"] == nil, "all of them came in it")
        let old = try #require(storm.fleets["old"])
        #expect(old.latency["established"]?.count ?? 0 > 0)
        #expect(old.latency["established"]?.count == old.latency["publish"]?.count)
        #expect(storm.fleets["new"]?.latency["publish"]?.count ?? 0 > 0)
        #expect(storm.fleets["new"]?.latency["established"] == nil)
    }

    @Test func certificatesAreRotatedInARun() async throws {
        var fleet = try ScenarioPlans.fleet(count: 2)
        fleet.firmware.rotation = .milliseconds(100)
        let setting = try Setting()
        let authority = setting.deviceAuthority
        try await setting.withServer(.serve) { server in
            let plan = ScenarioPlans.plan(
                port: server.port, fleets: [fleet],
                stages: [ScenarioPlans.stage("start", .hours(1), .start(.atOnce))])
            let report = try await setting.run(plan, until: { $0.counters.connects >= 8 }) { device in
                let issued = try authority.issue(
                    CertificateTemplate(subject: [("CN", device.name)], purpose: .client))
                return DeviceCredential(chainPEM: issued.chainPEM, privateKeyPEM: issued.privateKeyPEM)
            }
            #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
            #expect(report.handshakes.connects >= 8)
            #expect(report.handshakes.resumed == 0)
        }
    }

    @Test func aRotationThatCannotBeMadeIsAFailure() async throws {
        var fleet = try ScenarioPlans.fleet(count: 1)
        fleet.firmware.rotation = .milliseconds(50)
        let setting = try Setting()
        try await setting.withServer(.serve) { server in
            let report = try await setting.run(
                ScenarioPlans.plan(
                    port: server.port, fleets: [fleet],
                    stages: [ScenarioPlans.stage("start", .hours(1), .start(.atOnce))])
            ) { $0.counters.failures >= 2 }
            #expect(report.fleets[0].expectation?.violated == ["session/renewal-failed": 1])
        }
    }

    @Test func independentStartsKeepToTheirSeed() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet(count: 12)],
            stages: [
                ScenarioPlans.stage("start", .seconds(1), .start(.rate(perSecond: 40, arrivals: .poisson)))
            ])
        #expect(report.devices == .init(planned: 12, attempted: 12, connected: 12))
        let last =
            Stage.Pace.rate(perSecond: 40, arrivals: .poisson)
            .offsets(count: 12, stageDuration: .seconds(1), seed: 1, action: 0).last ?? .zero
        // None connects before it is due.
        #expect(try #require(report.milestones.last?.seconds) >= Double(last.nanoseconds / 1_000_000) / 1_000)
        #expect(report.verdict.passed, "\(report.verdict.shortcomings) \(report.failures)")
    }

    @Test func samplesShowTheRunOverTime() async throws {
        let report = try await run(
            fleets: [try ScenarioPlans.fleet(count: 4, period: "50ms")],
            stages: [ScenarioPlans.stage("start", .milliseconds(2_300), .start(.atOnce))])
        let series = report.series
        #expect(series.intervalSeconds == 1)
        #expect(series.samples.count >= 3)
        #expect(series.samples.first?.connected == 4)
        #expect(series.samples.reduce(0) { $0 + $1.connects } == 4)
        #expect(series.samples.reduce(0) { $0 + $1.acknowledged } == report.publishing.acknowledged)
        #expect(series.samples.first?.latency["connected"]?.count == 4)
        #expect(series.samples.allSatisfy { $0.serverProcessors == nil })
    }

    private func run(
        _ script: ScriptedServer.Script = .serve, fleets: [ScenarioFleet], stages: [Stage]
    ) async throws -> RunReport {
        let setting = try Setting()
        return try await setting.withServer(script) { server in
            try await setting.run(ScenarioPlans.plan(port: server.port, fleets: fleets, stages: stages))
        }
    }
}
