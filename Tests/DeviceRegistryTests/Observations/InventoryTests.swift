import FleetPolicy
import Testing

@testable import DeviceRegistry

@Suite struct InventoryTests {
    private let fixture: ObservationFixture
    private let now = ObservationFixture.now

    init() throws { fixture = try ObservationFixture() }

    private func write(_ store: ObservationStore, _ certificates: [ObservedCertificate]) async throws {
        for certificate in certificates { store.record(certificate) }
        try await store.flush(at: now)
    }

    private func numbers(
        _ store: ObservationStore, _ change: (inout CertificateQuery) -> Void = { _ in }
    ) async throws -> [Int] {
        var query = CertificateQuery()
        change(&query)
        return try await store.certificates(query).compactMap { Int($0.fingerprint.suffix(8), radix: 16) }
    }

    @Test func aCertificateIsKeptOnceWithItsHandshakes() async throws {
        let store = try fixture.store()
        try await write(store, [ObservationFixture.certificate(1)])
        try await write(
            store,
            (1...5).map { offset in
                ObservationFixture.certificate(1) {
                    $0.firstSeen = now + Int64(offset)
                    $0.lastSeen = now + Int64(offset)
                    $0.lastAddress = "10.0.0.\(offset)"
                }
            })
        var query = CertificateQuery()
        query.includesDER = true
        let row = try #require(try await store.certificates(query).first)
        #expect(row.count == 6)
        #expect(row.firstSeen == now)
        #expect(row.lastSeen == now + 5)
        #expect(row.lastAddress == "10.0.0.5")
        #expect(row.der == [1, 2, 3])
        #expect(row.serialNumber == "1")
        #expect(store.counts.handshakes == 6)
    }

    @Test func aResumedSessionMovesOnlyWhenItWasSeen() async throws {
        let store = try fixture.store()
        let resumed = ObservationFixture.certificate(1) {
            $0.der = []
            $0.signatureAlgorithm = ""
            $0.keyHash = ""
            $0.anchor = ""
            $0.lastSeen = now + 9
        }
        try await write(store, [ObservationFixture.certificate(1)])
        try await write(store, [resumed])
        var query = CertificateQuery()
        query.includesDER = true
        let row = try #require(try await store.certificates(query).first)
        #expect(row.der == [1, 2, 3])
        #expect(row.signatureAlgorithm == "ecdsa-with-SHA256")
        #expect(row.keyHash.count == 64)
        #expect(row.anchor == "default")
        #expect(row.lastSeen == now + 9)
    }

    @Test func aFullHandshakeCompletesWhatAResumedOneBegan() async throws {
        let store = try fixture.store()
        let resumed = ObservationFixture.certificate(1) {
            $0.der = []
            $0.signatureAlgorithm = ""
            $0.keyHash = ""
        }
        for separately in [false, true] {
            store.record(resumed)
            if separately { try await store.flush(at: now) }
            try await write(store, [ObservationFixture.certificate(1)])
            var query = CertificateQuery()
            query.includesDER = true
            let row = try #require(try await store.certificates(query).first)
            #expect(row.der == [1, 2, 3])
            #expect(row.keyHash.count == 64)
            #expect(row.signatureAlgorithm == "ecdsa-with-SHA256")
        }
    }

    @Test func certificatesAreFound() async throws {
        let store = try fixture.store()
        try await write(
            store,
            [
                ObservationFixture.certificate(1, device: "a/m1", validDays: 10),
                ObservationFixture.certificate(2, device: "a/m2", validDays: -5),
                ObservationFixture.certificate(3, device: "a/m1", validDays: 400),
                ObservationFixture.certificate(4, device: "b/x", validDays: 40) {
                    $0.issuer = "CN=Vendor"
                    $0.profile = "p2"
                    $0.lastSeen = now - 1000
                },
            ])
        #expect(try await numbers(store) == [2, 1, 4, 3])
        #expect(try await numbers(store) { $0.device = "A/M1" } == [1, 3])
        #expect(try await numbers(store) { $0.subject = "METER-4" } == [4])
        #expect(try await numbers(store) { $0.issuer = "vendor" } == [4])
        #expect(try await numbers(store) { $0.profile = "p2" } == [4])
        #expect(try await numbers(store) { $0.serialNumber = "00:02" } == [2])
        #expect(try await numbers(store) { $0.notRenewed = true } == [2, 4, 3])
        #expect(try await numbers(store) { $0.notSeenSince = now } == [4])
        #expect(try await numbers(store) { $0.seenSince = now } == [2, 1, 3])
        let within30 = try await numbers(store) {
            $0.expiringUntil = now + 30 * 86_400
            $0.expiringAfter = now - 1
        }
        #expect(within30 == [1])
    }

