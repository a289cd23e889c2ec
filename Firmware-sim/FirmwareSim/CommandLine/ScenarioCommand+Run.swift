import ArgumentParser

/// `firmware-sim scenario run`.
struct ScenarioRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a scenario against a server, and judges it by its expectations and assertions.",
        discussion: """
            The exit code is 0 if every fleet fared as the scenario expects and every assertion holds, or with \
            --allow-failures; 1 if not; 64 for mistakes in the options or in the scenario's file, in which case nothing \
            was done.

            --scale and --time-scale make an exercise smaller or larger, shorter or longer. Below 1, --time-scale makes \
            the devices faster too, so that a slow class still finds its place: good for trying a scenario out, not for \
            measuring. Time-outs stay as they are.

            EXAMPLES
              firmware-sim scenario run steady-fleet --target gateway:8883 --pki ./pki
              firmware-sim scenario run reconnect-storm --target gateway:8883 --pki ./pki --scale 0.1 --html storm.html
              firmware-sim scenario run my-storm.yaml --target gateway:8883 --pki ./pki --server-pid 4711 --json -
              firmware-sim scenario run hostile-mix --target gateway:8883 --pki ./pki --time-scale 0.5
            """
    )

    @Argument(
        help: ArgumentHelp("A scenario that ships (see 'scenario list'), or a file.", valueName: "name-or-file"))
    var scenario: String

    @Option(
        help: ArgumentHelp(
            "What the numbers of devices are multiplied with. Each fleet keeps at least one device.",
            valueName: "factor"))
    var scale: Double = 1

    @Option(
        help: ArgumentHelp(
            "What the lengths of the stages and the devices' periods are multiplied with.", valueName: "factor"))
    var timeScale: Double = 1

    @OptionGroup(title: "Target") var target: TargetOptions
    @OptionGroup(title: "Certificates") var credentials: CredentialOptions
    @OptionGroup(title: "Generator") var generator: GeneratorOptions
    @OptionGroup(title: "Report") var report: ReportOptions

    /// What a scale may be: a device of a million, and a million of devices.
    private static let scales = 0.000_001...1_000_000.0

    func validate() throws {
        var mistakes = OptionMistakes()
        for (option, value) in [("--scale", scale), ("--time-scale", timeScale)] where !Self.scales.contains(value) {
            mistakes.check { () throws(SimulatorError) in
                throw .options(
                    "bad-scale", "\(option) must be more than 0, and at most \(Int(Self.scales.upperBound))")
            }
        }
        mistakes.check(target)
        mistakes.check(generator)
        mistakes.check(credentials)
        try mistakes.throwIfAny()
    }

    func run() async throws {
        let scenario: Scenario
        do throws(SourceMistakes) {
            scenario = try ScenarioLibrary.scenario(named: self.scenario)
        } catch {
            Output.error("\(error)\n")
            throw ExitCode.validationFailure
        }
        try await RunExecution.exitingByVerdict {
            let plan = try plan(of: scenario, seed: generator.seedOrRandom)
            return try await RunExecution.execute(plan: plan, credentials: try credentials.supply(), output: report)
        }
    }

    func plan(of scenario: Scenario, seed: UInt64) throws(SimulatorError) -> RunPlan {
        try .scenario(
            scenario, generator: generator, target: target, seed: seed, scale: scale, timeScale: timeScale)
    }
}
