import FleetPolicy
import Testing

@testable import fleetgate

/// Which list of a CA wins.
@Suite struct AuthorityListsTests {
    private static let issuer = AuthorityID(Array(repeating: 7, count: 32))

    private func list(
        number: [UInt8] = [], at thisUpdate: Int64, until nextUpdate: Int64? = 10_000, _ serials: [UInt8] = [],
        scope: RevocationList.Scope = .all, points: [String] = [], hash: Int? = nil
    ) throws -> SignedList {
        var entries = SerialNumberSet()
        for serial in serials { _ = entries.insert([serial], reason: .superseded, revokedAt: 1) }
        return SignedList(
            issuer: try #require(Self.issuer), part: .init(scope: scope, distributionPoints: points),
            thisUpdate: thisUpdate, nextUpdate: nextUpdate, number: number, signatureAlgorithm: "x", entries: entries,
            contentHash: hash ?? [Int(thisUpdate), serials.hashValue, number.hashValue].hashValue)
    }

    private func reason(_ verdict: AuthorityLists.Verdict) -> String {
        switch verdict {
        case .adopted: "adopted"
        case .unchanged: "unchanged"
        case .refused(let problem): problem.reason
        }
    }

    /// What becomes of a second list after a first: their numbers, their times.
    @Test(
        arguments: [
            ([1], 100, [2], 200, "adopted"), ([1], 100, [2], 50, "adopted"), ([2], 100, [1], 50, "older-list"),
            ([2], 100, [1], 100, "older-list"), ([2], 100, [1], 200, "number-went-back"),
            ([255], 100, [1, 0], 200, "adopted"), ([1, 0], 100, [255], 50, "older-list"),
            ([1], 100, [1], 99, "older-list"),
            ([1], 100, [1], 101, "adopted"), ([], 100, [], 99, "older-list"), ([], 100, [], 101, "adopted"),
            ([], 100, [5], 99, "older-list"), ([5], 100, [], 99, "older-list"), ([5], 100, [], 101, "adopted"),
        ] as [([UInt8], Int64, [UInt8], Int64, String)])
    func theNewestWins(
        _ number: [UInt8], _ time: Int64, _ otherNumber: [UInt8], _ otherTime: Int64, _ outcome: String
    ) throws {
        var lists = AuthorityLists()
        #expect(lists.offer(try list(number: number, at: time, [1]), now: 1000) == .adopted)
        #expect(reason(lists.offer(try list(number: otherNumber, at: otherTime, [2]), now: 1000)) == outcome)
        let held = lists.combined
        #expect((held?.entries[[2]] != nil) == (outcome == "adopted"))
        #expect((held?.entries[[1]] != nil) == (outcome != "adopted"))
    }

    @Test func theSameListIsNoNews() throws {
        var lists = AuthorityLists()
        #expect(lists.offer(try list(at: 1, hash: 5), now: 10) == .adopted)
        #expect(lists.offer(try list(at: 1, hash: 5), now: 10) == .unchanged)
    }

    @Test func anotherListOfTheSameSecondTakesItsPlace() throws {
        var lists = AuthorityLists()
        #expect(lists.offer(try list(number: [1], at: 1, [1]), now: 10) == .adopted)
        #expect(lists.offer(try list(number: [1], at: 1, [2]), now: 10) == .adopted)
        #expect(lists.combined?.entries[[1]] == nil)
    }

    @Test func theFutureWaits() throws {
        var lists = AuthorityLists()
        #expect(reason(lists.offer(try list(at: 1301), now: 1000)) == "not-yet-valid")
        #expect(lists.combined == nil)
        #expect(lists.offer(try list(at: 1300), now: 1000) == .adopted)
        var extreme = AuthorityLists()
        #expect(reason(extreme.offer(try list(at: .max, until: nil), now: .max)) == "not-yet-valid")
        #expect(reason(extreme.offer(try list(at: .min, until: .min), now: .min)) == "bad-dates")
    }

    @Test func badDatesAreRefusedAndOldListsAreNot() throws {
        var lists = AuthorityLists()
        #expect(reason(lists.offer(try list(at: 100, until: 100), now: 1000)) == "bad-dates")
        #expect(reason(lists.offer(try list(at: 100, until: 99), now: 1000)) == "bad-dates")
        #expect(lists.offer(try list(at: 100, until: 200), now: 1000) == .adopted)
    }

    @Test func partsAreOneList() throws {
        var lists = AuthorityLists()
        #expect(lists.offer(try list(at: 1, until: 50, [1], scope: .userCertificates), now: 10) == .adopted)
        #expect(lists.combined?.scope == .userCertificates)
        #expect(lists.offer(try list(at: 2, until: 60, [2], scope: .authorityCertificates), now: 10) == .adopted)
        let both = try #require(lists.combined)
        #expect(both.scope == .all)
        #expect((both.entries.count, both.nextUpdate, both.thisUpdate) == (2, 50, 1))
        #expect(both.entries[[1]] != nil && both.entries[[2]] != nil)
    }

    @Test func placesAreParts() throws {
        var lists = AuthorityLists()
        _ = lists.offer(try list(at: 1, [1], points: ["http://a"]), now: 10)
        _ = lists.offer(try list(at: 2, [2], points: ["http://b"]), now: 10)
        _ = lists.offer(try list(at: 3, [3], points: ["http://b"]), now: 10)
        #expect(lists.combined?.entries.count == 2)
        #expect(lists.combined?.entries[[2]] == nil)
    }

