import FleetPolicy
import Synchronization
import Testing

@testable import DeviceRegistry

private let digits = String(repeating: "0a", count: 32)
private let digits2 = String(repeating: "0b", count: 32)

@Suite struct DeviceImportTests {
    @Test func readsEveryColumn() async throws {
        let fixture = try await RegistryFixture()
        let text = #"""
            \#u{FEFF}note,tenant,device,state,profile,attribute.site,override.connections,pin.2,pin.1,password-hash\#r
            "two
            lines, ""quoted""",t,a,suspended,meter,hamburg,3,public-key:\#(digits),certificate:\#(digits2),"\#(cheapHash)"\#r
            ,,t/b,,,,,,,\#r
            ,,c,,,,,,,
            """#
        #expect(try await fixture.importing(text) == ImportSummary(rows: 3, added: 3))
        let record = try #require(try await fixture.show(DeviceKey("a")))
        #expect(record.note == "two\nlines, \"quoted\"" && record.state == .suspended && record.profile == "meter")
        #expect(record.attributes == ["site": "hamburg"] && record.overrides.connectionsMax == 3 && record.hasPassword)
        #expect(record.pins.map(\.pin.description) == ["certificate:\(digits2)", "public-key:\(digits)"])
        let bare = await fixture.registry.directory.device(DeviceKey("b"))
        #expect(bare == RegisteredDevice(key: DeviceKey("b")))
        #expect(await fixture.registry.directory.entry(DeviceKey(tenant: "default", deviceID: "c")) != nil)
        #expect(try await fixture.apply(.history(device: DeviceKey("a"), limit: 5)).history.map(\.action) == ["import"])
    }

    @Test func readsEveryKey() async throws {
        let fixture = try await RegistryFixture()
        let text = """
            {"device":"t/a","state":"pending","profile":"meter","note":"n","attributes":{"site":"hamburg"},\
            "overrides":{"connections":3},"pins":["certificate:\(digits)"],"password-hash":"\(cheapHash)"}\r

            {"tenant":"t","device":"b","note":null,"pins":[],"attributes":null}
            """
        #expect(try await fixture.importing(text, .jsonLines) == ImportSummary(rows: 2, added: 2))
        let record = try #require(try await fixture.show(DeviceKey("a")))
        #expect(record.state == .pending && record.profile == "meter" && record.note == "n" && record.hasPassword)
        #expect(record.attributes == ["site": "hamburg"] && record.overrides.connectionsMax == 3)
        #expect(record.pins.map(\.pin.description) == ["certificate:\(digits)"])
    }

    @Test(
        arguments: [
            ("", nil), ("\n\n", nil), ("devise\nt/a", "1 "), ("device,device\nt/a,t/b", "1 "), ("tenant\nt", "1 "),
            ("device,attribute.A\nt/a,x", "1 "), ("device,override.none\nt/a,1", "1 "), ("device,pin.6\nt/a,", "1 "),
            ("device,pin.01\nt/a,", "1 "), ("device,pin.0\nt/a,", "1 "), ("device,\nt/a,", "1 "),
            ("device,\"x\nt/a", "1 "),
            ("device\n#", "2 device"), ("device\n\"\"", "2 device"), ("device\na/b/c", "2 device"),
            ("device,tenant\na/b,c", "2 device"), ("device\n$SYS", "2 device"), ("device\nt/a\nt/b\nt/a", "4 device"),
            ("device,state\nt/a,Active", "2 state"), ("device,state\nt/a,gone", "2 state"),
            ("device,profile\nt/a,Meter", "2 profile"), ("device,note\nt/a,\"\u{7}\"", "2 note"),
            ("device,attribute.site\nt/a,a/b", "2 attribute.site"),
            ("device,attribute.site\nt/a,+", "2 attribute.site"),
            ("device,override.connections\nt/a,0", "2 override.connections"),
            ("device,override.connections\nt/a,x", "2 override.connections"),
            ("device,override.connections\nt/a,1.0", "2 override.connections"),
            ("device,override.packet-bytes\nt/a,99999999999999999999", "2 override.packet-bytes"),
            ("device,pin.1\nt/a,\(digits)", "2 pin.1"), ("device,pin.1\nt/a,certificate:00", "2 pin.1"),
            ("device,pin.1,pin.2\nt/a,certificate:\(digits),certificate:\(digits)", "2 pin.2"),
            ("device,pin.1\nt/a,certificate:\(digits)\nt/b,certificate:\(digits)", "3 pin.1"),
            ("device,password-hash\nt/a,secret", "2 password-hash"),
            ("device\nt/a,x", "2 "), ("device,note\nt/a", "2 "), ("device\nt/\"a\"", "2 "), ("device\n\"t/a", "2 "),
            ("device\nknown", "2 device"),
            ("device,pin.1\nt/a,certificate:\(String(repeating: "01", count: 32))", "2 pin.1"),
        ] as [(String, String?)])
    func refusesCSV(_ text: String, _ place: String?) async throws {
        try await expectRefusal(text, .csv, place)
    }

