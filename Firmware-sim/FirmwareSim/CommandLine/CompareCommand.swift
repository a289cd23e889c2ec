import ArgumentParser
import Foundation

/// `firmware-sim compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Puts two runs side by side.",
        discussion: """
            Reads two reports made with --json. What makes them hard to compare (other scenario, scale or versions, a \
            generator at its limit) is said first. Reports of another schema are refused.
            """
    )

    @Argument(help: "The report to compare with, as JSON.", completion: .file(extensions: ["json"]))
    var a: String

    @Argument(help: "The report to compare, as JSON.", completion: .file(extensions: ["json"]))
    var b: String

    @Option(
        help: ArgumentHelp("Write the comparison as JSON to a file, or with - to standard output.", valueName: "file"))
    var json: String?

    @Option(
        help: ArgumentHelp(
            "Write the comparison with both runs' curves as one HTML file, or with - to standard output.",
            valueName: "file"))
    var html: String?

    private var outputs: DocumentOutputs { DocumentOutputs(json: json, html: html) }

    func validate() throws {
        try outputs.requireWritable()
    }

    func run() throws {
        do throws(SimulatorError) {
            let left = try JSONReport.read(a)
            let right = try JSONReport.read(b)
            let comparison = RunComparison(
                left, named: (a as NSString).lastPathComponent, right, named: (b as NSString).lastPathComponent)
            try outputs.write(
                table: ComparisonText.render(comparison),
                json: { () throws(SimulatorError) in try JSONReport.render(comparison) },
                html: { ComparisonPage.render(comparison, left, right) })
        } catch {
            throw error.asExit
        }
    }
}

/// The documents a command makes beside its table.
struct DocumentOutputs {
    var json: String?
    var html: String?

    private var files: [ReportFile] {
        [json.map { ReportFile(path: $0, option: "--json") }, html.map { ReportFile(path: $0, option: "--html") }]
            .compactMap(\.self)
    }

    func requireWritable() throws {
        var problems = files.compactMap { $0.obstacle() }
        if Set(files.map(\.path)).count < files.count { problems.append("--json and --html must be different files") }
        guard problems.isEmpty else { throw ValidationError(problems.joined(separator: "\n")) }
    }

    /// The table goes to standard error if a document has standard output for itself.
    func write(
        table: String, json: () throws(SimulatorError) -> String, html: () throws(SimulatorError) -> String
    ) throws(SimulatorError) {
        if files.contains(where: \.isStandardOutput) { Output.error(table) } else { Output.standard(table) }
        for file in files {
            try file.write(file.option == "--json" ? try json() : try html())
        }
    }
}

extension SimulatorError {
    /// Says what is wrong, and ends the program as such mistakes do.
    var asExit: ExitCode {
        Output.error("firmware-sim: \(self)\n")
        return fault == .options ? ExitCode.validationFailure : ExitCode.failure
    }
}
