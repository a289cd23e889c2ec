internal import Foundation

/// A child process started with a clean slate of signals.
///
/// `posix_spawn` and not Foundation's `Process`, because that hands the calling thread's signal mask on: threads of the
/// runtime block SIGTERM, and a child that inherits the mask cannot be asked to end.
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
        let pipe = Pipe()
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        let write = pipe.fileHandleForWriting.fileDescriptor
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, write, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, write, STDERR_FILENO)
        unsafe posix_spawn_file_actions_addclose(&actions, write)
        unsafe posix_spawn_file_actions_addclose(&actions, pipe.fileHandleForReading.fileDescriptor)

        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var vector = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        // swift-format cannot write `for unsafe`.
        // swift-format-ignore: ReplaceForEachWithForLoop
        defer { unsafe vector.forEach { unsafe free($0) } }
        var processID: pid_t = 0
        let failure = unsafe posix_spawn(&processID, program, &actions, &attributes, &vector, environ)
        try? pipe.fileHandleForWriting.close()
        guard failure == 0 else { throw StartFailure(program: program, errorNumber: failure) }
        return ChildProcess(processID: processID, output: pipe.fileHandleForReading)
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
