import ArgumentParser
import Foundation
import Testing

@testable import FirmwareSim

/// A folder that is gone when the test is over.
final class ReportFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "firmware-sim-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self)
    }
}

@Suite struct ReportOptionsTests {
    private func problems(_ arguments: String...) throws -> [String] {
        // Parsing would refuse already; here is asked what for.
        do {
            return try ReportOptions.parse(arguments).problems()
        } catch {
            return ReportOptions.message(for: error).split(separator: "\n").map(String.init)
        }
    }

    @Test func everyFormIsWritten() throws {
        let folder = try ReportFolder()
        let options = try ReportOptions.parse(
            [
                "--json", folder.file("a.json"), "--csv", folder.file("a.csv"), "--html", folder.file("a.html"),
                "--quiet",
            ])
        #expect(options.quiet)
        let report = ReportFixture.report(samples: 2)
        try options.publish(report)
        #expect(try JSONReport.read(folder.file("a.json")) == report)
        #expect(try folder.text("a.csv") == CSVReport.render(report))
        #expect(try folder.text("a.html") == HTMLReport.render(report))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3, "nothing temporary is left")
    }

    @Test func mistakesAreFoundBeforeTheRun() throws {
        let folder = try ReportFolder()
        try Data().write(to: URL(fileURLWithPath: folder.file("plain")))
        #expect(
            try problems("--json", folder.file("none/a.json")).contains {
                $0.contains("there is no folder \(folder.path)/none")
            })
        #expect(try problems("--html", folder.path).contains { $0.contains("is a folder") })
        #expect(try problems("--csv", folder.file("plain/a.csv")).contains { $0.contains("is not a folder") })
        #expect(try problems("--csv", "").contains { $0.contains("needs the name of a file") })
        #expect(try problems("--json", "-", "--html", "-").contains { $0.contains("only one of") })
        #expect(
            try problems("--json", folder.file("a"), "--html", folder.file("a")).contains {
                $0.contains("different files")
            })
        #expect(try problems("--metrics-port", "70000").contains { $0.contains("--metrics-port") })
        #expect(try problems("--metrics-address", "everywhere").contains { $0.contains("is not an IP address") })
        #expect(try problems("--json", folder.file("a.json"), "--html", "-", "--metrics-port", "0").isEmpty)
    }

    @Test func allMistakesAreToldAtOnce() throws {
        #expect(try problems("--json", "/nowhere/a", "--csv", "/nowhere/b", "--metrics-port", "70000").count >= 3)
    }

    @Test func aDeviceIsWrittenToAndNotReplaced() throws {
        let options = try ReportOptions.parse(["--json", "/dev/null"])
        try options.publish(ReportFixture.report(samples: 0))
        #expect(!FileManager.default.fileExists(atPath: "/dev/null/x"))
        let attributes = try FileManager.default.attributesOfItem(atPath: "/dev/null")
        #expect(attributes[.type] as? FileAttributeType == .typeCharacterSpecial)
    }

    @Test func aFolderThatWentAwayIsReported() throws {
        let folder = try ReportFolder()
        let options = try ReportOptions.parse(["--json", folder.file("a.json"), "--csv", "-"])
        try FileManager.default.removeItem(atPath: folder.path)
        let error = #expect(throws: SimulatorError.self) { try options.publish(ReportFixture.report(samples: 0)) }
        #expect(error?.code == "file-unwritable")
    }
}

@Suite struct CompareAndMergeCommandTests {
    @Test func comparesFiles() throws {
        let folder = try ReportFolder()
        for name in ["a.json", "b.json"] {
            try ReportFile(path: folder.file(name), option: "").write(
                JSONReport.render(ReportFixture.report(samples: 3)))
        }
        let command = try CompareCommand.parse(
            [
                folder.file("a.json"), folder.file("b.json"), "--html", folder.file("c.html"), "--json",
                folder.file("c.json"),
            ])
        try command.run()
        #expect(try folder.text("c.json").contains("handshakes per second"))
        _ = try PageReader(folder.text("c.html"))
    }

    @Test func mergesFiles() throws {
        let folder = try ReportFolder()
        for shard in 1...2 {
            var part = ReportFixture.report(samples: 3)
            part.parameters.shard = "\(shard)/2"
            part.assertions = []
            part.fleets[0].expectation?.violated = [:]
            part.verdict = .init(passed: true, shortcomings: [])
            try ReportFile(path: folder.file("\(shard).json"), option: "").write(JSONReport.render(part))
        }
        let parts = [folder.file("2.json"), folder.file("1.json")]
        try MergeCommand.parse(parts + ["--json", folder.file("whole.json"), "--html", folder.file("w.html")]).run()
        let whole = try JSONReport.read(folder.file("whole.json"))
        #expect(whole.parameters.shard == nil)
        #expect(whole.devices.planned == 400)
        #expect(throws: (any Error).self) {
            try MergeCommand.parse([folder.file("1.json"), "--json", folder.file("x.json")]).run()
        }
        #expect(
            !FileManager.default.fileExists(atPath: folder.file("x.json")), "nothing is done when something is wrong")
    }

    @Test(arguments: [["a"], ["a", "b", "c"], ["a", "b", "--html", "/nowhere/x.html"], []])
    func compareRefuses(arguments: [String]) {
        #expect(throws: (any Error).self) { try CompareCommand.parse(arguments) }
    }

    @Test(arguments: [
        [], ["a"], ["--json", "x"], ["a", "--json", "/nowhere/x"], ["a", "--json", "-", "--html", "-"],
    ])
    func mergeRefuses(arguments: [String]) {
        #expect(throws: (any Error).self) { try MergeCommand.parse(arguments) }
    }
}
