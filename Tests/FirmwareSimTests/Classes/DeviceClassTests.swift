import Foundation
import NIOCore
import NIOMbedTLS
import Testing

@testable import FirmwareSim

@Suite struct DeviceClassTests {
    static let folder = ShippedScenariosTests.folder.deletingLastPathComponent()
        .appendingPathComponent("DeviceClasses")

    static let shipped = [
        "c1-m0-154", "c2-m0p-154", "c2-m4sw-ble", "c3-m4cc-ble", "c3-m4sw-wifi", "c3-m33-asm", "esp8266",
        "esp32-wifi", "ltem-m33", "nbiot-m33", "linux-gw",
    ]

    @Test func allShip() throws {
        #expect(DeviceClassLibrary.names == Self.shipped + ["native"])
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".yaml") }
        #expect(Set(files) == Set(Self.shipped.map { "\($0).yaml" }))
    }

    @Test(arguments: shipped)
    func isReadWithoutAMistake(name: String) throws {
        let text = try #require(DeviceClassLibrary.text(named: name))
        let file = Self.folder.appendingPathComponent("\(name).yaml")
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
        let deviceClass = try DeviceClassReader.read(text, file: "\(name).yaml")
        #expect(deviceClass.name == name)
        #expect(deviceClass == (try DeviceClassReader.read(path: file.path)))
        #expect(!deviceClass.sources.isEmpty)
        #expect(deviceClass.link != nil)
        #expect(!deviceClass.tls.cipherSuites.isEmpty)
        // mbedTLS has no max_fragment_length in TLS 1.3.
        #expect(deviceClass.tls.maximumFragmentLength == nil || deviceClass.tls.versions == .v1_2 ... .v1_2)
    }

    @Test func figuresAreThoseOfTheFile() throws {
        let deviceClass = try #require(DeviceClassLibrary.deviceClass(named: "nbiot-m33"))
        #expect(deviceClass.handshake.full == .milliseconds(430))
        #expect(deviceClass.handshake.resumed == .milliseconds(8))
        #expect(deviceClass.handshake.shares == .standard)
        #expect(deviceClass.link?.roundTrip == .init(p50: .milliseconds(1_600), p99: .seconds(10)))
        #expect(deviceClass.link?.downBitsPerSecond == 26_000)
        #expect(deviceClass.link?.upBitsPerSecond == 62_000)
        #expect(deviceClass.link?.spikes == .init(probability: 0.03, delay: .seconds(4)))
        #expect(deviceClass.tls.maximumFragmentLength == .bytes1024)
        #expect(deviceClass.tls.cipherSuites.first == .ecdheECDSAWithAES128GCM)
        #expect(deviceClass.keepAlive == .seconds(3_600))
        #expect(deviceClass.sleep == SleepCycle(awake: .minutes(1), asleep: .hours(1)))
        #expect(deviceClass.resumes)
    }

    @Test func nativeAddsNothing() {
        #expect(DeviceClassLibrary.deviceClass(named: "native") == .native)
        #expect(DeviceClassLibrary.text(named: "native") == nil)
        #expect(DeviceClassLibrary.deviceClass(named: "NATIVE") == nil)
    }

    private static let good = """
        name: x
        emulates: y
        sources: [z]
        handshake: { full: 1s, resumed: 10ms }
        link: { round-trip: { p50: 10ms, p99: 20ms }, down: 1Mbps, up: 500kbps }
        tls: { versions: ["1.2"], cipher-suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CCM], max-fragment-length: 512 }
        keep-alive: 60s
        resumes: true

        """

    @Test func theLinkMayBeLeftOut() throws {
        let text = Self.good.split(separator: "\n").filter { !$0.hasPrefix("link") }.joined(separator: "\n")
        #expect(try DeviceClassReader.read(text, file: "x").link == nil)
    }

    /// Each line takes the place of the one with the same key.
    @Test(arguments: [
        ("name: X", "name"), ("name: 1x", "name"), ("name: [x]", "name"), ("name:", "name"), ("emulates:", "emulates"),
        ("sources: []", "sources"), ("sources: z", "sources"), ("sources: [[z]]", "sources[0]"),
        ("handshake: 1s", "handshake"), ("handshake: { full: 1s }", "handshake.resumed"),
        ("handshake: { full: 1s, resumed: 2s }", "handshake.resumed"),
        ("handshake: { full: 1000, resumed: 0 }", "handshake.full"),
        ("handshake: { full: 1h, resumed: 0 }", "handshake.full"),
        ("handshake: { full: -1s, resumed: 0 }", "handshake.full"),
        ("handshake: { full: 1s, resumed: 0, shares: { hello: 50%, answer: 40%, finish: 0% } }", "handshake.shares"),
        ("handshake: { full: 1s, resumed: 0, shares: { hello: 100% } }", "handshake.shares.answer"),
        ("handshake: { full: 1s, resumed: 0, share: {} }", "handshake.share"),
        ("link: {}", "link.down"),
        ("link: { round-trip: { p50: 2s, p99: 1s }, down: 1Mbps, up: 1Mbps }", "link.round-trip.p99"),
        ("link: { round-trip: { p50: 0, p99: 1s }, down: 1Mbps, up: 1Mbps }", "link.round-trip.p50"),
        ("link: { round-trip: { p50: 1s, p99: 1s }, down: 1, up: 1Mbps }", "link.down"),
        ("link: { round-trip: { p50: 1s, p99: 1s }, down: 0kbps, up: 1Mbps }", "link.down"),
        ("link: { round-trip: { p50: 1s, p99: 1s }, down: 1e9bps, up: 1Mbps }", "link.down"),
        (
            "link: { round-trip: { p50: 1s, p99: 1s }, down: 1Mbps, up: 1Mbps, spikes: { probability: 2, delay: 1s } }",
            "link.spikes.probability"
        ),
        ("tls: { versions: [\"1.1\"] }", "tls.versions[0]"), ("tls: { versions: [] }", "tls.versions"),
        ("tls: { versions: \"1.2\" }", "tls.versions"),
        ("tls: { versions: [\"1.3\"], max-fragment-length: 512 }", "tls.max-fragment-length"),
        ("tls: { max-fragment-length: 1000 }", "tls.max-fragment-length"),
        ("tls: { cipher-suites: [TLS_RSA_WITH_AES_128_CBC_SHA] }", "tls.cipher-suites[0]"),
        (
            "tls: { versions: [\"1.3\"], cipher-suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CCM] }", "tls.cipher-suites"
        ),
        (
            "tls: { cipher-suites: [TLS_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256] }", "tls.cipher-suites[1]"
        ),
        ("keep-alive: 1500ms", "keep-alive"), ("keep-alive: 24h", "keep-alive"), ("resumes: yes", "resumes"),
        ("sleep: never", "sleep"), ("sleep: { awake: 1s }", "sleep.asleep"),
        ("sleep: { awake: 0, asleep: 1s }", "sleep.awake"),
    ])
    func aMistakeIsToldWithItsKey(line: String, key: String) throws {
        let name = line.prefix { $0 != ":" }
        let lines = Self.good.split(separator: "\n").filter { !$0.hasPrefix("\(name):") } + [Substring(line)]
        let mistakes = #expect(throws: SourceMistakes.self) {
            try DeviceClassReader.read(lines.joined(separator: "\n"), file: "x.yaml")
        }
        #expect(mistakes?.mistakes.map(\.key).contains(key) == true, "\(String(describing: mistakes))")
        #expect(mistakes?.mistakes.allSatisfy { $0.place.line == lines.count } == true)
    }

    @Test func allMistakesAtOnce() {
        let text = "name: X\nemulate: y\nhandshake: { full: 1, resumed: 1s }\nresumes: maybe\n"
        let mistakes = #expect(throws: SourceMistakes.self) { try DeviceClassReader.read(text, file: "x.yaml") }
        let told = mistakes?.mistakes.map { "\($0.place.line) \($0.key) \($0.code.rawValue)" } ?? []
        #expect(
            told == [
                "1 emulates missing-key", "1 sources missing-key", "1 name bad-value", "2 emulate unknown-key",
                "3 handshake.full bad-value", "3 handshake.resumed contradiction", "4 resumes bad-value",
            ])
        #expect(mistakes?.description.contains("x.yaml:2:1: emulate: unknown key (did you mean 'emulates'?)") == true)
    }
}
