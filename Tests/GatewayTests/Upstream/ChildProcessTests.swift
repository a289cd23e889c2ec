import Foundation
import Testing

@testable import Gateway

@Suite struct ChildProcessTests {
    private func outcome(_ program: String, _ arguments: [String]) throws -> (String, ChildProcess.Ending) {
        let child = try ChildProcess.start(program, arguments)
        let output = child.output.readDataToEndOfFile()
        return (String(decoding: output, as: UTF8.self), child.waitUntilEnded())
    }

    /// A broker that kept a device's socket would keep its connection open when the gateway has closed it.
    @Test func aChildHasNoneOfOurDescriptors() throws {
        let pipe = Pipe()
        defer { withExtendedLifetime(pipe) {} }
        let kept = pipe.fileHandleForReading.fileDescriptor
        #expect(fcntl(kept, F_GETFD) == 0, "a descriptor that is not marked to be closed")
        // The shell lists the descriptors it has: the three, and the one it reads the folder with.
        let (output, ending) = try outcome("/bin/sh", ["-c", "cd /proc/$$/fd && echo *"])
        #expect(ending == .exited(status: 0))
        #expect(output == "0 1 2 3\n")
    }

    @Test func aChildHasNoSignalBlocked() throws {
        let (output, _) = try outcome("/bin/sh", ["-c", "exec grep '^SigBlk' /proc/self/status"])
        #expect(output == "SigBlk:\t0000000000000000\n")
    }

    @Test func bothOutputsAndTheEndAreSeen() throws {
        #expect(try outcome("/bin/sh", ["-c", "echo a; echo b >&2; exit 3"]) == ("a\nb\n", .exited(status: 3)))
        #expect(try outcome("/bin/sh", ["-c", "kill -9 $$"]) == ("", .killed(signal: SIGKILL)))
    }

    @Test func whatIsNotThereSaysSo() {
        #expect { try outcome("/nowhere/broker", []) } throws: { error in
            "\(error)" == "/nowhere/broker cannot be started: No such file or directory"
        }
    }
}
