import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import FirmwareSim

/// Device against device in memory.
@Suite struct LoopbackTests {
    private static func plan(
        tls: String, resumeShare: Double, count: Int, loops: Int = 2, devices: Int = 4
    ) throws -> LoopbackPlan {
        LoopbackPlan(
            tls: try #require(RunPlan.TLSVersionChoice(rawValue: tls)), resumeShare: resumeShare, loops: loops,
            end: .handshakes(count), warmUp: .zero, devices: devices, seed: 7)
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func fullHandshakesAreCountedAndMeasured(tls: String) async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: tls, resumeShare: 0, count: 21))
        #expect(report.handshakes == 21)
        #expect(report.resumed == nil)
        let full = try #require(report.full)
        #expect(full.count == 21)
        #expect(full.latency.count == 21)
        // Two certificates, two signatures and the key shares do not fit into less.
        #expect(full.bytes > 1_000)
        #expect(full.client.processorMicroseconds > 0)
        #expect(full.server.processorMicroseconds > 0)
        #expect(abs(full.client.share + full.server.share - 1) < 0.000_1)
        #expect(report.perSecond > 0)
        #expect(report.perProcessorSecond > 0)
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func everyMeasuredHandshakeIsResumed(tls: String) async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: tls, resumeShare: 1, count: 20))
        #expect(report.full == nil)
        let resumed = try #require(report.resumed)
        #expect(resumed.count == 20)
        #expect(resumed.latency.count == 20)
    }

    @Test(arguments: LoadRunTests.tlsVersions)
    func aMixHasBothKinds(tls: String) async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: tls, resumeShare: 0.5, count: 60))
        let full = try #require(report.full)
        let resumed = try #require(report.resumed)
        #expect(full.count + resumed.count == 60)
        #expect(resumed.bytes < full.bytes)
    }

    @Test func oneSeedMakesOneMix() async throws {
        let plan = try Self.plan(tls: "newest", resumeShare: 0.3, count: 40)
        let first = try await LoopbackRun.run(plan)
        let second = try await LoopbackRun.run(plan)
        #expect(first.full?.count == second.full?.count)
        #expect(first.resumed?.count == second.resumed?.count)
    }

    @Test func fewerDevicesThanLoopsAreEnough() async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: "newest", resumeShare: 0, count: 3, loops: 3, devices: 1))
        #expect(report.handshakes == 3)
    }

    @Test func anInterruptedRunReportsWhatItHas() async throws {
        var plan = try Self.plan(tls: "newest", resumeShare: 0, count: 1)
        plan.end = .after(.hours(1))
        let asked = NIOLockedValueBox(0)
        let report = try await LoopbackRun.run(plan) {
            asked.withLockedValue { count in
                count += 1
                return count > 40
            }
        }
        #expect(report.handshakes > 0)
        #expect(report.handshakes <= 40)
    }

    @Test func aRunInterruptedAtOnceHasNoFiguresAndSaysSo() async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: "newest", resumeShare: 0, count: 5)) { true }
        #expect(report.handshakes == 0)
        #expect(report.full == nil)
        #expect(report.text.contains("none was finished"))
    }

    @Test func allOfACountIsSharedOut() throws {
        let plan = try Self.plan(tls: "newest", resumeShare: 0, count: 1, loops: 3)
        #expect((0..<3).map { plan.part(of: 8, loop: $0) } == [3, 3, 2])
        #expect((0..<3).map { plan.part(of: 0, loop: $0) } == [0, 0, 0])
    }

    @Test func theReportSurvivesJSON() async throws {
        let report = try await LoopbackRun.run(Self.plan(tls: "newest", resumeShare: 0, count: 2))
        let again = try JSONDecoder().decode(LoopbackReport.self, from: JSONEncoder().encode(report))
        #expect(again == report)
        #expect(report.text.contains("device against device"))
    }
}
