import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct TicketKeySetTests {
    private let schedule = TicketKeySet.Schedule(interval: .seconds(3600), lifetime: .seconds(600))
    private let start: Int64 = 1_000_000

    private func fresh() -> TicketKeySet {
        var keys = TicketKeySet([])
        let changed = keys.maintain(schedule, now: start)
        #expect(changed)
        return keys
    }

    @Test func thereIsAKeyThatSealsAndTheNext() throws {
        let keys = fresh()
        #expect(keys.keys.count == 2)
        let sealing = try #require(keys.sealing(at: start))
        let next = try #require(keys.keys.last)
        #expect(sealing.notBefore == start && next.notBefore == start + 3600)
        #expect(sealing.notAfter == start + 3600 + 600 + 300)
        #expect(sealing.identifier != next.identifier && sealing.secret != next.secret)
        #expect(keys.usable(at: start).map(\.identifier) == [sealing.identifier, next.identifier])
    }

    @Test func nothingIsDoneThatIsNotDue() {
        var keys = fresh()
        for now in [start, start + 3599] {
            let changed = keys.maintain(schedule, now: now)
            #expect(!changed)
        }
    }

    @Test func rotationNeverLeavesATicketWithoutItsKey() throws {
        var keys = fresh()
        var now = start
        for _ in 0..<200 {
            let before = try #require(keys.sealing(at: now))
            // A ticket that was sealed now is good for its lifetime.
            for later in [now, now + 300, now + 600] {
                var then = keys
                _ = then.maintain(schedule, now: later)
                #expect(then.usable(at: later).contains { $0.identifier == before.identifier })
            }
            now += 137
            _ = keys.maintain(schedule, now: now)
            #expect(keys.sealing(at: now) != nil)
            #expect(keys.keys.contains { $0.notBefore > now })
            #expect(keys.keys.count <= 4)
        }
    }

    @Test func aKeyIsAnnouncedBeforeItSeals() throws {
        var keys = fresh()
        // The gateways were all off for long: the next key has to be made known first.
        let now = start + 3600 + 1200
        _ = keys.maintain(schedule, now: now)
        let next = try #require(keys.keys.last)
        #expect(next.notBefore >= now + 300)
    }

    @Test func clocksMayDiffer() throws {
        let keys = fresh()
        // The gateway ahead seals with the next key already; the one behind opens that.
        let ahead = try #require(keys.sealing(at: start + 3600))
        #expect(keys.usable(at: start + 3600 - 300).contains { $0.identifier == ahead.identifier })
        // And the other way round.
        let behind = try #require(keys.sealing(at: start + 3599))
        #expect(keys.usable(at: start + 3600 + 600 + 299).contains { $0.identifier == behind.identifier })
    }

    @Test func rotationByHandTakesTheNextKey() throws {
        var keys = fresh()
        let (old, next) = (try #require(keys.keys.first), try #require(keys.keys.last))
        keys.rotate(schedule, now: start + 10)
        #expect(keys.sealing(at: start + 10)?.identifier == next.identifier)
        #expect(keys.usable(at: start + 10).contains { $0.identifier == old.identifier })
        #expect(keys.keys.count == 3)
    }

    @Test func replacingForgetsAll() {
        var keys = fresh()
        let before = Set(keys.keys.map(\.identifier))
        keys.replace(schedule, now: start)
        #expect(keys.keys.count == 2 && before.isDisjoint(with: keys.keys.map(\.identifier)))
    }

    @Test func howeverOftenItIsRotatedThereIsABound() {
        var keys = fresh()
        for second in 0..<100 { keys.rotate(schedule, now: start + Int64(second)) }
        #expect(keys.keys.count == TicketKeySet.keysMax)
        #expect(keys.sealing(at: start + 99) != nil)
    }

    @Test func withoutAKeyThatSealsThereIsNone() {
        let future = TicketKeySet([.random(notBefore: start + 10, notAfter: start + 20)])
        #expect(future.usable(at: start).isEmpty)
        #expect(future.usable(at: start + 20).isEmpty)
        #expect(future.usable(at: start + 10).count == 1)
    }

    @Test func secretsAreNotPrinted() {
        let key = TicketKey.random(notBefore: 0, notAfter: 1)
        var text = ""
        dump(key, to: &text)
        for shown in ["\(key)", String(reflecting: key), text, "\(TicketKeySet([key]))"] {
            #expect(!shown.contains(key.secret.map { String($0) }.joined(separator: ", ")))
            #expect(!shown.contains(key.secret.map { String($0, radix: 16) }.joined()))
            #expect(!shown.contains("secret"))
        }
    }
}
