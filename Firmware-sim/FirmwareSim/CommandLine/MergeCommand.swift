import ArgumentParser

/// `firmware-sim merge`.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Makes one report of the parts of a run that several processes shared.",
        discussion: """
            Reads the reports of all parts (made with --shard 1/4, 2/4, … and --json), adds them up, and judges the \
            assertions over the whole. Percentiles are those of the added histograms. Milestones are as exact as the \
            series, at most one of its intervals late. A server that several parts measured counts once. The exit code is 0 \
            only if the whole run passed.
            """
    )

    @Argument(help: "The parts' reports, as JSON, in any order.", completion: .file(extensions: ["json"]))
    var parts: [String]

    @Option(
        help: ArgumentHelp("Write the whole report as JSON to a file, or with - to standard output.", valueName: "file")
    )
    var json: String

    @Option(help: ArgumentHelp("Write the whole report as one HTML file.", valueName: "file"))
    var html: String?

    private var outputs: DocumentOutputs { DocumentOutputs(json: json, html: html) }

    func validate() throws {
        guard parts.count <= SimulatorLimits.shardsMax else {
            throw ValidationError("at most \(SimulatorLimits.shardsMax) parts can be merged")
        }
        try outputs.requireWritable()
    }

    func run() throws {
        let whole: RunReport
        do throws(SimulatorError) {
            var reports: [RunReport] = []
            for path in parts { reports.append(try JSONReport.read(path)) }
            whole = try RunReport.merged(reports)
            let merged = whole
            try outputs.write(
                table: TableReport.render(merged), json: { () throws(SimulatorError) in try JSONReport.render(merged) },
                html: { HTMLReport.render(merged) })
        } catch {
            throw error.asExit
        }
        guard whole.verdict.passed else { throw ExitCode.failure }
    }
}
