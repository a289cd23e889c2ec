import Foundation

/// Reads secrets from people and pipes.
enum SecretInput {
    /// Asks on the terminal, without showing what is typed, until nothing is different between the two times.
    ///
    /// - Throws: ``CommandFailure`` without a terminal, or when the two differ.
    static func askTwice(_ question: String, again: String) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure("standard input is no terminal: use --password-file, with - for standard input")
        }
        let first = try ask(question)
        let second = try ask(again)
        guard first == second else { throw CommandFailure("the two are different; nothing was changed") }
        return first
    }

    /// The first line of a file that only its owner, and to read its group, has access to.
    ///
    /// - Throws: ``CommandFailure`` with what to do about it.
    static func firstLine(of file: String) throws -> String {
        do {
            return try BoundedFile.readSecretLine(file)
        } catch {
            throw CommandFailure(error.description + (error.hint.map { " (hint: \($0))" } ?? ""))
        }
    }

    /// The first line of standard input, whatever it is: a pipe, a file.
    static func firstLineOfStandardInput() throws -> String {
        guard isatty(STDIN_FILENO) == 0 else { return try ask("") }
        let data = try FileHandle.standardInput.read(upToCount: BoundedFile.secretBytesMax + 1) ?? Data()
        guard data.count <= BoundedFile.secretBytesMax, let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure("standard input is not a password on one line")
        }
        return String(text.prefix { !$0.isNewline })
    }

    private static func ask(_ question: String) throws -> String {
        var original = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &original) == 0 else {
            throw CommandFailure("the terminal cannot be switched to not showing what is typed")
        }
        var silent = original
        silent.c_lflag &= ~tcflag_t(ECHO)
        guard unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else {
            throw CommandFailure("the terminal cannot be switched to not showing what is typed")
        }
        // An interrupt would leave the terminal silent; it is let in again afterwards.
        let interrupt = signal(SIGINT, SIG_IGN)
        defer {
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &original)
            _ = signal(SIGINT, interrupt)
            Terminal.printError("")
        }
        try? FileHandle.standardError.write(contentsOf: Data(question.utf8))
        guard let line = readLine(strippingNewline: true) else { throw CommandFailure("nothing was typed") }
        return line
    }
}
