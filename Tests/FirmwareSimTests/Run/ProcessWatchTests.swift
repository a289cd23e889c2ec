import Foundation
import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct ProcessWatchTests {
    @Test func aServerThatIsNotThereHasNoFigures() {
        var watch = ProcessWatch(serverProcesses: [Int32.max], devices: 100)
        watch.sample(connected: 100, attempting: 0, now: .now())
        watch.finish()
        #expect(watch.servers.map(\.processorSeconds) == [nil])
        #expect(watch.servers.map(\.residentBytesMax) == [nil])
        #expect(watch.servers.first.flatMap { watch.bytesPerDevice($0) } == nil)
        #expect(watch.samples.samples.map(\.residentBytes) == [nil])
    }

    @Test func oneThatIsThereHasThem() throws {
        let own = ProcessInfo.processInfo.processIdentifier
        var watch = ProcessWatch(serverProcesses: [own], devices: 600)
        watch.begin(now: .now())
        watch.sample(connected: 600, attempting: 1, now: .now() + .seconds(1))
        watch.sample(connected: 10, attempting: 0, now: .now() + .seconds(2))
        watch.finish()
        let server = try #require(watch.servers.first)
        #expect(try #require(server.residentBytesMax) >= 1_000_000)
        #expect(server.processorSeconds != nil)
        #expect(watch.connectedPeak == 600)
        #expect(watch.bytesPerDevice(server) != nil)
        #expect(watch.ownBytesPerDevice != nil)
        #expect(watch.samples.samples.count == 2)
    }

    @Test func fewDevicesTellNothingOfMemory() {
        var watch = ProcessWatch(serverProcesses: [], devices: SimulatorLimits.devicesForMemoryMin - 1)
        watch.sample(connected: SimulatorLimits.devicesForMemoryMin - 1, attempting: 0, now: .now())
        #expect(watch.ownBytesPerDevice == nil)
        #expect(watch.samples.samples.isEmpty)
    }

    @Test(
        arguments: [
            // Connected and attempting, one look after the other; of how many devices; whether it tells anything.
            ([(1_000, 0)], 1_000, true), ([(1_000, 30)], 1_000, false), ([(1_000, 20)], 1_000, true),
            ([(800, 0), (1_000, 400)], 1_000, false), ([(980, 0), (1_000, 400)], 1_000, true),
            ([(800, 0), (1_000, 400), (1_000, 0)], 1_000, true), ([(1_000, 400), (600, 0)], 1_000, false),
            ([(1_000, 0), (600, 0)], 1_000, true), ([(1_000, 0)], 2_000, false), ([(1_000, 0)], 1_999, true),
            ([(0, 0)], 1, false),
        ] as [([(Int, Int)], Int, Bool)])
    func memoryPerDeviceNeedsAQuietMoment(looks: [(Int, Int)], devices: Int, tells: Bool) {
        var watch = ProcessWatch(serverProcesses: [], devices: devices)
        for (connected, attempting) in looks { watch.look(connected: connected, attempting: attempting) }
        #expect((watch.ownBytesPerDevice != nil) == tells)
    }

    @Test(arguments: [("100 25 3 4 0 9 0\n", 102_400 as UInt64?), ("100", nil), ("", nil), ("a b", nil), ("1 -2", nil)])
    func readsResidentPages(line: String, bytes: UInt64?) {
        #expect(ProcessClock.residentBytes(statmLine: line, pageBytes: 4_096) == bytes)
    }

    @Test func aThreadsTimeGrows() {
        let start = ProcessClock.threadProcessorSeconds()
        var sum = 0.0
        while ProcessClock.threadProcessorSeconds() == start { sum += 1 }
        #expect(sum >= 0)
    }
}
