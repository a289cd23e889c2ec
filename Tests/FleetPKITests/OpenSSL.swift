import Foundation
import TestKit
import Testing

/// The `openssl` program, as a second opinion on what FleetPKI makes.
struct OpenSSL {
    struct Outcome {
        let status: Int32
        /// Standard output and standard error together.
        let output: String
    }

    static let executable: URL? = ["/usr/bin/openssl", "/usr/local/bin/openssl", "/bin/openssl"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
        .map { URL(fileURLWithPath: $0) }

    static var isAvailable: Bool { self.executable != nil }

    /// A directory that goes away with the value's `remove()`.
    let directory: URL

    init() throws {
        self.directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("fleetpki-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(
            at: self.directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    func remove() {
        try? FileManager.default.removeItem(at: self.directory)
    }

    func write(_ name: String, _ text: String) throws {
        try self.write(name, Array(text.utf8))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: self.directory.appendingPathComponent(name))
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: self.directory.appendingPathComponent(name), encoding: .utf8)
    }

    func readBytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: self.directory.appendingPathComponent(name)))
    }

    /// Runs `openssl` in the directory.
    func run(_ arguments: String...) throws -> Outcome {
        try self.run(arguments)
    }

    /// Runs `openssl` in the directory and requires it to succeed.
    @discardableResult
    func require(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let outcome = try self.run(arguments)
        try #require(
            outcome.status == 0,
            "openssl \(arguments.joined(separator: " ")): \(outcome.output)",
            sourceLocation: sourceLocation
        )
        return outcome.output
    }

    func run(_ arguments: [String]) throws -> Outcome {
        let executable: URL = try #require(Self.executable)
        let (status, output) = try Program.wait(for: executable.path, arguments, folder: self.directory.path)
        return Outcome(status: status, output: output)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, with the reason in the run's output, where there is no `openssl`.
    static var needsOpenSSL: Self {
        .enabled(if: OpenSSL.isAvailable, "the openssl program is not installed")
    }
}
