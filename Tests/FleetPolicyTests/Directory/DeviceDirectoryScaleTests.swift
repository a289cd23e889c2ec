import FleetPolicy
import Testing

#if canImport(Glibc)
    import Glibc

    /// How much a directory of many devices costs. A million in release builds; fewer in debug builds, where making the
    /// devices takes longest.
    @Suite(.serialized) struct DeviceDirectoryScaleTests {
        #if DEBUG
            private static let count = 50_000
        #else
            private static let count = 1_000_000
        #endif

        private static func device(_ number: Int) -> RegisteredDevice {
            var digest = [UInt8](repeating: 0, count: 32)
            var rest = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
            for place in 0..<8 {
                digest[place] = UInt8(truncatingIfNeeded: rest)
                rest >>= 8
            }
            let serial = "\(number)"
            return RegisteredDevice(
                // 25 bytes with the separator.
                key: DeviceKey(
                    tenant: "elbe-netz", deviceID: "meter-" + String(repeating: "0", count: 9 - serial.count) + serial),
                profile: "smart-meter", pins: [CertificatePin(.certificate, sha256: digest)].compactMap { $0 },
                attributes: ["site": "hamburg-\(number % 100)", "line": "l\(number % 7)"])
        }

        /// The memory of the process, after the allocator has given back what it only kept.
        private static func residentBytes() throws -> Int {
            if let symbol = dlsym(nil, "malloc_trim") {
                _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
            }
            let file = try #require(fopen("/proc/self/statm", "r"))
            defer { fclose(file) }
            var text = [CChar](repeating: 0, count: 128)
            _ = fgets(&text, 128, file)
            let fields = String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
            return try #require(Int(fields[1])) * Int(sysconf(Int32(_SC_PAGESIZE)))
        }

        @Test func aDeviceCostsAtMost300Bytes() throws {
            let before = try Self.residentBytes()
            let clock = ContinuousClock()
            var directory = DeviceDirectory.empty
            let building = clock.measure { directory = DeviceDirectory((0..<Self.count).lazy.map(Self.device)) }
            let resident = try Self.residentBytes() - before
            #if !DEBUG
                // Of fewer devices, what other tests do meanwhile would be too large a part.
                #expect(resident <= 300 * Self.count)
            #endif
            #expect(directory.count == Self.count)

            var found = 0
            let looking = clock.measure {
                for number in stride(from: 0, to: Self.count, by: 10)
                where directory.entry(Self.device(number).key) != nil { found += 1 }
            }
            #expect(found == Self.count / 10)
            var next = directory
            let changing = clock.measure {
                for number in 0..<100 {
                    var device = Self.device(number)
                    device.state = .suspended
                    next = next.applying([.set(device)])
                }
            }
            #expect(next.device(Self.device(99).key)?.state == .suspended)
            #expect(directory.device(Self.device(99).key)?.state == .active)
            #expect(next.count == Self.count && next.selfRegisteredCount(ofProfile: "smart-meter") == 0)
            let last = Self.device(Self.count - 1)
            #expect(next.device(pinning: last.pins[0].sha256, publicKeySHA256: [])?.key == last.key)
            print(
                "\(Self.count) devices: \(directory.storedBytes / Self.count) bytes stored of each, "
                    + "\(resident / Self.count) of the process, built in \(building), "
                    + "\(found) looked up (and made) in \(looking), 100 changed one by one in \(changing)")
            #expect(Double(directory.storedBytes) / Double(Self.count) <= 200)
        }
    }
#endif