    @Test(
        arguments: [
            ("x", "1 "), ("{", "1 "), ("[]", "1 "), ("1", "1 "), ("null", "1 "), (#"{"device":"t/a"} {}"#, "1 "),
            ("{}", "1 device"), (#"{"device":1}"#, "1 device"), (#"{"device":"t/a","device2":1}"#, "1 device2"),
            (#"{"device":"t/a","state":"gone"}"#, "1 state"), (#"{"device":"t/a","state":[]}"#, "1 state"),
            (#"{"device":"t/a","attributes":[]}"#, "1 attributes"),
            (#"{"device":"t/a","attributes":{"a":1}}"#, "1 attribute.a"),
            (#"{"device":"t/a","attributes":{"A":"x"}}"#, "1 attribute.A"),
            (#"{"device":"t/a","overrides":[]}"#, "1 overrides"),
            (#"{"device":"t/a","overrides":{"x":1}}"#, "1 override.x"),
            (#"{"device":"t/a","overrides":{"connections":"1"}}"#, "1 override.connections"),
            (#"{"device":"t/a","overrides":{"connections":1.5}}"#, "1 override.connections"),
            (#"{"device":"t/a","overrides":{"connections":1e99}}"#, "1 override.connections"),
            (#"{"device":"t/a","overrides":{"connections":true}}"#, "1 override.connections"),
            (#"{"device":"t/a","pins":"x"}"#, "1 pins"), (#"{"device":"t/a","pins":[1]}"#, "1 pin.1"),
            (#"{"device":"t/a","pins":["x"]}"#, "1 pin.1"),
            (#"{"device":"t/a","password-hash":"x"}"#, "1 password-hash"),
            (#"{"device":"t/a","note":{}}"#, "1 note"), ("\n\n{\"device\":\"#\"}", "3 device"),
            ("{\"device\":\"t/a\",\"x\":\(String(repeating: "[", count: 20_000))", "1 "),
            ("{\"device\":\"t/a\",\"note\":\"\(String(repeating: "n", count: 70_000))\"}", "1 "),
        ] as [(String, String?)])
    func refusesJSON(_ text: String, _ place: String?) async throws {
        try await expectRefusal(text, .jsonLines, place)
    }

    private func expectRefusal(_ text: String, _ format: DeviceFileFormat, _ place: String?) async throws {
        let fixture = try await RegistryFixture()
        let known = DeviceRecord(
            key: DeviceKey(tenant: "default", deviceID: "known"), pins: [PinRecord(.numbered(1))])
        try await fixture.add(known)
        let refusal = await fixture.refusal(
            .importDevices(devices: DeviceImport(format: format, mode: .add, text: text)))
        #expect(refusal?.code == .importRefused)
        #expect(refusal?.mistakes.first.map { "\($0.line ?? 0) \($0.field)" } == place)
        #expect(await fixture.registry.directory.count == 1)
        #expect(try await fixture.apply(.count(query: DeviceQuery())).count == 1)
    }

    @Test func reportsEveryBadRowUpToABound() async throws {
        let fixture = try await RegistryFixture()
        let rows = (0..<5_000).map { $0 % 2 == 0 ? "t/d\($0)," : "#,gone" }
        let refusal = await fixture.refusal(
            .importDevices(
                devices: DeviceImport(format: .csv, mode: .add, text: "device,state\n" + rows.joined(separator: "\n"))))
        #expect(refusal?.mistakeCount == 5_000 && refusal?.mistakes.count == RegistryError.mistakesMax)
        #expect(
            refusal?.mistakes.prefix(3).map { "\($0.line ?? 0) \($0.field)" } == ["3 device", "3 state", "5 device"])
        #expect(await fixture.registry.directory.count == 0)
    }

    @Test func updatesWhatTheFileSaysAndNothingElse() async throws {
        let fixture = try await RegistryFixture()
        var overrides = DeviceOverrides()
        overrides.connectionsMax = 2
        try await fixture.add(
            DeviceRecord(
                key: DeviceKey("a"), stateReason: "r", profile: "p", pins: [PinRecord(.numbered(1))],
                attributes: ["x": "1", "y": "2"], overrides: overrides, note: "n"), hash: cheapHash)
        try await fixture.add(DeviceRecord(key: DeviceKey("same"), note: "n"))
        fixture.clock.set(2_000)
        let text = "device,attribute.x,attribute.z,state,note\nt/a,,3,,new\nt/same,,,,n\nt/b,1,,,\n"
        #expect(
            await fixture.refusal(.importDevices(devices: DeviceImport(format: .csv, mode: .add, text: text)))?.code
                == .importRefused)
        #expect(
            try await fixture.importing(text, .csv, .update)
                == ImportSummary(rows: 3, added: 1, updated: 1, unchanged: 1))
        let record = try #require(try await fixture.show(DeviceKey("a")))
        #expect(record.attributes == ["y": "2", "z": "3"] && record.note == "new" && record.profile == "p")
        #expect(record.pins.count == 1 && record.hasPassword && record.overrides == overrides)
        #expect(record.stateReason == "r" && record.createdAt == 1_000 && record.changedAt == 2_000)
        #expect(try await fixture.importing(text, .csv, .update) == ImportSummary(rows: 3, unchanged: 3))
        let replaced =
            #"{"device":"t/a","attributes":{},"pins":["certificate:\#(digits)"],"overrides":{},"password-hash":""}"#
        #expect(try await fixture.importing(replaced, .jsonLines, .update) == ImportSummary(rows: 1, updated: 1))
        let after = try #require(try await fixture.show(DeviceKey("a")))
        #expect(after.attributes.isEmpty && after.overrides.isEmpty && !after.hasPassword && after.note == "new")
        #expect(after.pins.map(\.pin.description) == ["certificate:\(digits)"])
        let stored = await fixture.registry.directory.device(DeviceKey("a"))
        #expect(stored?.pins == after.pins.map(\.pin) && stored?.passwordHash == nil)
    }

    @Test func anUpdateKeepsToTheStatesRules() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("gone"), state: .retired))
        try await fixture.add(DeviceRecord(key: DeviceKey("there")))
        let text = "device,state\nt/new,active\nt/gone,active\nt/there,pending\n"
        let refusal = await fixture.refusal(
            .importDevices(devices: DeviceImport(format: .csv, mode: .update, text: text)))
        #expect(refusal?.mistakes.map(\.line) == [3, 4])
        #expect(await fixture.registry.directory.count == 2)
    }

    @Test(arguments: DeviceFileFormat.allCases)
    func anExportIsAnImport(_ format: DeviceFileFormat) async throws {
        let fixture = try await RegistryFixture()
        for number in 0..<1_050 {
            var record = DeviceRecord(
                key: DeviceKey(tenant: number % 3 == 0 ? "t" : "t-2", deviceID: "d,\"\(number)\""),
                state: DeviceState.allCases[number % 4], profile: number % 2 == 0 ? "meter" : "",
                note: ["", "a \"b\",\r\nc", "=1+1", "ü"][number % 4])
            if number % 5 == 0 { record.attributes = ["a\(number % 7)": "v;,\"", "z": "1"] }
            if number < 200 {
                record.pins = [PinRecord(.numbered(UInt8(number))), PinRecord(.numbered(UInt8(number), .publicKey))]
            }
            if number % 11 == 0 { record.overrides.messagesBurst = number + 1 }
            try await fixture.add(record, hash: number % 13 == 0 ? cheapHash : nil)
        }
        let text = try await fixture.exported(DeviceExport(format: format, includesPasswordHashes: true))
        let other = try await RegistryFixture()
        #expect(try await other.importing(text, format)?.added == 1_050)
        let (one, two) = (await fixture.registry.directory, await other.registry.directory)
        #expect(two.changes(since: one).isEmpty)
        #expect(try await other.exported(DeviceExport(format: format, includesPasswordHashes: true)) == text)
        #expect(try await fixture.importing(text, format, .update) == ImportSummary(rows: 1_050, unchanged: 1_050))
        let open = try await fixture.exported(DeviceExport(format: format))
        #expect(!open.contains("scrypt") && !open.contains("password-hash"))
        let some = try await fixture.exported(
            DeviceExport(format: .jsonLines, query: DeviceQuery(tenant: "t", state: .retired)))
        #expect(some.split(separator: "\n").count == 88)
    }

    @Test func anExportOfNothingHasItsHeader() async throws {
        let fixture = try await RegistryFixture()
        #expect(try await fixture.exported(DeviceExport(format: .jsonLines)) == "")
        #expect(try await fixture.exported(DeviceExport(format: .csv)).hasPrefix("device,state,profile,note,override."))
        await #expect(throws: RegistryError.self) {
            try await fixture.exported(DeviceExport(format: .csv, query: DeviceQuery(profile: "!")))
        }
        struct Full: Error {}
        try await fixture.add(DeviceRecord(key: DeviceKey("d")))
        await #expect(throws: Full.self) {
            try await fixture.registry.export(DeviceExport(format: .jsonLines)) { _ in throw Full() }
        }
    }

    @Test func aHundredThousandRowsShowTheirProgress() async throws {
        let fixture = try await RegistryFixture()
        #if DEBUG
            let count = 3_000
        #else
            let count = 100_000
        #endif
        var text = "device,profile,attribute.site,attribute.line,pin.1\n"
        for number in 0..<count {
            let serial = String(number + 1_000_000)
            text += "elbe/meter-\(serial),meter,hamburg-\(number % 90),l1,certificate:"
            text += String(repeating: "0", count: 64 - serial.count) + serial + "\n"
        }
        let progress = Mutex<[RegistryProgress]>([])
        let clock = ContinuousClock()
        let whole = text
        let taken = try await clock.measure {
            let answer = try await fixture.registry.apply(
                .importDevices(devices: DeviceImport(format: .csv, mode: .add, text: whole)), by: "tester"
            ) { step in progress.withLock { $0.append(step) } }
            #expect(answer.summary == ImportSummary(rows: count, added: count))
        }
        let steps = progress.withLock { $0 }
        #expect(steps.count >= count / 1_000 * 2 && steps.contains { $0.phase == .reading })
        #expect(steps.last == RegistryProgress(phase: .writing, rows: count, total: count))
        let loading = try await clock.measure {
            let again = try await fixture.reopened()
            #expect(await again.directory.changes(since: fixture.registry.directory).isEmpty)
        }
        print("\(count) rows imported in \(taken); loaded again and compared in \(loading)")
        #expect(await fixture.registry.directory.count == count)
        #expect(await fixture.registry.directory.selfRegisteredCount(ofProfile: "meter") == 0)
    }
}
