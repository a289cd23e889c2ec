import Testing

@testable import DeviceRegistry

@Suite struct CloneDetectorTests {
    private static let fingerprint = [UInt8](repeating: 7, count: 32)
    private static let home = "192.0.2.7:1"
    private static let away = "198.51.100.9:1"

    /// A certificate's life as a test writes it: what happens, how many seconds after the last.
    private enum Step {
        case begin(String, as: UInt64)
        case end(UInt64, CloneDetector.Ending)
        case check
    }

    /// The kinds of the signs that steps bring, each with how many seconds are between it and the one before.
    private static func signs(
        _ steps: [(Int64, Step)], _ thresholds: CloneThresholds = CloneThresholds()
    ) -> [CloneSign.Kind] {
        var detector = CloneDetector(thresholds: thresholds)
        var now: Int64 = 1_800_000_000
        return steps.flatMap { pause, step -> [CloneSign.Kind] in
            now += pause
            switch step {
            case .begin(let address, let id):
                guard let network = ClientNetwork(address: address) else { return [] }
                return [detector.began(fingerprint, from: network, connection: id, at: now)].compactMap { $0?.kind }
            case .end(let id, let ending):
                return [detector.ended(fingerprint, connection: id, ending, at: now)].compactMap { $0?.kind }
            case .check:
                return detector.check(at: now).map(\.kind)
            }
        }
    }

    /// Changes between addresses, the older session being displaced by each.
    private static func contention(_ addresses: [String], every seconds: Int64) -> [(Int64, Step)] {
        addresses.enumerated().flatMap { index, address -> [(Int64, Step)] in
            let id = UInt64(index)
            let displaced: [(Int64, Step)] = id == 0 ? [] : [(0, .end(id - 1, .displaced))]
            return [(seconds, .begin(address, as: id))] + displaced
        }
    }

    /// Sessions one after the other, each ended by the device before the next.
    private static func visits(_ addresses: [String], every seconds: Int64) -> [(Int64, Step)] {
        addresses.enumerated().flatMap { index, address -> [(Int64, Step)] in
            [(seconds, .begin(address, as: UInt64(index))), (1, .end(UInt64(index), .byDevice))]
        }
    }

    private static func alternating(_ addresses: [String], _ count: Int) -> [String] {
        (0..<count).map { addresses[$0 % addresses.count] }
    }

    // MARK: Thieves

    @Test func aThiefAndItsVictimTakeTheSessionFromEachOther() {
        // Two places, a change every 20 s: the seventh return is not waited for.
        let signs = Self.signs(Self.contention(Self.alternating([Self.home, Self.away], 8), every: 20))
        #expect(signs == [.alternating])
    }

    @Test func theOrderOfBeginAndDisplacementDoesNotMatter() {
        // The gateway says first that the old session has ended.
        let steps = Self.alternating([Self.home, Self.away], 8).enumerated().flatMap { index, address in
            let id = UInt64(index)
            let displaced: [(Int64, Step)] = id == 0 ? [] : [(20, .end(id - 1, .displaced))]
            return displaced + [(0, .begin(address, as: id))]
        }
        #expect(Self.signs(steps) == [.alternating])
    }

    @Test func twoThatConnectForEachMessageAreFound() {
        #expect(Self.signs(Self.visits(Self.alternating([Self.home, Self.away], 14), every: 15)) == [.alternating])
    }

    @Test func aSignIsNotRepeatedWithinAMinute() {
        let signs = Self.signs(Self.contention(Self.alternating([Self.home, Self.away], 60), every: 2))
        // 118 s of it.
        #expect(signs.count == 2)
    }

    @Test func twoThatLiveSideBySideAreFound() {
        let steps: [(Int64, Step)] = [
            (0, .begin(Self.home, as: 1)), (10, .begin(Self.away, as: 2)), (3600, .check), (3590, .check),
            (20, .check), (30, .check),
        ]
        #expect(Self.signs(steps) == [.simultaneous])
    }

    @Test func signsOfLifeFromWhereTheDeviceIsNotAddUp() {
        // Each time, the older session speaks two minutes after the newer began.
        let steps = (0..<3).flatMap { round -> [(Int64, Step)] in
            let id = UInt64(round * 2)
            return [
                (1, .begin(Self.home, as: id)), (1, .begin(Self.away, as: id + 1)), (120, .end(id, .byDevice)),
                (1, .end(id + 1, .other)),
            ]
        }
        // In the third round, and again more than a minute later.
        #expect(Self.signs(steps) == [.alternating, .alternating])
    }

    // MARK: Honest devices

    @Test func aDeviceThatRoamsIsNotAClone() {
        // A new network every 30 s, never the same: a vehicle, with the old session left behind each time.
        let addresses = (1...40).map { "10.0.\($0).1:1" }
        let steps = addresses.enumerated().map { (Int64(30), Step.begin($0.element, as: UInt64($0.offset))) }
        #expect(Self.signs(steps).isEmpty)
    }

    @Test func aDeviceAtTheEdgeOfItsWiFiIsNotAClone() {
        // Wi-Fi and mobile network in turn, every four minutes for two hours, with the old session left behind.
        let addresses = Self.alternating([Self.home, Self.away], 30)
        #expect(Self.signs(Self.contention(addresses, every: 240)).isEmpty)
    }