    @Test func aCompleteListTakesThePlaceOfOlderParts() throws {
        var lists = AuthorityLists()
        _ = lists.offer(try list(at: 1, [1], points: ["a"]), now: 10)
        _ = lists.offer(try list(at: 9, [2], points: ["b"]), now: 10)
        #expect(lists.offer(try list(at: 5, [1]), now: 10) == .adopted)
        #expect(lists.parts.count == 2)
        #expect(reason(lists.offer(try list(at: 4, [7], points: ["c"]), now: 10)) == "older-list")
    }

    @Test func aCompleteListThatEndedGivesWayToParts() throws {
        var lists = AuthorityLists()
        _ = lists.offer(try list(at: 1, until: 20, [1]), now: 10)
        _ = lists.offer(try list(at: 5, until: 100, [2], points: ["b"]), now: 10)
        let early = lists.dropSuperseded(now: 20)
        let late = lists.dropSuperseded(now: 21)
        #expect(!early && late)
        #expect(lists.combined?.entries[[1]] == nil)
        let again = lists.dropSuperseded(now: 1000)
        #expect(!again)
    }

    @Test func thereAreNotTooManyParts() throws {
        var lists = AuthorityLists()
        for number in 0..<AuthorityLists.partsMax {
            #expect(lists.offer(try list(at: 1, [1], points: ["\(number)"]), now: 10) == .adopted)
        }
        #expect(reason(lists.offer(try list(at: 1, points: ["x"]), now: 10)) == "too-many-parts")
        #expect(lists.offer(try list(at: 2, [2], points: ["1"]), now: 10) == .adopted)
    }
}

@Suite struct ListScheduleTests {
    private func schedule(_ change: (inout RevocationSettings) -> Void = { _ in }) -> ListSchedule {
        var settings = RevocationSettings()
        change(&settings)
        return ListSchedule(settings)
    }

    @Test func asksBeforeTheEnd() {
        // A list of a day, an hour ahead of its end, and up to six minutes earlier.
        #expect(schedule().next(after: 0, [(0, 86_400)], attempts: 0, jitter: 0) == 82_800)
        #expect(schedule().next(after: 0, [(0, 86_400)], attempts: 0, jitter: 1) == 82_440)
    }

    @Test func asksInTheMiddleOfAShortLife() {
        #expect(schedule().next(after: 0, [(0, 600)], attempts: 0, jitter: 0) == 300)
    }

    @Test func asksOnceADayAtLeast() {
        #expect(schedule().next(after: 0, [(0, 30 * 86_400)], attempts: 0, jitter: 0) == 86_400)
        #expect(schedule().next(after: 0, [(0, nil)], attempts: 0, jitter: 0) == 86_400)
        #expect(schedule().next(after: 0, [], attempts: 0, jitter: 0) == 86_400)
    }

    @Test func theEarliestEndCounts() {
        #expect(schedule().next(after: 0, [(0, 86_400), (0, 40_000)], attempts: 0, jitter: 0) == 36_400)
    }

    /// A list whose successor is late is asked for at the pace of failures.
    @Test func doesNotAskWithoutPause() {
        #expect(schedule().next(after: 1000, [(0, 900)], attempts: 1, jitter: 0) == 1030)
        #expect(schedule().next(after: 1000, [(0, 900)], attempts: 3, jitter: 0) == 1120)
        #expect(schedule().next(after: 1000, [(0, 900)], attempts: 99, jitter: 0) == 4600)
    }

    @Test func waitsLongerAfterEachFailure() {
        let waits = (1...9).map { schedule().retry(after: 0, failures: $0, jitter: 0) }
        #expect(waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
        #expect(schedule().retry(after: 0, failures: 1, jitter: 1) == 37)
        #expect(schedule().retry(after: 0, failures: .max, jitter: 0) == 3600)
        #expect(schedule { $0.retryInterval = .seconds(7200) }.retry(after: 0, failures: 3, jitter: 0) == 7200)
    }

    @Test func anyTimeOfAListIsTaken() {
        for times in [(Int64.min, Int64.max), (.max, .min), (.max, .max), (.min, .min), (0, .max), (.min, 0)] {
            for now in [Int64.min, 0, .max] {
                _ = schedule().next(after: now, [(times.0, times.1)], attempts: 1, jitter: 1)
                _ = schedule().isAlarm(thisUpdate: times.0, nextUpdate: times.1, now: now)
            }
        }
    }

    @Test func theAlarmComesBeforeTheEnd() {
        #expect(!schedule().isAlarm(thisUpdate: 0, nextUpdate: 86_400, now: 84_599))
        #expect(schedule().isAlarm(thisUpdate: 0, nextUpdate: 86_400, now: 84_600))
        #expect(!schedule().isAlarm(thisUpdate: 0, nextUpdate: 400, now: 299))
        #expect(schedule().isAlarm(thisUpdate: 0, nextUpdate: 400, now: 300))
        #expect(!schedule().isAlarm(thisUpdate: 0, nextUpdate: nil, now: .max))
    }
}
