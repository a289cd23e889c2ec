import FleetPolicy
import Testing

@Suite struct SerialNumberSetTests {
    private struct Terms: Hashable {
        let reason: RevocationReason
        let revokedAt: Int64
    }

    private func terms(_ set: SerialNumberSet, _ serial: [UInt8]) -> Terms? {
        set[serial].map { Terms(reason: $0.reason, revokedAt: $0.revokedAt) }
    }

    private func insert(
        _ serial: [UInt8], _ reason: RevocationReason, _ revokedAt: Int64, into set: inout SerialNumberSet,
        isTaken expected: Bool = true
    ) {
        let isTaken = set.insert(serial, reason: reason, revokedAt: revokedAt)
        #expect(isTaken == expected)
    }

    @Test func anEmptySetHasNothing() {
        for set in [SerialNumberSet(), SerialNumberSet(minimumCapacity: 0), SerialNumberSet(minimumCapacity: 100)] {
            #expect(set.count == 0)
            for serial in [[], [0], [1], Array(repeating: 0xFF, count: 100)] as [[UInt8]] {
                #expect(set[serial] == nil)
            }
        }
    }

    @Test func leadingZerosAreDropped() {
        var set = SerialNumberSet()
        insert([0, 0, 5], .keyCompromise, 1, into: &set)
        insert([5], .superseded, 2, into: &set)
        insert([0], .unspecified, 3, into: &set)
        insert([0, 0], .certificateHold, 4, into: &set)
        #expect(set.count == 2)
        #expect(self.terms(set, [5]) == Terms(reason: .superseded, revokedAt: 2))
        #expect(self.terms(set, []) == Terms(reason: .certificateHold, revokedAt: 4))
        // Asked for as certificates have it.
        #expect(set[[0, 5]] == nil)
    }

    @Test func serialNumbersOfTheSameOctetsInAnotherNumberAreOthers() {
        var set = SerialNumberSet()
        for length in 1...21 {
            insert(Array(repeating: 1, count: length), .unspecified, Int64(length), into: &set)
        }
        #expect(set.count == 21)
        for length in 1...21 { #expect(set[Array(repeating: 1, count: length)]?.revokedAt == Int64(length)) }
        #expect(set[Array(repeating: 1, count: 22)] == nil)
    }

    @Test func whatIsTooLongIsNotTaken() {
        var set = SerialNumberSet()
        insert(Array(repeating: 1, count: 22), .unspecified, 0, into: &set, isTaken: false)
        insert(Array(repeating: 1, count: 100_000), .unspecified, 0, into: &set, isTaken: false)
        insert([0, 0, 0] + Array(repeating: 1, count: 21), .unspecified, 0, into: &set)
        #expect(set.count == 1)
    }

    @Test(
        arguments: [
            0, 1, -1, 1_767_225_600, 253_402_300_799, -62_167_219_200, 549_755_813_887, -549_755_813_888,
        ] as [Int64])
    func timesAreKept(_ time: Int64) {
        var set = SerialNumberSet()
        insert([1], .keyCompromise, time, into: &set)
        #expect(self.terms(set, [1]) == Terms(reason: .keyCompromise, revokedAt: time))
    }

    @Test func timesBeyondAllCalendarsAreCut() {
        var set = SerialNumberSet()
        insert([1], .unspecified, .max, into: &set)
        insert([2], .unspecified, .min, into: &set)
        #expect(set[[1]]?.revokedAt == 549_755_813_887)
        #expect(set[[2]]?.revokedAt == -549_755_813_888)
    }

    @Test(arguments: RevocationReason.allCases)
    func reasonsAreKept(_ reason: RevocationReason) {
        var set = SerialNumberSet()
        insert([1], reason, -5, into: &set)
        #expect(self.terms(set, [1]) == Terms(reason: reason, revokedAt: -5))
    }

    @Test func copiesAreValues() {
        var first = SerialNumberSet()
        insert([1], .unspecified, 1, into: &first)
        var second = first
        insert([2], .unspecified, 2, into: &second)
        insert([1], .superseded, 9, into: &second)
        #expect(first.count == 1 && second.count == 2)
        #expect(first[[2]] == nil)
        #expect(first[[1]]?.revokedAt == 1)
    }

    /// Against a Dictionary: short serial numbers that come again and long ones that do not.
    @Test(arguments: [0, 10, 5_000, .max])
    func agreesWithADictionary(capacity: Int) {
        var generator = SystemRandomNumberGenerator()
        var set = SerialNumberSet(minimumCapacity: capacity)
        var expected: [[UInt8]: Terms] = [:]
        func serial() -> [UInt8] {
            let length = Bool.random(using: &generator) ? 1 : Int.random(in: 0...21, using: &generator)
            return (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
        for step in 0..<20_000 {
            let serial = serial()
            let terms = Terms(
                reason: RevocationReason.allCases.randomElement(using: &generator) ?? .unspecified,
                revokedAt: Int64.random(in: -1_000_000_000...4_000_000_000, using: &generator))
            insert(serial, terms.reason, terms.revokedAt, into: &set)
            expected[Array(serial.drop { $0 == 0 })] = terms
            if step % 1_000 == 0 { #expect(set.count == expected.count) }
        }
        #expect(set.count == expected.count)
        for (serial, terms) in expected { #expect(self.terms(set, serial) == terms) }
        var walked: [[UInt8]: Terms] = [:]
        func note(_ serial: ArraySlice<UInt8>, _ reason: RevocationReason, _ revokedAt: Int64) {
            walked[Array(serial)] = Terms(reason: reason, revokedAt: revokedAt)
        }
        set.visit(note)
        #expect(walked == expected)
        for _ in 0..<20_000 {
            let serial = Array(serial().drop { $0 == 0 })
            #expect(self.terms(set, serial) == expected[serial])
        }
    }

    /// Enough for several pieces of memory and many growths.
    @Test func manyAreFound() {
        var set = SerialNumberSet()
        func serial(_ number: Int) -> [UInt8] {
            (0..<20).map {
                UInt8(truncatingIfNeeded: $0 < 4 ? number >> (8 * $0) : number &* ($0 | 1)) | ($0 == 0 ? 1 : 0)
            }
        }
        let count = 120_000
        for number in 0..<count {
            insert(serial(2 * number), .unspecified, Int64(number), into: &set)
        }
        #expect(set.count == count)
        #expect((0..<count).allSatisfy { set[serial(2 * $0)]?.revokedAt == Int64($0) })
        #expect((0..<count).allSatisfy { set[serial(2 * ($0 + count))] == nil })
    }
}
