import Testing

@testable import DeviceRegistry

@Suite struct JournalTests {
    private let fixture: ObservationFixture
    private let now = ObservationFixture.now

    init() throws { fixture = try ObservationFixture() }

    private func write(_ store: ObservationStore, _ records: [JournalRecord], at: Int64? = nil) async throws {
        for record in records { store.record(record) }
        try await store.flush(at: at ?? now)
    }

    @Test func theSameFailureIsOneRow() async throws {
        let store = try fixture.store()
        try await write(store, (0..<100).map { ObservationFixture.failure(at: now + $0) })
        try await write(store, (0..<100).map { ObservationFixture.failure(at: now + 200 + $0) })
        let rows = try await store.journal(JournalQuery())
        #expect(rows.count == 1)
        #expect(rows.first?.count == 200)
        #expect(rows.first?.first == now)
        #expect(rows.first?.last == now + 299)
        #expect(store.counts.journalRows == 1)
        #expect(store.counts.journalRepeated == 199)
    }

    @Test func anotherCauseIsAnotherRow() async throws {
        let store = try fixture.store()
        let a = String(repeating: "a", count: 64)
        try await write(
            store,
            [
                ObservationFixture.failure(), ObservationFixture.failure("192.0.2.8"),
                ObservationFixture.failure(reason: "expired"), ObservationFixture.failure(fingerprint: a),
                ObservationFixture.failure { $0.listener = "other" },
            ])
        #expect(try await store.journal(JournalQuery()).count == 5)
    }

    @Test func afterTheWindowANewRowBegins() async throws {
        let store = try fixture.store { $0.sameFailureSeconds = 60 }
        try await write(store, [ObservationFixture.failure(at: now)])
        try await write(store, [ObservationFixture.failure(at: now + 60)])
        try await write(store, [ObservationFixture.failure(at: now + 61)])
        #expect(try await store.journal(JournalQuery()).map(\.count) == [1, 2])
    }

    @Test func oneAddressCannotFillTheDisk() async throws {
        let store = try fixture.store { $0.journalRowsPerAddressMinute = 5 }
        // A scanner with a new certificate for each connection, and an honest device.
        let scan = (0..<1000).map { ObservationFixture.failure("203.0.113.1", fingerprint: Self.fingerprint($0)) }
        try await write(store, scan + [ObservationFixture.failure()])
        let rows = try await store.journal(JournalQuery())
        #expect(rows.count == 7)
        #expect(rows.filter { $0.address == "203.0.113.1" }.count == 5)
        let sum = try #require(rows.first { $0.reason == JournalRecord.suppressedReason })
        #expect(sum.count == 995)
        #expect(store.counts.journalSuppressed == 995)
        #expect(rows.contains { $0.address == "192.0.2.7" })
    }

    @Test func oneIPv6SubscriberIsOneAddress() async throws {
        let store = try fixture.store { $0.journalRowsPerAddressMinute = 5 }
        try await write(
            store, (0..<100).map { ObservationFixture.failure("2001:db8::\(String($0, radix: 16))") })
        #expect(try await store.journal(JournalQuery()).count == 6)
    }

    @Test func manyAddressesCannotFillTheDisk() async throws {
        let store = try fixture.store { $0.journalRowsPerMinute = 50 }
        let storm = (0..<2000).map { ObservationFixture.failure("10.0.\($0 / 200).\($0 % 200)") }
        try await write(store, storm)
        #expect(try await store.journal(JournalQuery()).count == 51)
        // The next minute has room again; what was summed up stays one row.
        try await write(store, storm.map { $0 }, at: now + 60)
        let rows = try await store.journal(JournalQuery())
        #expect(rows.count == 101)
        #expect(rows.filter { $0.reason == JournalRecord.suppressedReason }.count == 1)
    }

    @Test func whatWaitsIsBoundedAndCounted() async throws {
        let store = try fixture.store { $0.waitingMax = 10 }
        for index in 0..<25 { store.record(ObservationFixture.failure("10.0.0.\(index)")) }
        for index in 0..<5 { store.record(ObservationFixture.certificate(index)) }
        // What is there already takes no more room.
        store.record(ObservationFixture.failure("10.0.0.0"))
        #expect(store.counts.dropped == 20)
        try await store.flush(at: now)
        #expect(try await store.journal(JournalQuery()).map(\.count).reduce(0, +) == 11)
    }

    @Test func rowsAndAgeAreBounded() async throws {
        let store = try fixture.store {
            $0.journalRowsMax = 10
            $0.journalDays = 30
            $0.journalRowsPerAddressMinute = 1000
        }
        let day: Int64 = 86_400
        for index in 0..<40 {
            try await write(
                store, [ObservationFixture.failure("10.0.0.\(index)", at: now + Int64(index) * day)],
                at: now + Int64(index) * day)
        }
        #expect(try await store.prune(at: now + 40 * day) == 30)
        let rows = try await store.journal(JournalQuery())
        #expect(rows.count == 10)
        #expect(rows.last?.address == "10.0.0.30")
        #expect(try await store.prune(at: now + 100 * day) == 10)
        #expect(try await store.journalCount() == 0)
    }

