internal import CSpawn
internal import Foundation

/// A child process started with a clean slate of signals, and with none of the gateway's sockets.
///
/// Not by Foundation's `Process`: that hands the calling thread's signal mask on (threads of the runtime block SIGTERM, and
/// a child that inherits the mask cannot be asked to end), and while it looks for open descriptors it reads beyond the
/// records of readdir(3), which ends the process now and then (swift-corelibs-foundation, issue 5472).
///
/// The *thread* that starts the child is its parent as far as `PR_SET_PDEATHSIG` goes: it must live as long as the child.
struct ChildProcess {
    /// Why a child could not be started.
    struct StartFailure: Error, CustomStringConvertible {
        let program: String
        let errorNumber: Int32

        var description: String {
            "\(self.program) cannot be started: \(unsafe String(cString: strerror(self.errorNumber)))"
        }
    }

    let processID: Int32
    /// What the child writes to its standard output and standard error; ends when the child does.
    let output: FileHandle

    /// Starts `program` (an absolute path) with nothing on its standard input.
    static func start(_ program: String, _ arguments: [String]) throws -> ChildProcess {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw StartFailure(program: program, errorNumber: errno) }
        let (reading, writing) = (FileHandle(fileDescriptor: ends[0], closeOnDealloc: true), ends[1])
        defer { close(writing) }
        var vector = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        // swift-format cannot write `for unsafe`.
        // swift-format-ignore: ReplaceForEachWithForLoop
        defer { unsafe vector.forEach { unsafe free($0) } }
        var processID: pid_t = 0
        let failure = unsafe fleetgate_spawn(&processID, program, &vector, nil, nil, -1, writing, writing)
        guard failure == 0 else { throw StartFailure(program: program, errorNumber: failure) }
        return ChildProcess(processID: processID, output: reading)
    }

    /// How a child ended.
    enum Ending: Equatable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    /// Blocks until the child has ended, and releases its process id.
    func waitUntilEnded() -> Ending {
        var status: Int32 = 0
        while unsafe waitpid(self.processID, &status, 0) < 0, errno == EINTR {}
        // The macros WIFEXITED, WEXITSTATUS and WTERMSIG of wait(2), which Swift does not see.
        let signal = status & 0x7F
        return signal == 0 ? .exited(status: (status >> 8) & 0xFF) : .killed(signal: signal)
    }
}
