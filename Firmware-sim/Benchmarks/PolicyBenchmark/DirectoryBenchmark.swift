import AllocationCount
import FleetPolicy

/// What registered devices cost in memory.
enum DirectoryBenchmark {
    static func run(devices count: Int, into report: inout BenchmarkReport) -> DeviceDirectory {
        let before = Int(allocation_bytes_in_use())
        let start = processorSeconds()
        let directory = DeviceDirectory((0..<count).lazy.map(device))
        let elapsed = processorSeconds() - start
        let bytes = Int(allocation_bytes_in_use()) - before
        report.add(
            "directory of \(count.grouped) devices: each", Double(bytes) / Double(directory.count), "bytes", goal: 300)
        report.add("directory of \(count.grouped) devices: building", elapsed, "s", goal: 10)
        return directory
    }

    /// A device as an operator registers it: a pin, an attribute, a profile.
    private static func device(_ number: Int) -> RegisteredDevice {
        return RegisteredDevice(
            key: DeviceKey(tenant: "site-1", deviceID: "meter-\(number)"), profile: SourceText.name(number % 100),
            pins: CertificatePin(.publicKey, sha256: keyHash(number)).map { [$0] } ?? [],
            attributes: ["line": "line-\(number % 50)"])
    }

    /// Different for each device; that they are no hashes does not change what they cost.
    static func keyHash(_ number: Int) -> [UInt8] {
        var state = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        return (0..<32).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }
}
