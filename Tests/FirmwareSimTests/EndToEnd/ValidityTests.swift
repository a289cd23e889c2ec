import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import FirmwareSim

#if canImport(Glibc)
    import Glibc
#endif

/// The tool must notice when it, and not the server, was the limit.
@Suite struct ValidityTests {
    /// Holds up the loop it is called on, as a mistake in the tool would.
    private static func block(milliseconds: Int64) {
        let end = NIODeadline.now() + .milliseconds(milliseconds)
        while NIODeadline.now() < end { usleep(1_000) }
    }

    @Test func aBlockedLoopMarksTheResultInvalid() async throws {
        let plan = ScenarioPlans.plan(
            fleets: [try ScenarioPlans.fleet(count: 1)], stages: [ScenarioPlans.stage("only", .seconds(10))])
        let report = try await Self.report(plan) { runner in
            runner.start(epoch: .now())
            Self.block(milliseconds: 400)
        }
        #expect(!report.verdict.isValid)
        #expect(
            report.generator.limits.contains { $0.hasPrefix("event-loop delay p99 was") }, "\(report.generator.limits)")
        #expect(report.generator.loopDelay.max >= 300_000)
    }

    @Test func alsoWhereTheRunEndsBeforeItsProbesCanCome() async throws {
        let plan = ScenarioPlans.plan(
            fleets: [try ScenarioPlans.fleet(count: 1)], stages: [ScenarioPlans.stage("only", .hours(24))])
        let report = try await Self.report(plan) { runner in
            runner.start(epoch: .now())
            Self.block(milliseconds: 400)
            runner.stop()
        }
        #expect(!report.verdict.isValid)
        #expect(report.generator.loopDelay.count >= 20)
    }

    @Test func inTheWarmUpItDoesNotMatter() async throws {
        let plan = ScenarioPlans.plan(
            fleets: [try ScenarioPlans.fleet(count: 1)],
            stages: [
                // So long that no machine is slow enough to see its end.
                ScenarioPlans.stage("warm-up", .hours(24), isWarmUp: true), ScenarioPlans.stage("run", .hours(24)),
            ])
        let report = try await Self.report(plan) { runner in
            runner.start(epoch: .now())
            Self.block(milliseconds: 400)
        }
        #expect(report.verdict.isValid, "\(report.generator.limits)")
        #expect(report.generator.loopDelay.count == 0)
    }

    /// A loop without devices, so that all it does is watch itself.
    private static func report(_ plan: RunPlan, _ body: @escaping @Sendable (LoopRunner) -> Void) async throws
        -> RunReport
    {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let loop = group.next()
        let outline = plan.outline
        let material = RunMaterial(
            plan: plan, outline: outline, devices: [], target: try SocketAddress(ipAddress: "127.0.0.1", port: 1),
            sources: .systemChoice, lapTime: .zero, renew: nil)
        let epoch = NIODeadline.now()
        let runner = try await loop.submit {
            let contexts = ContextSupply(eventLoop: loop, threads: threads, keepsContexts: false) { _, _, _ in
                throw SimulatorError.machine("no-credential", "no devices here")
            }
            let runner = LoopRunner(
                eventLoop: loop, material: material, part: .init(), inFlightMax: 1, contexts: contexts)
            body(runner)
            return NIOLoopBound(runner, eventLoop: loop)
        }.get()
        // Late as they are, the probes that fell into the blocked time come now.
        var outcome: LoopRunner.Outcome?
        while outcome == nil {
            outcome = try await loop.submit {
                let stage = runner.value.statistics.stages[0]
                guard stage.loopDelays.count >= 20 else { return nil }
                runner.value.stop()
                return runner.value.finish()
            }.get()
        }
        try await group.shutdownGracefully()
        try await threads.shutdownGracefully()
        return RunReport(
            LoadRun.Measured(
                startedAt: .now, epoch: epoch, end: .now(), outcomes: [try #require(outcome)],
                processes: ProcessWatch(serverProcesses: [], devices: 0)),
            material: material, ownDevices: [])
    }
}
