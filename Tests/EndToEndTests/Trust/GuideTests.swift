import Foundation
import TestKit
import Testing

/// The README's guide, run as it stands there.
@Suite("Guide", .serialized)
struct GuideTests {
    static let heading = "## From no PKI to a revoked device"

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The one bash block below the heading.
    static func script() throws -> String {
        let readme = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let sections = text.components(separatedBy: "\n" + Self.heading + "\n")
        guard sections.count == 2 else { throw Failure(description: "README.md has no one section \(Self.heading)") }
        let section = sections[1].components(separatedBy: "\n## ")[0]
        let blocks = section.components(separatedBy: "\n```bash\n").dropFirst()
        guard blocks.count == 1, let block = blocks.first, let end = block.range(of: "\n```") else {
            throw Failure(description: "the section has \(blocks.count) bash blocks, one is expected")
        }
        return String(block[..<end.lowerBound]) + "\n"
    }

    @Test(
        "From no PKI to a revoked device", .timeLimit(.minutes(5)),
        .enabled(
            if: ["mosquitto", "mosquitto_pub", "mosquitto_sub", "curl"].allSatisfy { Program.installed($0) != nil },
            "mosquitto, its clients or curl are not installed"))
    func runsAsItStands() async throws {
        var script = try Self.script()
        for port in ["18883", "19464"] {
            #expect(script.contains(":\(port)"), "the guide has port \(port)")
            script = script.replacingOccurrences(of: port, with: "\(try unusedPort())")
        }
        let directory = try ScratchDirectory()
        try directory.write("guide.sh", script)
        let programs = URL(fileURLWithPath: Program.ours("fleetgate")).deletingLastPathComponent().path
        let outcome = try await Program.run(
            "/usr/bin/env",
            [
                "-C", directory.path, "PATH=\(programs):" + (ProcessInfo.processInfo.environment["PATH"] ?? ""), "bash",
                "guide.sh",
            ])
        let log = (try? String(contentsOfFile: directory.path + "/gate.log", encoding: .utf8)) ?? ""
        #expect(outcome.status == 0, "\(outcome.everything)\n\(log)")
        for part in ["certificate-revoked", "keyCompromise", "meter-4711.key"] {
            #expect(outcome.everything.contains(part), "\(part) in\n\(outcome.everything)")
        }
    }
}
