import Foundation
import TestKit
import Testing

/// A CA of the public web as trust anchor: whoever has a web site could get in.
@Suite("CAs of the public web")
struct PublicAuthorityTests {
    private static let bundle = "/etc/ssl/certs/ca-certificates.crt"

    /// The first certificate of the machine's own bundle.
    private static func publicAuthority() throws -> String {
        let text = try String(contentsOfFile: Self.bundle, encoding: .utf8)
        let end = "-----END CERTIFICATE-----"
        let range = try #require(text.range(of: end))
        return text[..<range.upperBound] + "\n"
    }

    @Test(
        "check refuses it, with file, line and key",
        .enabled(
            if: FileManager.default.fileExists(atPath: Self.bundle),
            "this machine has no bundle of public CAs to be compared with"))
    func isRefused() async throws {
        let directory = try ScratchDirectory()
        let made = try await Program.run(Program.ours("fleetgate"), ["init", directory.path + "/gate"])
        try #require(made.status == 0, "\(made.everything)")
        let path = directory.path + "/gate/fleetgate.yaml"
        let original = try String(contentsOfFile: path, encoding: .utf8)
        try directory.write("gate/public.pem", Self.publicAuthority())
        func check(_ text: String, _ command: String = "check") async throws -> RunningProcess.Outcome {
            try directory.write("gate/fleetgate.yaml", text)
            return try await Program.run(Program.ours("fleetgate"), [command, "--config", path])
        }
        func bundle(_ more: String) -> String {
            original.replacingOccurrences(
                of: "\nlog:\n",
                with: "\ntrust:\n  anchors:\n    default: {}\n    web:\n      file: public.pem\n\(more)\nlog:\n")
        }
        let short = original.replacingOccurrences(of: "client-ca: ca/ca.pem", with: "client-ca: public.pem")
        let cases = [
            (short, "client-ca: public.pem", "tls.client-ca"),
            (bundle(""), "file: public.pem", "trust.anchors.web.file"),
        ]
        for (text, line, key) in cases {
            let number = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(line) }
            let place = "fleetgate.yaml:\(try #require(number) + 1)"
            for command in ["check", "serve"] {
                let outcome = try await check(text, command)
                #expect(outcome.status == 1, "\(command): \(outcome.everything)")
                let found = outcome.everything.split(separator: "\n").contains {
                    $0.contains(place) && $0.contains(key) && $0.contains("a CA of the public web")
                }
                #expect(found, "\(command): \(key) at \(place) in\n\(outcome.everything)")
                #expect(outcome.everything.contains("allow-public-ca: true"), "\(outcome.everything)")
            }
        }
        let allowed = try await check(bundle("      allow-public-ca: true\n"))
        #expect(allowed.status == 0, "\(allowed.everything)")
        #expect(try await check(original).status == 0)
    }
}
