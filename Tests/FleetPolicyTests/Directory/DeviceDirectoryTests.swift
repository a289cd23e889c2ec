import FleetPolicy
import Testing

/// What a directory is compared with: the same in the plainest way.
private struct PlainDirectory {
    var devices: [DeviceKey: RegisteredDevice] = [:]

    mutating func apply(_ change: DeviceDirectory.Change) {
        switch change {
        case .set(let device): devices[device.key] = device
        case .remove(let key): devices[key] = nil
        }
    }

    func device(pinning certificate: [UInt8], _ publicKey: [UInt8]) -> RegisteredDevice? {
        let found = devices.values.filter { device in
            device.pins.contains { $0.sha256 == ($0.kind == .certificate ? certificate : publicKey) }
        }
        return found.count == 1 ? found.first : nil
    }

    func selfRegisteredCount(ofProfile name: String) -> Int {
        devices.values.count { $0.profile == name && $0.isSelfRegistered }
    }
}

/// SplitMix64: the same numbers on every run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private func hash(_ number: Int) -> [UInt8] { Array(repeating: UInt8(truncatingIfNeeded: number), count: 32) }

private func pin(_ kind: CertificatePin.Kind, _ number: Int) -> CertificatePin {
    CertificatePin(kind, sha256: hash(number))!
}

extension RegisteredDevice {
    /// Few names, few pins and few profiles, so that they meet.
    fileprivate static func random(_ generator: inout SeededGenerator) -> RegisteredDevice {
        var device = RegisteredDevice(
            key: .random(&generator), state: DeviceState.allCases.randomElement(using: &generator) ?? .active,
            profile: ["", "meter", "gateway", "lamp"].randomElement(using: &generator) ?? "",
            isSelfRegistered: Bool.random(using: &generator))
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            device.pins.append(
                pin(Bool.random(using: &generator) ? .certificate : .publicKey, .random(in: 0..<40, using: &generator)))
        }
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            device.attributes["a\(Int.random(in: 0..<5, using: &generator))"] = String(
                repeating: "ü", count: .random(in: 0...100, using: &generator))
        }
        for limit in DeviceOverrides.Limit.allCases where Int.random(in: 0..<6, using: &generator) == 0 {
            device.overrides[limit] = Int.random(in: 0...Int(UInt32.max), using: &generator)
        }
        if Bool.random(using: &generator) { device.passwordHash = String(repeating: "h", count: 90) }
        return device
    }
}

extension DeviceKey {
    fileprivate static func random(_ generator: inout SeededGenerator) -> DeviceKey {
        DeviceKey(
            tenant: ["a", "b", "ab", "ü"].randomElement(using: &generator) ?? "",
            deviceID: "d\(Int.random(in: 0..<60, using: &generator))")
    }
}

