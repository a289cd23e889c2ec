import ArgumentParser
import Foundation

/// How the tool itself works.
struct GeneratorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Event loops, one thread each. Default: one per core.", valueName: "n"))
    var loops: Int?

    @Option(
        help: ArgumentHelp(
            "Seed of everything random but the keys. Default: a random one, named in the report.", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Measure this process's processor time and memory over the run; may be repeated.", valueName: "pid"))
    var serverPID: [Int32] = []

    @Option(
        help: ArgumentHelp(
            "Be the I-th of N processes that share the run: same devices, seed and stages for all, each with its part of "
                + "the devices and of the rate. Give all of them the same --seed, and put the reports together with "
                + "'firmware-sim merge'.", valueName: "i/n"))
    var shard: String?

    @Flag(help: "Exit with 0 even if devices did not connect or publishes were not acknowledged.")
    var allowFailures = false

    /// - Throws: ``SimulatorError`` for a number that cannot be.
    func loopCount() throws(SimulatorError) -> Int {
        let loops = self.loops ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...SimulatorLimits.loopsMax).contains(loops) else {
            throw .options("bad-loops", "--loops must be from 1 to \(SimulatorLimits.loopsMax)")
        }
        return loops
    }

    /// - Throws: ``SimulatorError`` for a number that cannot be a process's.
    func serverProcesses() throws(SimulatorError) -> [Int32] {
        guard serverPID.allSatisfy({ $0 > 0 }) else {
            throw .options("bad-server-pid", "--server-pid must be a process id")
        }
        return serverPID
    }

    /// Nil: this process is the whole run.
    ///
    /// - Throws: ``SimulatorError`` also where no seed was given: each process would draw its own.
    func knownShard() throws(SimulatorError) -> Shard? {
        guard let shard else { return nil }
        let known = try Shard(option: shard)
        guard seed != nil || known.count == 1 else {
            throw .options("shard-without-seed", "--shard \(shard) needs --seed, the same for all shards")
        }
        return known
    }

    /// What was given, or a random one.
    var seedOrRandom: UInt64 { seed ?? UInt64.random(in: 0...999_999_999) }
}
