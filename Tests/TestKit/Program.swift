internal import Foundation

/// Programs that tests run: ours, built beside the tests, and the real clients and brokers of the machine.
public enum Program {
    /// A program of this package, from the folder the tests were built into.
    public static func ours(_ name: String) -> String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// The path of an installed program, or nil: a test that needs it is then skipped, and says so.
    public static func installed(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders: [String] = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        return folders.map { $0 + "/" + name }.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    /// Debian's Python, if paho-mqtt is installed for it.
    public static let pythonWithPaho: String? = {
        let python = "/usr/bin/python3"
        let outcome = try? Self.wait(for: python, ["-c", "import paho.mqtt.client"])
        return outcome?.status == 0 ? python : nil
    }()

    /// Runs a program to its end.
    ///
    /// - Parameter environment: In addition to the test's own.
    public static func run(
        _ path: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
    ) async throws -> RunningProcess.Outcome {
        try await RunningProcess(path, arguments, input: input, environment: environment).finished()
    }

    /// Runs a program, a path or a name to look for in `PATH`, to its end, which it waits for on the calling thread.
    ///
    /// - Parameter folder: Where it runs; the test's own folder when nil.
    /// - Returns: The exit status, or 128 plus the signal's number, and both its outputs as they came.
    public static func wait(
        for path: String, _ arguments: [String], folder: String? = nil
    ) throws -> (status: Int32, output: String) {
        let process = try SpawnedProcess(path, arguments, folder: folder, joinsOutputs: true)
        let output = process.output.readDataToEndOfFile()
        return (process.waitUntilEnded(), String(decoding: output, as: UTF8.self))
    }
}