@Suite struct DeviceDirectoryTests {
    @Test(arguments: [UInt64](0..<8))
    func isLikeADictionary(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var plain = PlainDirectory()
        var directory = DeviceDirectory.empty
        for _ in 0..<120 {
            let changes = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                Int.random(in: 0..<3, using: &generator) == 0
                    ? DeviceDirectory.Change.remove(.random(&generator)) : .set(.random(&generator))
            }
            let before = directory
            let countBefore = plain.devices.count
            for change in changes { plain.apply(change) }
            directory = directory.applying(changes)
            #expect(before.count == countBefore)
            expectSame(directory, plain)
        }
        expectSame(DeviceDirectory(plain.devices.values), plain)
        #expect(DeviceDirectory(plain.devices.values).changes(since: directory).isEmpty)
    }

    private func expectSame(_ directory: DeviceDirectory, _ plain: PlainDirectory) {
        #expect(directory.count == plain.devices.count)
        #expect(directory.hasPins == plain.devices.values.contains { !$0.pins.isEmpty })
        for tenant in ["a", "b", "ab", "ü", "c"] {
            for number in 0..<60 {
                let key = DeviceKey(tenant: tenant, deviceID: "d\(number)")
                #expect(directory.device(key) == plain.devices[key])
            }
        }
        for number in 0..<40 {
            for other in [number, number ^ 1, 255] {
                #expect(
                    directory.device(pinning: hash(number), publicKeySHA256: hash(other))
                        == plain.device(pinning: hash(number), hash(other)))
            }
        }
        for profile in ["", "meter", "gateway", "lamp", "other"] {
            #expect(
                directory.selfRegisteredCount(ofProfile: profile) == plain.selfRegisteredCount(ofProfile: profile))
        }
        var seen: Set<DeviceKey> = []
        directory.forEachEntry { seen.insert($0.key) }
        #expect(seen == Set(plain.devices.keys))
    }

    @Test(arguments: [UInt64](100..<104))
    func knowsWhatChanged(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let one = DeviceDirectory((0..<100).map { _ in RegisteredDevice.random(&generator) })
        let other = one.applying((0..<20).map { _ in .set(.random(&generator)) } + [.remove(.random(&generator))])
        var expected: Set<DeviceKey> = []
        one.forEachEntry { if other.device($0.key) != $0.device { expected.insert($0.key) } }
        other.forEachEntry { if one.device($0.key) != $0.device { expected.insert($0.key) } }
        #expect(Set(other.changes(since: one)) == expected)
        #expect(Set(one.changes(since: other)) == expected)
        #expect(other.changes(since: other).isEmpty)
    }

    @Test func ofTwoWithOneKeyTheLaterCounts() {
        let key = DeviceKey(tenant: "t", deviceID: "d")
        let earlier = RegisteredDevice(key: key, profile: "old", isSelfRegistered: true, pins: [pin(.certificate, 1)])
        let later = RegisteredDevice(key: key, profile: "new", isSelfRegistered: true, pins: [pin(.certificate, 2)])
        for directory in [
            DeviceDirectory([earlier, later]), DeviceDirectory.empty.applying([.set(earlier), .set(later)]),
            DeviceDirectory([earlier]).applying([.remove(key), .set(later)]),
        ] {
            #expect(directory.count == 1)
            #expect(directory.device(key) == later)
            #expect(directory.device(pinning: hash(1), publicKeySHA256: hash(1)) == nil)
            #expect(directory.device(pinning: hash(2), publicKeySHA256: hash(0)) == later)
            #expect(directory.selfRegisteredCount(ofProfile: "old") == 0)
            #expect(directory.selfRegisteredCount(ofProfile: "new") == 1)
        }
    }

    @Test func namesAreComparedByteForByte() {
        let composed = DeviceKey(tenant: "t", deviceID: "\u{E9}")
        let decomposed = DeviceKey(tenant: "t", deviceID: "e\u{301}")
        let directory = DeviceDirectory([RegisteredDevice(key: composed)])
        #expect(directory.device(composed) != nil)
        #expect(directory.device(decomposed) == nil)
    }

    @Test func aPinOfTwoDevicesIsNobodys() {
        let one = RegisteredDevice(key: DeviceKey(tenant: "t", deviceID: "1"), pins: [pin(.certificate, 7)])
        let two = RegisteredDevice(key: DeviceKey(tenant: "t", deviceID: "2"), pins: [pin(.publicKey, 8)])
        let directory = DeviceDirectory([one, two])
        #expect(directory.device(pinning: hash(7), publicKeySHA256: hash(9)) == one)
        #expect(directory.device(pinning: hash(9), publicKeySHA256: hash(8)) == two)
        #expect(directory.device(pinning: hash(7), publicKeySHA256: hash(8)) == nil)
        #expect(directory.device(pinning: hash(8), publicKeySHA256: hash(7)) == nil)
        #expect(directory.device(pinning: [], publicKeySHA256: []) == nil)
        #expect(directory.device(pinning: hash(7) + [0], publicKeySHA256: hash(9)) == nil)
    }

    @Test func anEntryAnswersWithoutTheWholeDevice() throws {
        var device = RegisteredDevice(
            key: DeviceKey(tenant: "t", deviceID: "d"), state: .suspended, profile: "meter",
            pins: [pin(.certificate, 1), pin(.publicKey, 2)], attributes: ["site": "hamburg", "line": ""])
        device.overrides.connectionsMax = 3
        device.passwordHash = "secret"
        let entry = try #require(DeviceDirectory([device]).entry(device.key))
        #expect(entry.state == .suspended && entry.profile == "meter" && entry.key == device.key)
        #expect(entry.isDevice(device.key) && !entry.isDevice(DeviceKey(tenant: "d", deviceID: "t")))
        #expect(entry.hasPins && entry.pinCount == 2 && entry.hasOverrides && entry.hasPassword)
        #expect(entry.isPinned(certificateSHA256: hash(1), publicKeySHA256: hash(9)))
        #expect(entry.isPinned(certificateSHA256: hash(9), publicKeySHA256: hash(2)))
        #expect(!entry.isPinned(certificateSHA256: hash(2), publicKeySHA256: hash(1)))
        #expect(!entry.isPinned(certificateSHA256: [], publicKeySHA256: []))
        #expect(entry.attribute("site") == "hamburg" && entry.attribute("line") == "" && entry.attribute("lin") == nil)
        #expect(entry.attributes == device.attributes && entry.overrides == device.overrides)
        #expect(entry.passwordHash == "secret" && entry.pins == device.pins && entry.device == device)
        let bare = try #require(DeviceDirectory([RegisteredDevice(key: device.key)]).entry(device.key))
        #expect(!bare.hasPins && !bare.hasOverrides && !bare.hasPassword && bare.passwordHash == nil)
        #expect(bare.attribute("site") == nil && bare.overrides.isEmpty && bare.attributes.isEmpty)
    }

    @Test func longTextsKeepTheirLength() {
        for length in [0, 1, 127, 128, 129, 255, 256, 16_383, 16_384, 70_000] {
            let device = RegisteredDevice(
                key: DeviceKey(tenant: String(repeating: "t", count: length), deviceID: "d"),
                attributes: ["a": String(repeating: "v", count: length)])
            #expect(DeviceDirectory([device]).device(device.key) == device)
        }
    }
}
