import ArgumentParser
import FleetPolicy

/// Measures what the policy costs, and prints the figures beside their goals.
@main
struct PolicyBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy-bench",
        abstract: "Measure decisions, topic checks, loading of profiles and CRLs, and the directory of devices.",
        discussion: """
            Build it in release mode; figures of a debug build say nothing. Times are time of the processor, and those
            of calls are medians over batches, so that what else the machine does moves them little.
            """
    )

    @Flag(help: "Print JSON in place of the table.")
    var json = false

    @Flag(help: "Exit with 1 when a goal is missed.")
    var check = false

    @Option(help: "How many profiles are loaded.")
    var profiles = 10_000

    @Option(help: "How many devices the directory holds.")
    var devices = 1_000_000

    @Option(help: "How many entries the certificate revocation list has.")
    var revoked = 1_000_000

    func validate() throws {
        guard (1_000...1_000_000).contains(revoked) else { throw ValidationError("--revoked is 1000 to 1000000") }
        guard (1...100_000).contains(profiles) else { throw ValidationError("--profiles is 1 to 100000") }
        guard (1...10_000_000).contains(devices) else { throw ValidationError("--devices is 1 to 10000000") }
    }

    func run() throws {
        var report = BenchmarkReport()
        let set = try LoadingBenchmark.run(profiles: profiles, into: &report)
        try DecisionBenchmark.run(set, profiles: profiles, directory: .empty, what: "", into: &report)
        try AccessBenchmark.run(into: &report)
        let directory = DirectoryBenchmark.run(devices: devices, into: &report)
        try DecisionBenchmark.run(
            set, profiles: profiles, directory: directory, what: ", \(devices.grouped) devices registered",
            into: &report)
        let trust = try RevocationBenchmark.run(entries: revoked, into: &report)
        try DecisionBenchmark.run(
            set, profiles: profiles, directory: directory, trust: trust,
            what: ", \(devices.grouped) devices, \(revoked.grouped) revoked", into: &report)
        print(json ? report.json : report.table)
        if check, report.hasMiss { throw ExitCode(1) }
    }
}
