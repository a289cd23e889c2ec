import Testing

@testable import FirmwareSim

@Suite struct ProcessClockTests {
    @Test func readsTheLineOfAProcessWithAnyName() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 100 1000"
        #expect(ProcessClock.processorSeconds(statLine: "42 (sim) \(tail)", ticksPerSecond: 100) == 3)
        #expect(ProcessClock.processorSeconds(statLine: "42 (a) b) 9 9) \(tail)", ticksPerSecond: 100) == 3)
    }

    @Test(arguments: ["", "42", "42 (sim", "42 (sim) S 1 2", "42 (sim) S 1 2 3 4 5 6 7 8 9 10 x y"])
    func refusesOtherLines(line: String) {
        #expect(ProcessClock.processorSeconds(statLine: line, ticksPerSecond: 100) == nil)
    }

    @Test func knowsThisProcessAndNotOneThatIsNotThere() {
        #expect(ProcessClock.ownProcessorSeconds() >= 0)
        #expect(ProcessClock.processorSeconds(ofProcess: Int32.max) == nil)
    }
}