    @Test func commutingIsNotAClone() {
        let addresses = Self.alternating([Self.home, Self.away], 200)
        #expect(Self.signs(Self.contention(addresses, every: 30_000)).isEmpty)
    }

    @Test func anAddressThatChangesBehindNATIsNotAClone() {
        // Another port or another address of the /24 each time, as often as one likes.
        let addresses = (0..<200).map { "192.0.2.\($0):\(1000 + $0)" }
        #expect(Self.signs(Self.contention(addresses, every: 1)).isEmpty)
    }

    @Test func aCarriersPoolIsNotAClone() {
        // Every connection leaves by another of six networks; the device connects for each message.
        let addresses = Self.alternating((1...6).map { "10.9.\($0).1:1" }, 120)
        #expect(Self.signs(Self.visits(addresses, every: 5)).isEmpty)
    }

    @Test func dualStackIsNotAClone() {
        // IPv4 and IPv6 of one site in turn, every two seconds, and both at once for a day.
        let addresses = Self.alternating([Self.home, "[2001:db8:1::7]:1"], 200)
        #expect(Self.signs(Self.contention(addresses, every: 2)).isEmpty)
        let both: [(Int64, Step)] = [
            (0, .begin(Self.home, as: 1)), (0, .begin("[2001:db8:1::7]:1", as: 2)), (86_400, .check),
        ]
        #expect(Self.signs(both).isEmpty)
    }

    @Test func anotherIPv6PrefixOfOneSiteIsNotAClone() {
        let addresses = Self.alternating(["[2001:db8:1:1::7]:1", "[2001:db8:1:2::7]:1"], 100)
        #expect(Self.signs(Self.contention(addresses, every: 2)).isEmpty)
    }

    @Test func aSessionThatIsLeftBehindIsNotAClone() {
        let steps: [(Int64, Step)] = [
            (0, .begin(Self.home, as: 1)), (10, .begin(Self.away, as: 2)), (5400, .check), (1, .end(1, .other)),
            (90_000, .check),
        ]
        #expect(Self.signs(steps).isEmpty)
    }

    @Test func oneThatConnectsAnewBeforeItHangsUpIsNotAClone() {
        let steps = (0..<20).flatMap { round -> [(Int64, Step)] in
            let id = UInt64(round)
            let before: [(Int64, Step)] = id == 0 ? [] : [(5, .end(id - 1, .byDevice))]
            return [(400, .begin(round % 2 == 0 ? Self.home : Self.away, as: id))] + before
        }
        #expect(Self.signs(steps).isEmpty)
    }

    // MARK: Bounds

    @Test func noMoreCertificatesThanItsBoundAreWatched() throws {
        var thresholds = CloneThresholds()
        thresholds.certificatesMax = 10
        var detector = CloneDetector(thresholds: thresholds)
        let network = try #require(ClientNetwork(address: Self.home))
        for index in 0..<25 {
            _ = detector.began([UInt8(index)], from: network, connection: UInt64(index), at: 1000)
        }
        #expect(detector.count == 10)
        #expect(detector.unwatched == 15)
        // Those that are gone make room, when the window is over.
        for index in 0..<25 { _ = detector.ended([UInt8(index)], connection: UInt64(index), .other, at: 1001) }
        _ = detector.check(at: 1002)
        #expect(detector.count == 10)
        _ = detector.check(at: 1001 + thresholds.windowSeconds + 1)
        #expect(detector.count == 0)
    }

    @Test func oneCertificateTakesABoundedPlace() throws {
        var detector = CloneDetector()
        for index in 0..<10_000 {
            let network = try #require(ClientNetwork(address: "10.\(index / 256 % 256).\(index % 256).1"))
            _ = detector.began(Self.fingerprint, from: network, connection: UInt64(index), at: 1000)
        }
        #expect(detector.count == 1)
        // The latest sessions are the ones that are known.
        #expect(detector.ended(Self.fingerprint, connection: 0, .byDevice, at: 5000) == nil)
    }

    @Test func whatIsClearedHasToComeAnew() throws {
        var detector = CloneDetector()
        var now: Int64 = 1000
        func take(_ count: Int) throws -> Int {
            var signs = 0
            for index in 0..<count {
                now += 10
                let network = try #require(ClientNetwork(address: index % 2 == 0 ? Self.home : Self.away))
                if detector.began(Self.fingerprint, from: network, connection: UInt64(now), at: now) != nil {
                    signs += 1
                }
            }
            return signs
        }
        #expect(try take(8) == 1)
        detector.clear(Self.fingerprint)
        #expect(try take(6) == 0)
    }

    @Test func anEndThatIsNotKnownChangesNothing() {
        var detector = CloneDetector()
        #expect(detector.ended(Self.fingerprint, connection: 1, .byDevice, at: 0) == nil)
        #expect(detector.count == 0)
    }

    @Test func aClockThatGoesBackDoesNoHarm() throws {
        var detector = CloneDetector()
        let network = try #require(ClientNetwork(address: Self.home))
        for (index, at) in [5000, 10, 7000, -5].enumerated() {
            _ = detector.began(Self.fingerprint, from: network, connection: UInt64(index), at: Int64(at))
            _ = detector.check(at: Int64(at))
        }
        #expect(detector.count == 1)
    }
}
