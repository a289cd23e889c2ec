import ArgumentParser
import DeviceRegistry
import Foundation
import Synchronization
import Testing

@testable import fleetgate

/// What a command prints.
final class PrintedLines: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func print(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite struct JournalCommandTests {
    private static func record(
        _ address: String, reason: String = "unknown-ca", subject: String = "CN=meter-4711"
    ) -> JournalRecord {
        JournalRecord(
            at: ObservationGate.now, address: address, listener: "default", reason: reason, detail: "no anchor",
            hint: "issuer is unknown", alert: "sent unknown_ca",
            certificate: .init(
                fingerprint: String(repeating: "ab", count: 32), subject: subject, alternativeNames: ["dns:m.example"],
                issuer: "CN=Other", serialNumber: "0a", notBefore: 1, notAfter: 2),
            offer: .init(
                serverName: "gate", applicationProtocols: [], versions: ["TLS 1.2"], cipherSuites: ["X"], groups: []))
    }

    private static func output(_ source: any ObservationSource, _ arguments: String...) async throws -> String {
        let command = try JournalCommand.parse(["--socket", "/s"] + arguments)
        let printed = PrintedLines()
        try await command.listed(source) { printed.print($0) }
        return printed.text
    }

    @Test func helpHasExamplesAndFitsATerminal() {
        for command in [JournalCommand.self] as [any ParsableCommand.Type] {
            let help = command.helpMessage(columns: 80)
            #expect(help.contains("EXAMPLES"))
            for line in help.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
                #expect(line.count <= 80, "\(line)")
            }
        }
    }

    @Test(arguments: [
        ["--limit", "0"], ["--since", "soon"], ["--serial", "xyz"], ["--serial", ""], ["extra"], ["--limit", "-1"],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try JournalCommand.parse(["--socket", "/s"] + arguments) }
    }

    @Test func theSocketAndTheFileSayTheSame() async throws {
        let gate = try ObservationGate()
        gate.store.record(Self.record("10.0.0.1"))
        gate.store.record(Self.record("10.0.0.2", reason: "expired"))
        // Not written yet: the question has it written.
        let overSocket = Mutex<[String]>([])
        try await gate.whileRunning {
            let source = try await ObservationAccess.source(at: gate.location)
            #expect(source is GatewayObservations)
            for options in [[], ["--json"], ["--verbose"], ["--reason", "expired"]] {
                let command = try JournalCommand.parse(["--socket", "/s"] + options)
                let printed = PrintedLines()
                try await command.listed(source) { printed.print($0) }
                overSocket.withLock { $0.append(printed.text) }
            }
        }
        let source = try await ObservationAccess.source(at: gate.location)
        #expect(source is FileObservations)
        for (index, options) in [[], ["--json"], ["--verbose"], ["--reason", "expired"]].enumerated() {
            let command = try JournalCommand.parse(["--socket", "/s"] + options)
            let printed = PrintedLines()
            try await command.listed(source) { printed.print($0) }
            #expect(overSocket.withLock { $0[index] } == printed.text)
        }
    }

    @Test func textAndJSONHaveWhatIsKnown() async throws {
        let gate = try ObservationGate()
        gate.store.record(Self.record("10.0.0.1"))
        try await gate.store.flush(at: ObservationGate.now)
        let source = try FileObservations(path: gate.location.observationsPath ?? "")
        let short = try await Self.output(source)
        #expect(short.contains("10.0.0.1 on default  unknown-ca"))
        #expect(short.contains("hint: issuer is unknown"))
        #expect(!short.contains("TLS 1.2"))
        let long = try await Self.output(source, "--verbose")
        #expect(long.contains("offered versions: TLS 1.2"))
        #expect(long.contains("names: dns:m.example"))
        let json = try await Self.output(source, "--json")
        let array = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(array.count == 1)
        #expect((array.first?["certificate"] as? [String: Any])?["serial"] as? String == "a")
        #expect((array.first?["offer"] as? [String: Any])?["server-name"] as? String == "gate")
    }

    @Test func anEmptyJournalSaysSo() async throws {
        let gate = try ObservationGate()
        let source = try FileObservations(path: gate.location.observationsPath ?? "")
        #expect(try await Self.output(source) == "nothing")
        #expect(try await Self.output(source, "--json") == "[]")
    }

    @Test func moreThanAPageIsListed() async throws {
        let gate = try ObservationGate()
        for index in 0..<1500 {
            gate.store.record(Self.record("10.0.\(index / 250).\(index % 250)"))
            if index % 500 == 499 { try await gate.store.flush(at: ObservationGate.now + Int64(index) * 60) }
        }
        let source = try FileObservations(path: gate.location.observationsPath ?? "")
        let json = try await Self.output(source, "--json", "--limit", "1200")
        let array = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(array.count == 1200)
        #expect(Set(array.compactMap { $0["address"] as? String }).count == 1200)
    }

    @Test func textThatACertificateChoseIsMadeVisible() async throws {
        let gate = try ObservationGate()
        gate.store.record(Self.record("10.0.0.1", subject: "CN=\u{1B}]0;pwned\u{7}\nhint: all is well\u{202E}"))
        try await gate.store.flush(at: ObservationGate.now)
        let source = try FileObservations(path: gate.location.observationsPath ?? "")
        let text = try await Self.output(source, "--verbose")
        #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\u{7}" })
        #expect(text.contains("\\u{1b}"))
        #expect(!text.contains("\nhint: all is well"))
    }

    @Test func withoutGatewayAndFileTheCommandSaysWhatIsMissing() async throws {
        let folder = try TemporaryFolder()
        let nothing = ControlLocation(
            socketPath: folder.path + "/s", registryPath: nil, observationsPath: folder.path + "/none.sqlite")
        let error = await #expect(throws: CommandFailure.self) { _ = try await ObservationAccess.source(at: nothing) }
        #expect(error?.description.contains("there are no observations at") == true)
        let unknown = ControlLocation(socketPath: folder.path + "/s", registryPath: nil)
        await #expect(throws: CommandFailure.self) { _ = try await ObservationAccess.source(at: unknown) }
        let damaged = try folder.write("no database at all, but some text", to: "damaged.sqlite")
        let refused = #expect(throws: CommandFailure.self) { try FileObservations(path: damaged) }
        #expect(refused?.description.contains("is no database, or is damaged") == true)
    }
}
