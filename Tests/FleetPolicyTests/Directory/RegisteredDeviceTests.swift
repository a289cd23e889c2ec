import FleetPolicy
import Foundation
import Testing

@Suite struct CertificatePinTests {
    static let digits = String(repeating: "0aF", count: 21) + "b"

    @Test func readsWhatItWrites() throws {
        for kind in CertificatePin.Kind.allCases {
            let pin = try #require(CertificatePin(parsing: "\(kind.rawValue):\(Self.digits)"))
            #expect(pin.kind == kind && pin.sha256.count == 32)
            #expect(pin.description == "\(kind.rawValue):\(Self.digits.lowercased())")
            #expect(CertificatePin(parsing: pin.description) == pin)
        }
        let colons = stride(from: 0, to: 64, by: 2).map { _ in "A0" }.joined(separator: ":")
        #expect(CertificatePin(parsing: "certificate:\(colons)")?.sha256 == Array(repeating: 0xA0, count: 32))
    }

    @Test(arguments: [
        "", ":", "certificate", "certificate:", "certificate:00", "Certificate:\(digits)", "key:\(digits)", digits,
        "certificate:\(digits)0", "certificate:\(digits)00", "certificate:\(digits.dropLast())",
        "certificate: \(digits)",
        "certificate:\(digits.dropLast())g", "certificate:\(digits) ", "certificate::\(digits)",
        "certificate:0:\(digits)",
        "certificate:\(digits.dropLast())é", "public-key:\(String(repeating: "0", count: 10_000))",
    ])
    func refuses(_ text: String) {
        #expect(CertificatePin(parsing: text) == nil)
    }
}

@Suite struct RegisteredDeviceValidationTests {
    static let good = RegisteredDevice(
        key: DeviceKey(tenant: "t", deviceID: "d"), profile: "smart-meter_2", attributes: ["site": "hamburg"])

    @Test func acceptsAnOrdinaryDevice() {
        #expect(Self.good.mistakes.isEmpty)
        #expect(RegisteredDevice(key: DeviceKey(tenant: "t", deviceID: "d")).mistakes.isEmpty)
    }

    private typealias Case = (field: String, spoil: @Sendable (inout RegisteredDevice) -> Void)

    private static let cases: [Case] = [
        ("tenant", { $0.key = DeviceKey(tenant: "", deviceID: "d") }),
        ("tenant", { $0.key = DeviceKey(tenant: "a/b", deviceID: "d") }),
        ("tenant", { $0.key = DeviceKey(tenant: "$SYS", deviceID: "d") }),
        ("device", { $0.key = DeviceKey(tenant: "t", deviceID: "") }),
        ("device", { $0.key = DeviceKey(tenant: "t", deviceID: "+") }),
        ("device", { $0.key = DeviceKey(tenant: "t", deviceID: "a#") }),
        ("device", { $0.key = DeviceKey(tenant: "t", deviceID: "a\u{0}") }),
        ("device", { $0.key = DeviceKey(tenant: "t", deviceID: String(repeating: "x", count: 129)) }),
        ("profile", { $0.profile = "Meter" }),
        ("profile", { $0.profile = "a b" }),
        ("profile", { $0.profile = String(repeating: "p", count: 65) }),
        ("attribute.A", { $0.attributes = ["A": "x"] }),
        ("attribute.", { $0.attributes = ["": "x"] }),
        ("attribute.site", { $0.attributes["site"] = "" }),
        ("attribute.site", { $0.attributes["site"] = "a/b" }),
        ("attribute.site", { $0.attributes["site"] = "a\u{202E}b" }),
        ("attribute", { for number in 0..<33 { $0.attributes["n\(number)"] = "x" } }),
        ("override.packet-bytes", { $0.overrides.packetBytesMax = 1 }),
        ("override.packet-bytes", { $0.overrides.packetBytesMax = .max }),
        ("override.connections", { $0.overrides.connectionsMax = 0 }),
        ("override.messages-burst", { $0.overrides.messagesBurst = -1 }),
        ("password-hash", { $0.passwordHash = "" }),
        ("password-hash", { $0.passwordHash = String(repeating: "h", count: 257) }),
        (
            "pin",
            { $0.pins = (0..<6).compactMap { CertificatePin(.certificate, sha256: [UInt8](repeating: $0, count: 32)) } }
        ),
        (
            "pin.2",
            { $0.pins = [0, 0].compactMap { CertificatePin(.certificate, sha256: [UInt8](repeating: $0, count: 32)) } }
        ),
    ]

    @Test(arguments: cases.indices)
    func finds(_ index: Int) {
        var device = Self.good
        Self.cases[index].spoil(&device)
        #expect(device.mistakes.map(\.field) == [Self.cases[index].field])
    }

    @Test func findsEverythingAtOnce() {
        var device = Self.good
        device.key = DeviceKey(tenant: "", deviceID: "#")
        device.profile = "!"
        device.overrides.connectionsMax = 1_000
        #expect(device.mistakes.map(\.field) == ["tenant", "device", "profile", "override.connections"])
    }
}

@Suite struct DirectoryCodableTests {
    @Test func keysPinsAndOverridesAreWhatTheyWere() throws {
        let key = DeviceKey(tenant: "t", deviceID: "ü-1")
        #expect(try JSONDecoder().decode(DeviceKey.self, from: JSONEncoder().encode(key)) == key)
        var overrides = DeviceOverrides()
        for limit in DeviceOverrides.Limit.allCases { overrides[limit] = limit.range.upperBound }
        #expect(try JSONDecoder().decode(DeviceOverrides.self, from: JSONEncoder().encode(overrides)) == overrides)
        let pin = try #require(CertificatePin(.publicKey, sha256: Array(0..<32)))
        #expect(try JSONDecoder().decode(CertificatePin.self, from: JSONEncoder().encode(pin)) == pin)
        #expect(try JSONDecoder().decode(DeviceOverrides.self, from: Data("{}".utf8)).isEmpty)
    }

    @Test(arguments: [#""""#, #""a/b/c""#, #""+""#, #""a/""#, #""/a""#, "1", "null", #"{"tenant":"a"}"#, #""a\u0000""#])
    func refusesKeys(_ text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(DeviceKey.self, from: Data(text.utf8)) }
    }

    @Test(arguments: [
        #"{"packet-bytes":0}"#, #"{"packet-bytes":"128"}"#, #"{"connections":101}"#, #"{"unknown":1}"#, "[]",
        #"{"session-expiry":-1}"#, #"{"session-expiry":4294967296}"#, #"{"messages-burst":1.5}"#,
        #"{"packet-bytes":1e400}"#,
    ])
    func refusesOverrides(_ text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(DeviceOverrides.self, from: Data(text.utf8)) }
    }
}
