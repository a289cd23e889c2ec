import AdminAPI
import DeviceRegistry
import Synchronization
import Testing

@testable import fleetgate

@Suite struct DeviceImportCommandTests {
    @Test(
        arguments: [
            ("", .csv), ("device\n", .csv), ("{\"device\":\"m1\"}\n", .jsonLines), ("\n  {\"device\":1}", .jsonLines),
            ("\u{FEFF}{\"device\":\"m1\"}", .jsonLines), ("\u{FEFF}device,state\n", .csv), ("[{}]", .csv),
            ("\"{\"\n", .csv),
        ] as [(String, DeviceFileFormat)])
    func theFirstCharacterSaysTheFormat(text: String, format: DeviceFileFormat) {
        #expect(DeviceFile.format(of: Array(text.utf8)) == format)
    }

    @Test func mistakesAreNamedByLine() {
        let failure = ControlFailure(
            code: "import-refused", message: "3 rows are wrong",
            mistakes: [
                .init(line: 3, key: "state", message: "`gone` is no state"),
                .init(line: 7, key: "", message: "is given twice"),
                .init(line: 0, message: "the file has no column `device`"),
            ], mistakeCount: 1234)
        #expect(
            ImportReport.lines(failure, file: "fleet.csv") == [
                "fleet.csv:3: state: `gone` is no state", "fleet.csv:7: is given twice",
                "fleet.csv: the file has no column `device`", "and 1231 more", "1234 mistakes; nothing was changed",
            ])
        #expect(ImportReport.lines(.internalError, file: "-") == ["-: the gateway failed; its log says why"])
    }

    private static func shown(_ steps: [RegistryProgress], isTerminal: Bool) -> [String] {
        let written = Mutex<[String]>([])
        let progress = ImportProgress(isTerminal: isTerminal) { text in written.withLock { $0.append(text) } }
        for step in steps { progress.show(step) }
        progress.end()
        return written.withLock { $0 }
    }

    @Test func elsewhereThanOnATerminalEachTenthIsALine() {
        let steps = (0...100).map { RegistryProgress(phase: .writing, rows: $0 * 10, total: 1000) }
        let lines = Self.shown(steps, isTerminal: false)
        #expect(lines.count == 11)
        #expect(lines.first == "writing: 0% of 1000 rows\n")
        #expect(lines.last == "writing: 100% of 1000 rows\n")
    }

    @Test func onATerminalThereIsABar() {
        let lines = Self.shown([RegistryProgress(phase: .writing, rows: 500, total: 1000)], isTerminal: true)
        let half = String(repeating: "#", count: 15) + String(repeating: ".", count: 15)
        #expect(lines == ["\rwriting [\(half)] 50% of 1000 rows\u{1B}[K", "\n"])
    }

    @Test(arguments: [
        RegistryProgress(phase: .reading, rows: 5, total: nil), RegistryProgress(phase: .reading, rows: 5, total: 0),
        RegistryProgress(phase: .reading, rows: -5, total: 10), RegistryProgress(phase: .reading, rows: 50, total: 10),
        RegistryProgress(phase: .reading, rows: 1, total: -1),
    ])
    func oddProgressDoesNoHarm(step: RegistryProgress) {
        _ = Self.shown([step], isTerminal: true)
        _ = Self.shown([step], isTerminal: false)
    }
}
