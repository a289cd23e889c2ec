import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct TargetTests {
    @Test(
        arguments: [
            ("localhost:8883", "localhost", 8883), ("broker.example", "broker.example", 8883),
            ("[::1]:1884", "::1", 1884),
            ("[::1]", "::1", 8883), ("127.0.0.1:1", "127.0.0.1", 1), ("h:65535", "h", 65_535),
        ])
    func reads(option: String, host: String, port: Int) throws {
        let target = try RunPlan.Target(option: option, serverName: nil)
        #expect(target == .init(host: host, port: port, serverName: host))
    }

    @Test(
        arguments: [
            "", ":8883", "h:", "h:0", "h:65536", "h:x", "h:-1", "h:1:2", "::1", "[::1", "[::1]x", "[::1]:", "[]:1",
            "a b:1",
            "https://h:1",
        ])
    func refuses(option: String) {
        #expect(throws: SimulatorError.self) { try RunPlan.Target(option: option, serverName: nil) }
    }

    @Test func theServersNameMayBeAnother() throws {
        #expect(try RunPlan.Target(option: "127.0.0.1:1", serverName: "gw").serverName == "gw")
    }
}

@Suite struct SourceAddressesTests {
    @Test func readsListsAndRanges() throws {
        let sources = try SourceAddresses(option: "127.0.0.2-127.0.0.4, 127.0.1.254-127.0.2.1,::1")
        #expect(
            sources.addresses.compactMap(\.ipAddress) == [
                "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.1.254", "127.0.1.255", "127.0.2.0", "127.0.2.1", "::1",
            ])
        #expect(sources.address(forDevice: 8)?.ipAddress == "127.0.0.2")
        #expect(SourceAddresses.systemChoice.address(forDevice: 8) == nil)
    }

    @Test(
        arguments: [
            "", ",", "127.0.0", "127.0.0.256", "127.0.0.9-127.0.0.2", "127.0.0.1-", "-127.0.0.1", "127.0.0.1-2-3",
            "::1-::2", "localhost", "0.0.0.0-255.255.255.255", "127.0.0.1,",
        ])
    func refuses(option: String) {
        #expect(throws: SimulatorError.self) { try SourceAddresses(option: option) }
    }
}

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("5", 5_000), ("5s", 5_000), ("250ms", 250), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000),
            (".5s", 500),
        ])
    func reads(text: String, milliseconds: Int64) throws {
        #expect(try DurationText.parse(text, option: "x") == .milliseconds(milliseconds))
    }

    @Test(
        arguments: [
            "", "s", "-1s", "1d", "1 s", "1e9s", "inf", "nan", "0x10", "1.2.3s", "99999999999999999999h", "8d", "169h",
            "0",
        ])
    func refuses(text: String) {
        #expect(throws: SimulatorError.self) { try DurationText.parse(text, option: "x") }
    }

    @Test func zeroWhereItHasAMeaning() throws {
        #expect(try DurationText.parse("0", option: "x", allowingZero: true) == .zero)
    }

    @Test(arguments: [("250ms", "250ms"), ("1500ms", "1.5s"), ("120s", "120s"), ("1m", "60s")])
    func renders(text: String, expected: String) throws {
        #expect(try DurationText.render(DurationText.parse(text, option: "x")) == expected)
    }
}
