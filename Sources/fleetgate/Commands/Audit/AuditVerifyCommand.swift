import ArgumentParser
import Foundation

/// `fleetgate audit verify`.
struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Find out whether the audit log is as it was written.",
        discussion: """
            Reads every file and finds changed, removed, inserted and moved lines, missing files, files that end in the \
            midst of a line, checkpoints with a wrong signature, and a log that ends before its newest checkpoint. It \
            names file and line, and up to which line a checkpoint proves the log.

            Without --public-key the keys are taken from the log itself: that proves that one and the same key signed \
            it all, not whose it is. Keep a copy of public-key.pem on another machine, and the hash of the last line \
            that --json prints: who can write into the folder can cut the log off behind a checkpoint together with \
            the copy of it that the folder holds, and only such a hash tells.

            OTHER PROGRAMS
            Line N has the SHA-256 of line N-1 in `previous`; a checkpoint's signature is over its own bytes up to \
            `,"signature"`:
              F=audit-0000000001.jsonl
              sed -n 41p $F | tr -d '\\n' | sha256sum
              sed -n 42p $F | sed 's/,"signature":.*//' | tr -d '\\n' > signed
              sed -n 42p $F | sed 's/.*"signature":"//; s/"}//' \\
                | base64 -d > signature
              openssl dgst -sha256 -verify public-key.pem \\
                -signature signature signed

            EXAMPLES
              fleetgate audit verify /var/lib/fleetgate/audit
              fleetgate audit verify -c gate/fleetgate.yaml --public-key kept.pem
              fleetgate audit verify gate/audit --json | jq -r '."last-hash"'

            EXIT STATUS
              0   intact
              1   not intact, or it cannot be read
            """)

    @OptionGroup var location: AuditLocationOptions

    @Option(
        help: ArgumentHelp(
            "A public key that may sign, in PEM; give it again for former keys. Default: those the log names.",
            valueName: "file"),
        completion: .file(extensions: ["pem"]))
    var publicKey: [String] = []

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let keys = try publicKey.map { path in
            guard let key = AuditPublicKey(pem: try BoundedFile.readText(path, bytesMax: BoundedFile.pemBytesMax))
            else {
                throw CommandFailure("\(path) is not a P-256 public key in PEM")
            }
            return key
        }
        let progress = AuditProgress(
            verb: "verified", isTerminal: isatty(STDERR_FILENO) == 1, json: json, write: AuditProgress.printError)
        var verifier = AuditVerifier(
            try location.location(), keys: keys.isEmpty ? nil : keys, onProgress: progress.show)
        let report = try verifier.run()
        progress.end()
        print(
            json
                ? try JSONText.encode(report)
                : report.text.split(separator: "\n").map {
                    LogText.visible(String($0))
                }.joined(separator: "\n"))
        if !report.isIntact { throw ExitCode.failure }
    }
}

/// Shows how far a command is in a long log: a bar on a terminal, elsewhere a line for each tenth.
final class AuditProgress {
    /// A log of fewer bytes is read in the blink of an eye.
    static let bytesMin = 16 << 20

    private let verb: String
    private let isTerminal: Bool
    private let isShown: Bool
    private let write: (String) -> Void
    private var shown = ""

    init(verb: String, isTerminal: Bool, json: Bool, write: @escaping (String) -> Void) {
        self.verb = verb
        self.isTerminal = isTerminal
        // Programs that read the result want no bar, and a terminal shows it beside.
        isShown = isTerminal || !json
        self.write = write
    }

    func show(_ bytes: Int, _ total: Int) {
        guard isShown, total >= Self.bytesMin else { return }
        let percent = Int(Double(bytes) / Double(total) * 100)
        let step = isTerminal ? percent : percent / 10 * 10
        let text = "\(verb) \(step)% of \(total >> 20) MiB"
        guard text != shown else { return }
        shown = text
        write(isTerminal ? "\r\(text)\u{1B}[K" : text + "\n")
    }

    /// Ends the bar's line.
    func end() {
        if isTerminal, !shown.isEmpty { write("\r\u{1B}[K") }
        shown = ""
    }

    static func printError(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
