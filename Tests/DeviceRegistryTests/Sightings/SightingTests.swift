import FleetPolicy
import Testing

@testable import DeviceRegistry

@Suite struct SightingTests {
    private func certificate(_ number: UInt8, bytes: Int = 100, subject: String = "CN=x") -> SeenCertificate {
        SeenCertificate(
            sha256: Array(repeating: number, count: 32), subject: subject, notAfter: Int64(number),
            der: Array(repeating: number, count: bytes))
    }

    @Test func theFirstStaysAndTheLastCounts() async throws {
        let fixture = try await RegistryFixture()
        let key = DeviceKey("d")
        try await fixture.add(DeviceRecord(key: key))
        for (time, number) in [(50, 1), (70, 2), (60, 3), (70, 2), (40, 4)] as [(Int64, UInt8)] {
            fixture.registry.record(
                Sighting(key: key, at: time, address: "192.0.2.\(number)", certificate: certificate(number)))
            await fixture.registry.flushSightings()
        }
        fixture.registry.record(Sighting(key: key, at: 71, address: "192.0.2.9", certificate: nil))
        await fixture.registry.flushSightings()
        let record = try #require(try await fixture.show(key))
        #expect(record.firstSeen == 40 && record.lastSeen == 71 && record.lastAddress == "192.0.2.9")
        #expect(record.lastCertificate == certificate(2))
        #expect(record.changedAt == 1_000)
        #expect(fixture.registry.sightingCounts.written == 6)
        guard case .certificates(let certificates, nil) = try await fixture.apply(.certificates(query: DeviceQuery()))
        else {
            Issue.record("no certificates")
            return
        }
        #expect(certificates == [CertificateOnFile(device: key, der: String(repeating: "02", count: 100))])
    }

    @Test func strangersAreOnlyCounted() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("known")))
        for name in ["known", "a", "b"] {
            fixture.registry.record(Sighting(key: DeviceKey(name), at: 1, address: "", certificate: certificate(1)))
        }
        await fixture.registry.flushSightings()
        #expect(fixture.registry.sightingCounts.written == 1 && fixture.registry.sightingCounts.unregistered == 2)
        #expect(try await fixture.apply(.count(query: DeviceQuery())).count == 1)
    }

    @Test func theBufferIsBoundedAndKeepsTheNewest() {
        let buffer = SightingBuffer(devicesMax: 2)
        for (name, time) in [("a", 5), ("b", 5), ("a", 9), ("c", 9), ("a", 7), ("d", 9)] as [(String, Int64)] {
            buffer.put(Sighting(key: DeviceKey(name), at: time, address: "", certificate: nil))
        }
        #expect(buffer.counts.dropped == 2)
        #expect(Set(buffer.takeAll().map { "\($0.key.deviceID)\($0.at)" }) == ["a9", "b5"])
        #expect(buffer.takeAll().isEmpty)
    }

    @Test func whatDevicesSendIsCut() {
        let long = String(repeating: "ü", count: 5_000)
        let sighting = Sighting(
            key: DeviceKey("d"), at: 1, address: long, certificate: certificate(1, bytes: 20_000, subject: long))
        #expect(sighting.bounded.address.utf8.count <= Sighting.addressBytesMax)
        #expect((sighting.bounded.certificate?.subject.utf8.count ?? 9_999) <= SeenCertificate.subjectBytesMax)
        #expect(sighting.bounded.certificate?.der == [])
        var broken = sighting
        broken.certificate?.sha256 = [1]
        #expect(broken.bounded.certificate == nil)
    }

    @Test func theLastAreWrittenWhenItEnds() async throws {
        let fixture = try await RegistryFixture()
        try await fixture.add(DeviceRecord(key: DeviceKey("d")))
        fixture.registry.record(Sighting(key: DeviceKey("d"), at: 42, address: "", certificate: nil))
        let registry = fixture.registry
        let running = Task { await registry.run() }
        running.cancel()
        await running.value
        #expect(try await fixture.show(DeviceKey("d"))?.lastSeen == 42)
    }
}
