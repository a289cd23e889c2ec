internal import CSpawn
internal import Foundation
internal import Synchronization

/// A child process started with no descriptor but its own three, and with no signal blocked.
///
/// Not by Foundation's `Process`: before that starts a child it looks at all open descriptors, and reads beyond the records
/// that readdir(3) gave it. In a process with many descriptors, such as a test run, the end of those records is now and
/// then the end of the mapped memory, and the test run ends with SIGSEGV (swift-corelibs-foundation, issue 5472).
///
/// May be used by any thread.
final class SpawnedProcess: Sendable {
    /// Why a child could not be started.
    struct StartFailure: Error, CustomStringConvertible {
        let program: String
        let errorNumber: Int32

        var description: String { "\(self.program) cannot be started: \(String(cString: strerror(self.errorNumber)))" }
    }

    let processID: pid_t
    /// The end of its standard input that is written to; nil where it has none.
    let input: FileHandle?
    /// What it writes to its standard output, and to its standard error if they are one.
    let output: FileHandle
    /// What it writes to its standard error; nil if that goes where its standard output goes.
    let error: FileHandle?
    /// The exit status, or 128 plus the signal's number; nil while it runs.
    private let ending = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - program: A path, or a name that is looked for in `PATH`.
    ///   - environment: In addition to the test's own.
    ///   - folder: Where it runs; the test's own folder when nil.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String? = nil,
        hasInput: Bool = false, joinsOutputs: Bool = false
    ) throws {
        let output = Pipe()
        let error = joinsOutputs ? nil : Pipe()
        let input = hasInput ? Pipe() : nil
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var processID: pid_t = 0
        let failure = withCStrings([program] + arguments) { arguments in
            withCStrings(variables) { variables in
                fleetgate_spawn(
                    &processID, program, arguments, variables, folder, input?.fileHandleForReading.fileDescriptor ?? -1,
                    output.fileHandleForWriting.fileDescriptor, (error ?? output).fileHandleForWriting.fileDescriptor)
            }
        }
        guard failure == 0 else { throw StartFailure(program: program, errorNumber: failure) }
        for end in [output.fileHandleForWriting, error?.fileHandleForWriting, input?.fileHandleForReading] {
            try end?.close()
        }
        self.processID = processID
        self.input = input?.fileHandleForWriting
        self.output = output.fileHandleForReading
        self.error = error?.fileHandleForReading
    }

    var isRunning: Bool { self.ending.withLock { $0 == nil } }

    /// Sends a signal, unless its end was seen and its process id may be another's by now.
    func signal(_ number: Int32) {
        self.ending.withLock { if $0 == nil { kill(self.processID, number) } }
    }

    /// Blocks until it has ended, and releases its process id.
    ///
    /// - Returns: The exit status, or 128 plus the signal's number.
    @discardableResult
    func waitUntilEnded() -> Int32 {
        // Without releasing the process id: ``signal(_:)`` must not meet another process in between.
        var information = siginfo_t()
        while waitid(P_PID, id_t(self.processID), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        return self.ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            while waitpid(self.processID, &status, 0) < 0, errno == EINTR {}
            // The macros WIFEXITED, WEXITSTATUS and WTERMSIG of wait(2), which Swift does not see.
            let signal = status & 0x7F
            let result = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            ending = result
            return result
        }
    }
}

/// A vector of C strings with a null pointer at its end, as exec(3) wants it.
private func withCStrings<Value>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
) -> Value {
    let vector = strings.map { strdup($0) } + [nil]
    defer { for string in vector { free(string) } }
    return body(vector)
}
