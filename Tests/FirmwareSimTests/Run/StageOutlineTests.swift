import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct StageOutlineTests {
    private func plan(shard: Shard? = nil) throws -> RunPlan {
        ScenarioPlans.plan(
            fleets: [try ScenarioPlans.fleet("a", count: 3), try ScenarioPlans.fleet("b", count: 2)],
            stages: [
                ScenarioPlans.stage("first", .seconds(1), .start(.atOnce), fleets: ["a"], isWarmUp: true),
                ScenarioPlans.stage("second", .seconds(2), .cut, .start(.rate(perSecond: 10, arrivals: .even))),
                ScenarioPlans.stage("third", .seconds(3), .outage, fleets: ["b"]),
                ScenarioPlans.stage("last", .seconds(4), .stop, fleets: ["a"]),
            ], shard: shard)
    }

    @Test func knowsTimesAndFleets() throws {
        let outline = try plan().outline
        #expect(outline.map(\.start) == [.zero, .seconds(1), .seconds(3), .seconds(6)])
        #expect(outline.map(\.powered) == [[0], [0, 1], [0, 1], [1]])
        #expect(outline.map(\.disconnected) == [[], [0, 1], [1], [0]])
        #expect(outline.map(\.withoutLink) == [[], [], [1], []])
        #expect(outline.flatMap(\.steps).map(\.sequence) == [0, 1, 2, 3, 4])
        #expect(try plan().duration == .seconds(10))
    }

    @Test func startsAreAtTheirStages() throws {
        let plan = try plan()
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let timetable = StartTimetable(plan: plan, outline: plan.outline, devices: devices)
        #expect(timetable.parts.count == 2)
        #expect(timetable.parts.map(\.devices.count) == [3, 2])
        #expect(Set(timetable.parts.flatMap { $0.devices.map(\.index) }) == Set(0..<5))
        let starts = timetable.parts.flatMap { part in part.starts.map { (part.devices[$0.slot].fleet, $0) } }
        #expect(starts.filter { $0.1.sequence == 0 }.map(\.0) == ["a", "a", "a"])
        #expect(
            starts.filter { $0.1.sequence == 2 }.map(\.1.offset).sorted() == [
                .seconds(1), .milliseconds(1_100), .milliseconds(1_200), .milliseconds(1_300), .milliseconds(1_400),
            ])
        #expect(
            timetable.parts.allSatisfy { part in
                zip(part.starts, part.starts.dropFirst()).allSatisfy { $0.offset <= $1.offset }
            })
    }

    @Test func shardsPartTheDevices() throws {
        var all: [Int] = []
        for index in 1...3 {
            let plan = try plan(shard: try Shard(index: index, count: 3))
            let own = LoadRun.ownDevices(of: plan, in: try SimulatedDevice.all(of: plan.fleets))
            #expect(own.count == Shard.count(of: 5, shard: plan.shard))
            #expect(own.map { $0.index / 3 } == Array(own.indices), "credentials are found by this")
            all += own.map(\.index)
        }
        #expect(all.sorted() == Array(0..<5))
    }

    /// When each device starts, by its index, in one shard or in the whole run.
    private func starts(_ plan: RunPlan) throws -> [Int: [TimeAmount]] {
        let devices = try SimulatedDevice.all(of: plan.fleets)
        let timetable = StartTimetable(plan: plan, outline: plan.outline, devices: devices)
        var starts: [Int: [TimeAmount]] = [:]
        for part in timetable.parts {
            for start in part.starts { starts[part.devices[start.slot].index, default: []].append(start.offset) }
        }
        return starts
    }

    @Test(
        arguments: [
            .rate(perSecond: 10, arrivals: .even), .rate(perSecond: 10, arrivals: .poisson), .atOnce,
            .ramp(fromPerSecond: 1, toPerSecond: 9), .spread(over: .seconds(3)),
        ] as [Stage.Pace])
    func shardsOfOneSeedAddUpToTheWhole(pace: Stage.Pace) throws {
        func plan(_ shard: Shard?) throws -> RunPlan {
            ScenarioPlans.plan(
                fleets: [try ScenarioPlans.fleet("a", count: 23), try ScenarioPlans.fleet("b", count: 14)],
                stages: [
                    ScenarioPlans.stage("first", .seconds(4), .start(pace), fleets: ["a"]),
                    ScenarioPlans.stage("second", .seconds(4), .cut, .start(pace)),
                ], shard: shard)
        }
        var sum: [Int: [TimeAmount]] = [:]
        for index in 1...3 {
            sum.merge(try starts(plan(try Shard(index: index, count: 3)))) { _, _ in [] }
        }
        #expect(sum == (try starts(plan(nil))))
        #expect(sum.count == 37)
    }

    @Test func attemptsUnderWayAddUpToo() throws {
        var plan = try plan()
        plan.pace = .inFlight(limit: 10)
        plan.mode = .connectOnly(duration: nil)
        #expect(plan.ownInFlightMax == 10)
        var sum = 0
        for index in 1...4 {
            plan.shard = try Shard(index: index, count: 4)
            sum += try #require(plan.ownInFlightMax)
        }
        #expect(sum == 10)
        plan.pace = .inFlight(limit: 3)
        #expect { try plan.requireConsistency() } throws: { ($0 as? SimulatorError)?.code == "empty-shard" }
    }
}

@Suite struct ShardTests {
    @Test func reads() throws {
        let shard = try Shard(option: "2/4")
        #expect(shard.index == 2 && shard.count == 4 && shard.description == "2/4")
        #expect((0..<8).filter { shard.has(device: $0) } == [1, 5])
        #expect(Shard.count(of: 8, shard: nil) == 8)
    }

    @Test(arguments: ["", "1", "/", "1/", "/2", "0/2", "3/2", "-1/2", "1/0", "a/b", "1/2/3", "1/1025", " 1/2", "+1/2"])
    func refuses(text: String) {
        #expect(throws: SimulatorError.self) { try Shard(option: text) }
    }
}
