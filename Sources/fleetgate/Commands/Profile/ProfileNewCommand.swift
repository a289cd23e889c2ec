import ArgumentParser
import FleetPolicy
import Foundation
import Gateway
import NIOMbedTLS

/// `fleetgate profile new`.
struct ProfileNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a commented profile, from a sample certificate when there is one.",
        discussion: """
            With --cert, the match is proposed from the certificate: numbers in the holder's name become captures, all \
            else of the subject has to be equal. What is not said by a flag is asked for when standard input is a \
            terminal, with the proposal as what Enter takes; otherwise the proposal is taken.

            The file is checked before it is written, together with the profiles that are in its folder already, and \
            the certificate has to match it. An existing file is never replaced.

            EXAMPLES
              fleetgate profile new thermometer --cert device.pem
              fleetgate profile new thermometer --cert device.pem \\
                --out gate/profiles/thermometer.yaml --tenant "{site}" \\
                --match "OU={site:slug}"
              fleetgate profile new valve --match "CN=valve-{id:digits}" \\
                --device "valve-{id}" --publish "valves/{device}/#" --out -

            Exit status 0: written. 1: nothing was written.
            """)

    @Argument(help: "The profile's name: a letter, then lower-case letters, digits, - and _.")
    var name: String?

    @Option(
        help: ArgumentHelp("A certificate of such a device, PEM or DER.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt", "cer", "der"]))
    var cert: String?

    @Option(help: ArgumentHelp("Where to write; - is standard output. Default: NAME.yaml.", valueName: "file"))
    var out: String?

    @Option(help: ArgumentHelp("What it is for, for people.", valueName: "text"))
    var description: String?

    @Option(
        help: ArgumentHelp(
            "A condition of the subject, such as CN=meter-{serial:digits}; may be repeated.",
            valueName: "attribute=pattern"))
    var match: [String] = []

    @Option(help: ArgumentHelp("The device id, made of captures and text.", valueName: "template"))
    var device: String?

    @Option(help: ArgumentHelp("The tenant, made of captures and text.", valueName: "template"))
    var tenant: String?

    @Option(help: ArgumentHelp("A topic that the device may publish to; may be repeated.", valueName: "topic"))
    var publish: [String] = []

    @Option(help: ArgumentHelp("A filter that the device may subscribe to; may be repeated.", valueName: "filter"))
    var subscribe: [String] = []

    @Flag(help: "Ask nothing, also on a terminal.")
    var yes = false

    func validate() throws {
        guard match.allSatisfy({ $0.contains("=") }) else {
            throw ValidationError("--match takes attribute=pattern, such as CN=meter-{serial:digits}")
        }
    }

    func run() throws {
        let questions = yes || isatty(STDIN_FILENO) == 0 ? nil : Questions()
        guard let name = name ?? questions?.ask("Name of the profile", proposal: nil) else {
            throw CommandFailure("the profile's name is missing")
        }
        let file = cert ?? questions?.ask("Certificate of such a device (file, empty for none)", proposal: "")
        let sample = try file.flatMap { $0.isEmpty ? nil : try CertificateFiles.chain($0).first }
        var draft = try sample.map { try ProfileDraft(name: name, sample: $0) } ?? ProfileDraft(name: name)
        take(flags: &draft)
        if let questions { ask(questions, &draft) }

        let path = out ?? "\(name).yaml"
        let check = ProfileDraftCheck(draft, sample: sample, path: path == "-" ? nil : path)
        guard check.mistakes.isEmpty else { throw ProfileMistakes(mistakes: check.mistakes) }
        guard check.conditionsThatFail.isEmpty else {
            throw CommandFailure(
                (["the certificate does not match; nothing was written"] + check.conditionsThatFail)
                    .map(LogText.visible).joined(separator: "\n  "))
        }
        if path == "-" {
            print(check.text, terminator: "")
        } else {
            try ProfileDraftFile.write(check.text, to: path)
            print(path)
        }
        for line in check.remarks { Terminal.printError(LogText.visible(line)) }
    }

    private func take(flags draft: inout ProfileDraft) {
        if let description { draft.description = description }
        for condition in match {
            let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let key = parts.first, let pattern = parts.last else { continue }
            let typed = ProfileDraft.Condition(key: key, pattern: pattern, sample: nil)
            if let index = draft.subject.firstIndex(where: { $0.key == key }) {
                draft.subject[index] = typed
            } else {
                draft.subject.append(typed)
            }
        }
        if let device { draft.device = device } else { draft.deriveDevice() }
        if let tenant { draft.tenant = tenant }
        if !publish.isEmpty { draft.publish = publish }
        if !subscribe.isEmpty { draft.subscribe = subscribe }
    }

    private func ask(_ questions: Questions, _ draft: inout ProfileDraft) {
        for index in draft.subject.indices where match.isEmpty {
            let condition = draft.subject[index]
            draft.subject[index] = ProfileDraft.Condition(
                key: condition.key,
                pattern: questions.ask("Pattern for \(condition.key)", proposal: condition.pattern)
                    ?? condition.pattern,
                sample: condition.sample)
        }
        if device == nil {
            draft.deriveDevice()
            draft.device = questions.ask("Device id", proposal: draft.device) ?? draft.device
        }
        if tenant == nil {
            draft.tenant = questions.ask("Tenant (empty for `default`)", proposal: "").flatMap { $0.isEmpty ? nil : $0 }
        }
        if publish.isEmpty { draft.publish = questions.list("Topics to publish to", proposal: draft.publish) }
        if subscribe.isEmpty { draft.subscribe = questions.list("Filters to subscribe to", proposal: draft.subscribe) }
    }
}

/// Asks a person, on standard error, so that standard output stays the command's result.
private struct Questions {
    /// The answer; the proposal when only Enter was pressed; nil at the end of the input.
    func ask(_ question: String, proposal: String?) -> String? {
        let shown = (proposal ?? "").isEmpty ? "" : " [\(LogText.visible(proposal ?? ""))]"
        try? FileHandle.standardError.write(contentsOf: Data("\(question)\(shown): ".utf8))
        guard let line = readLine() else { return nil }
        return line.isEmpty ? proposal : line
    }

    /// Several answers, with spaces between them.
    func list(_ question: String, proposal: [String]) -> [String] {
        let answer = ask("\(question), separated by spaces", proposal: proposal.joined(separator: " "))
        return answer.map { $0.split(separator: " ").map(String.init) } ?? proposal
    }
}

/// The file of a new profile.
enum ProfileDraftFile {
    /// Writes a new file, with the permissions of any new file: a profile is no secret, and the gateway may run as
    /// another user.
    ///
    /// - Throws: ``CommandFailure`` when there is one already, or it cannot be written.
    static func write(_ text: String, to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("\(path) exists; it was not replaced")
        }
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
        } catch {
            throw CommandFailure("\(path) cannot be written")
        }
    }
}
