import ArgumentParser

/// What a run leaves behind, and what is seen of it while it goes on.
struct ReportOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write the report as JSON to a file, or with - to standard output.", valueName: "file"))
    var json: String?

    @Option(
        help: ArgumentHelp(
            "Write the run over time as CSV, one row a sample, to a file, or with - to standard output.",
            valueName: "file"))
    var csv: String?

    @Option(
        help: ArgumentHelp(
            "Write the report with plots as one HTML file, or with - to standard output.", valueName: "file"))
    var html: String?

    @Option(
        help: ArgumentHelp(
            "While the run goes on, answer Prometheus at http://ADDRESS:PORT/metrics. 0: the system chooses the port.",
            valueName: "port"))
    var metricsPort: Int?

    @Option(
        help: ArgumentHelp(
            "Where --metrics-port listens. The figures name the target and the fleets; there is no password.",
            valueName: "address"))
    var metricsAddress: String = MetricsEndpoint.defaultAddress

    @Flag(name: .shortAndLong, help: "No progress while the run goes on.")
    var quiet = false

    /// All forms that were asked for.
    private var files: [ReportFile] {
        [(json, "--json"), (csv, "--csv"), (html, "--html")].compactMap { path, option in
            path.map { ReportFile(path: $0, option: option) }
        }
    }

    /// Finds out before the run what would keep its report from being written.
    func validate() throws {
        let problems = problems()
        guard problems.isEmpty else { throw ValidationError(problems.joined(separator: "\n")) }
    }

    /// All mistakes, each in a sentence.
    func problems() -> [String] {
        var problems = files.compactMap { $0.obstacle() }
        if files.count(where: \.isStandardOutput) > 1 {
            problems.append("only one of --json, --csv and --html can go to standard output")
        }
        let paths = files.filter { !$0.isStandardOutput }.map(\.path)
        if Set(paths).count < paths.count {
            problems.append("--json, --csv and --html must be different files")
        }
        if let metricsPort, !(0...65_535).contains(metricsPort) {
            problems.append("--metrics-port must be from 0 to 65535")
        }
        if MetricsEndpoint.isAddress(metricsAddress) == false {
            problems.append("--metrics-address '\(metricsAddress)' is not an IP address")
        }
        return problems
    }

    /// Writes every form that was asked for. The table for people goes to standard output, or to standard error if a
    /// document has standard output for itself. Blocks: not for an event loop.
    ///
    /// - Throws: ``SimulatorError`` of the first file that could not be written, after all were tried.
    func publish(_ report: RunReport) throws(SimulatorError) {
        let table = TableReport.render(report)
        if files.contains(where: \.isStandardOutput) {
            Output.error(table)
        } else {
            Output.standard(table)
        }
        var failure: SimulatorError?
        for file in files {
            do throws(SimulatorError) {
                try file.write(try text(for: file.option, report))
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func text(for option: String, _ report: RunReport) throws(SimulatorError) -> String {
        switch option {
        case "--csv": CSVReport.render(report)
        case "--html": HTMLReport.render(report)
        case _: try JSONReport.render(report)
        }
    }
}