    @Test func pagesGoOnWhereTheLastEnded() async throws {
        let store = try fixture.store()
        // All expire in the same second: the fingerprint decides.
        try await write(store, (0..<25).map { ObservationFixture.certificate($0) })
        var query = CertificateQuery(limit: 10)
        var seen: [String] = []
        while true {
            let page = try await store.certificates(query)
            seen += page.map(\.fingerprint)
            guard let last = page.last, page.count == 10 else { break }
            query.after = CertificateQuery.Cursor(last)
        }
        #expect(seen.count == 25)
        #expect(Set(seen).count == 25)
    }

    @Test func weakOnesAreFound() async throws {
        let store = try fixture.store()
        func key(_ number: Int, _ algorithm: String, _ bits: Int, _ signature: String) -> ObservedCertificate {
            ObservationFixture.certificate(number) {
                $0.keyAlgorithm = algorithm
                $0.keyBits = bits
                $0.signatureAlgorithm = signature
            }
        }
        try await write(
            store,
            [
                key(1, "RSA", 2048, "sha256WithRSAEncryption"), key(2, "RSA", 3072, "sha256WithRSAEncryption"),
                key(3, "P-256", 256, "ecdsa-with-SHA1"), key(4, "1.3.132.0.10", 256, ""), key(5, "P-384", 384, ""),
                ObservationFixture.certificate(6, validDays: 20 * 365),
            ])
        #expect(try await numbers(store) { $0.weakness = CertificateQuery.Weakness() } == [1, 3, 4, 6])
        let lenient = CertificateQuery.Weakness(rsaBitsMin: 2048, validityDaysMax: 36_525)
        #expect(try await numbers(store) { $0.weakness = lenient } == [3, 4])
    }

    @Test func duplicatesAreFound() async throws {
        let store = try fixture.store()
        let shared = String(repeating: "5", count: 64)
        let reused = String(repeating: "6", count: 64)
        try await write(
            store,
            [
                ObservationFixture.certificate(1, device: "a/1") { $0.keyHash = shared },
                ObservationFixture.certificate(2, device: "a/2") { $0.keyHash = shared },
                ObservationFixture.certificate(3, device: "a/3") { $0.keyHash = reused },
                ObservationFixture.certificate(4, device: "a/3", validDays: -1) { $0.keyHash = reused },
                ObservationFixture.certificate(5, device: "a/5"), ObservationFixture.certificate(6, device: "a/5"),
                ObservationFixture.certificate(7, device: "a/7") { $0.keyHash = "" },
                ObservationFixture.certificate(8, device: "a/8") { $0.keyHash = "" },
            ])
        let groups = try await store.duplicates(at: now)
        #expect(groups.map(\.kind) == [.sharedKey, .reusedKey, .severalValid])
        #expect(groups.map(\.common) == [shared, reused, "a/5"])
        #expect(groups.map(\.count) == [2, 2, 2])
        #expect(groups.allSatisfy { $0.certificates.count == 2 })
    }

    @Test func expiryIsCounted() async throws {
        let store = try fixture.store()
        let days = [-400, -1, 0, 6, 7, 8, 29, 60, 91, 5000]
        try await write(
            store, days.enumerated().map { ObservationFixture.certificate($0.offset, validDays: $0.element) })
        let counts = try await store.expiryCounts(days: [7, 30, 90], at: now)
        #expect(counts == ExpiryCounts(expired: 2, within: [3, 2, 1], later: 2))
    }

    @Test func theInventoryIsBounded() async throws {
        let store = try fixture.store {
            $0.certificatesMax = 5
            $0.certificateDays = 100
        }
        // Long gone, expired lately, and valid ones, the older seen earlier.
        try await write(
            store,
            [
                ObservationFixture.certificate(1, validDays: -200) { $0.lastSeen = now - 200 * 86_400 },
                ObservationFixture.certificate(2, validDays: -200),
                ObservationFixture.certificate(3, validDays: -1),
            ] + (10..<16).map { number in ObservationFixture.certificate(number) { $0.lastSeen = now + Int64(number) } }
        )
        #expect(try await store.prune(at: now) == 4)
        #expect(try await numbers(store).sorted() == [11, 12, 13, 14, 15])
    }

    @Test func aFingerprintOfAnotherLengthIsNotTaken() async throws {
        let store = try fixture.store()
        try await write(store, [ObservationFixture.certificate(1) { $0.fingerprint = "ab" }])
        #expect(try await numbers(store).isEmpty)
    }
}