    @Test func whatAPeerSendsIsCut() async throws {
        let store = try fixture.store()
        let long = String(repeating: "ü", count: 100_000)
        let record = ObservationFixture.failure(String(repeating: "9", count: 5000)) {
            $0.detail = long
            $0.hint = long
            $0.certificate = JournalRecord.Certificate(
                fingerprint: Self.fingerprint(1), subject: long, alternativeNames: Array(repeating: long, count: 100),
                issuer: long, serialNumber: long)
            $0.offer = JournalRecord.Offer(
                serverName: long, applicationProtocols: [long], versions: [long],
                cipherSuites: Array(repeating: "TLS_X", count: 10_000), groups: [long])
        }
        try await write(store, [record])
        let row = try #require(try await store.journal(JournalQuery()).first)
        #expect(row.detail.utf8.count <= 1024)
        #expect(row.certificate?.subject.utf8.count ?? 0 <= 1024)
        #expect(row.certificate?.alternativeNames.count == 17)
        #expect(row.offer?.cipherSuites.count == 64)
        #expect(row.address.utf8.count <= 96)
    }

    @Test func aRowComesBackAsItWas() async throws {
        let store = try fixture.store()
        let record = ObservationFixture.failure(fingerprint: Self.fingerprint(9)) {
            $0.hint = "h"
            $0.alert = "sent unknown_ca"
            $0.device = "a/b"
            $0.offer = JournalRecord.Offer(
                serverName: "s", applicationProtocols: ["mqtt"], versions: ["TLS 1.1"], cipherSuites: ["X"],
                groups: ["x25519"])
        }
        try await write(store, [record])
        var expected = record
        expected.id = 1
        expected.certificate?.serialNumber = "ab"
        #expect(try await store.journal(JournalQuery()) == [expected])
    }

    @Test func theInventoryCompletesWhatIsKnownByItsFingerprintOnly() async throws {
        let store = try fixture.store()
        store.record(ObservationFixture.certificate(5))
        try await store.flush(at: now)
        let known = ObservationFixture.certificate(5)
        let refused = ObservationFixture.failure(reason: "bad-password") {
            $0.certificate = JournalRecord.Certificate(fingerprint: known.fingerprint)
        }
        try await write(store, [refused])
        #expect(try await store.journal(JournalQuery()).first?.certificate?.subject == "CN=meter-5")
    }

    @Test func theJournalIsSearched() async throws {
        let store = try fixture.store()
        try await write(
            store,
            [
                ObservationFixture.failure("10.0.0.1", fingerprint: Self.fingerprint(1), at: now - 100),
                ObservationFixture.failure("10.0.0.2", reason: "expired", at: now),
                ObservationFixture.failure("10.1.0.3", reason: "bad-password") { $0.device = "hamburg/meter-4711" },
                ObservationFixture.failure("10.1.0.4", reason: "x") { $0.device = "100%_sure\\" },
            ])
        func addresses(_ change: (inout JournalQuery) -> Void) async throws -> [String] {
            var query = JournalQuery()
            change(&query)
            return try await store.journal(query).map(\.address)
        }
        #expect(try await addresses { $0.device = "METER-4711" } == ["10.1.0.3", "10.0.0.1"])
        #expect(try await addresses { $0.device = "m.example" } == ["10.0.0.1"])
        #expect(try await addresses { $0.subject = "ou=nord" } == ["10.0.0.1"])
        #expect(try await addresses { $0.serialNumber = "0A:B" } == ["10.0.0.1"])
        #expect(try await addresses { $0.address = "10.1." } == ["10.1.0.4", "10.1.0.3"])
        #expect(try await addresses { $0.reason = "expired" } == ["10.0.0.2"])
        #expect(try await addresses { $0.since = now } == ["10.1.0.4", "10.1.0.3", "10.0.0.2"])
        #expect(try await addresses { $0.limit = 1 } == ["10.1.0.4"])
        #expect(try await addresses { $0.after = 2 } == ["10.1.0.3", "10.1.0.4"])
        #expect(try await addresses { $0.before = 2 } == ["10.0.0.1"])
        // What stands for other text in SQL stands for itself here.
        #expect(try await addresses { $0.device = "%_s" } == ["10.1.0.4"])
        #expect(try await addresses { $0.device = "sure\\" } == ["10.1.0.4"])
        #expect(try await addresses { $0.device = "' OR 1=1 --" } == [])
        #expect(try await addresses { $0.limit = -5 }.count == 1)
    }

    private static func fingerprint(_ number: Int) -> String {
        ObservationFixture.certificate(number).fingerprint
    }
}
