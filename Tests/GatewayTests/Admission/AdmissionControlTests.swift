internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("AdmissionControl")
struct AdmissionControlTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let idle = ConnectionCounts()

    private func address(_ number: Int) throws -> SourceAddress {
        let text = "10.\(number >> 16 & 0xFF).\(number >> 8 & 0xFF).\(number & 0xFF)"
        return SourceAddress(try SocketAddress(ipAddress: text, port: 1))
    }

    private func control(
        rate: Double = 1, burst: Double = 2, addresses: Int = 8, connections: Int = 100, handshakes: Int = 100,
        eventLoops: Int = 1
    ) -> AdmissionControl {
        let limits = GatewayLimits(
            connectionsMax: connections, handshakesInFlightMax: handshakes, connectionsPerAddressPerSecond: rate,
            connectionsPerAddressBurst: burst, addressesTrackedMax: addresses
        )
        return AdmissionControl(limits: limits, eventLoops: eventLoops, now: self.start)
    }

    @Test("each address has a bucket of its own")
    func ownBucket() throws {
        var control = self.control()
        let first = try (0..<3).map { _ in control.judge(try self.address(1), counts: self.idle, now: self.start) }
        let second = control.judge(try self.address(2), counts: self.idle, now: self.start)
        let later = control.judge(try self.address(1), counts: self.idle, now: self.start + .seconds(1))
        #expect(first == [nil, nil, .addressRate])
        #expect(second == nil)
        #expect(later == nil)
    }

    @Test("a full house refuses everybody, before the address spends a token")
    func totalConnections() throws {
        var control = self.control(connections: 1)
        let counts = ConnectionCounts()
        counts.opened()
        counts.handshakeEnded()
        for _ in 0..<10 {
            let refusal = control.judge(try self.address(1), counts: counts, now: self.start)
            #expect(refusal == .tooManyConnections)
        }
        counts.closed()
        let after = try (0..<3).map { _ in control.judge(try self.address(1), counts: counts, now: self.start) }
        #expect(after == [nil, nil, .addressRate])
        #expect(control.addressesTracked == 1)
    }

    @Test("an address that never finishes a handshake has half of them, and the others the other half")
    func handshakesOfOneAddress() throws {
        var control = self.control(rate: 100, burst: 100, handshakes: 8)
        let silent = try self.address(1)
        for _ in 0..<4 {
            #expect(control.judge(silent, counts: self.idle, now: self.start) == nil)
            control.handshakeBegan(silent)
        }
        #expect(control.judge(silent, counts: self.idle, now: self.start) == .tooManyHandshakesFromAddress)
        #expect(control.judge(try self.address(2), counts: self.idle, now: self.start) == nil)
        control.handshakeEnded(silent)
        #expect(control.judge(silent, counts: self.idle, now: self.start) == nil)
    }

    @Test("too many handshakes refuse everybody, and remember nobody")
    func totalHandshakes() throws {
        var control = self.control(handshakes: 1)
        let counts = ConnectionCounts()
        counts.opened()
        for number in 0..<50 {
            let refusal = control.judge(try self.address(number), counts: counts, now: self.start)
            #expect(refusal == .tooManyHandshakes)
        }
        #expect(control.addressesTracked == 0)
        counts.handshakeEnded()
        let after = control.judge(try self.address(1), counts: counts, now: self.start)
        #expect(after == nil)
    }

    @Test("an attacker with many addresses fills the table to its bound and no further")
    func bounded() throws {
        var control = self.control(addresses: 8)
        for number in 0..<5_000 {
            _ = control.judge(try self.address(number), counts: self.idle, now: self.start)
            #expect(control.addressesTracked <= 8)
        }
        #expect(control.addressesTracked == 8)
    }

    @Test("unknown addresses share one bucket when the table is full, and known ones keep theirs")
    func overflow() throws {
        var control = self.control(burst: 2, addresses: 2)
        for number in [1, 2] { _ = control.judge(try self.address(number), counts: self.idle, now: self.start) }
        let strangers = try (10..<14).map { number in
            control.judge(try self.address(number), counts: self.idle, now: self.start)
        }
        let known = control.judge(try self.address(1), counts: self.idle, now: self.start)
        #expect(strangers == [nil, nil, .addressRate, .addressRate])
        #expect(known == nil)
    }

    @Test("quiet addresses are forgotten, busy ones are not")
    func sweep() throws {
        var control = self.control(rate: 1, burst: 2, addresses: 4)
        for number in 1...4 { _ = control.judge(try self.address(number), counts: self.idle, now: self.start) }
        let soon = self.start + .milliseconds(1_500)
        // Address 1 comes again, and its bucket is not full at the sweep.
        _ = control.judge(try self.address(1), counts: self.idle, now: soon)
        _ = control.judge(try self.address(1), counts: self.idle, now: soon)
        let newcomer = control.judge(try self.address(9), counts: self.idle, now: soon)
        let busy = control.judge(try self.address(1), counts: self.idle, now: soon)
        #expect(newcomer == nil)
        #expect(control.addressesTracked == 2)
        #expect(busy == .addressRate)
    }

    @Test("the sweep runs at most once a second")
    func sweepRate() throws {
        var control = self.control(rate: 1_000, burst: 1, addresses: 2)
        for number in [1, 2] { _ = control.judge(try self.address(number), counts: self.idle, now: self.start) }
        // Both are full again here, yet the last sweep is less than a second ago.
        _ = control.judge(try self.address(3), counts: self.idle, now: self.start + .milliseconds(999))
        #expect(control.addressesTracked == 2)
        _ = control.judge(try self.address(4), counts: self.idle, now: self.start + .seconds(1))
        #expect(control.addressesTracked == 1)
    }

    @Test("event loops share an address's rate, and each keeps at least one token and one address")
    func shares() throws {
        var control = self.control(rate: 8, burst: 8, addresses: 8, eventLoops: 4)
        let judged = try (0..<3).map { _ in control.judge(try self.address(1), counts: self.idle, now: self.start) }
        #expect(judged == [nil, nil, .addressRate])

        var starved = self.control(rate: 1, burst: 1, addresses: 2, eventLoops: 64)
        let first = starved.judge(try self.address(1), counts: self.idle, now: self.start)
        #expect(first == nil)
        #expect(starved.addressesTracked == 1)
    }

    @Test("refusals have stable names")
    func names() {
        #expect(
            AdmissionRefusal.allCases.map(\.rawValue) == [
                "too-many-connections", "too-many-handshakes", "too-many-handshakes-from-address", "address-rate",
                "audit-unavailable", "shutting-down",
            ]
        )
    }
}
