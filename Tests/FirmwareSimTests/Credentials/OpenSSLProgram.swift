import Foundation
import TestKit
import Testing

@testable import FirmwareSim

/// The `openssl` program: a second opinion on what was made.
enum OpenSSLProgram {
    static let executable = ["/usr/bin/openssl", "/usr/local/bin/openssl", "/bin/openssl"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Runs it to its end.
    ///
    /// - Returns: Its exit status, and both its outputs together.
    static func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        try Program.wait(for: try #require(executable), arguments)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, with the reason in the run's output, where there is no `openssl`.
    static var needsOpenSSL: Self {
        .enabled(if: OpenSSLProgram.executable != nil, "the openssl program is not installed")
    }
}

/// A folder that goes away with ``remove()``.
struct ScratchFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("sim-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// What lies in it, hidden files too.
    var contents: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

    /// The permission bits of a file in it.
    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
        return try #require((attributes[.posixPermissions] as? NSNumber)?.intValue)
    }
}

/// The reason code of the ``SimulatorError`` the body throws; nil when it throws nothing.
func simulatorCode(_ body: () async throws -> some Any) async throws -> String? {
    do {
        _ = try await body()
        return nil
    } catch let error as SimulatorError {
        return error.code
    }
}
