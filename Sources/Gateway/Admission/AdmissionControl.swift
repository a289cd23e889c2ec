internal import NIOCore
internal import Synchronization

/// Why a connection was refused before any cryptography.
enum AdmissionRefusal: String, Sendable, CaseIterable {
    /// `GatewayLimits.connectionsMax` connections are open.
    case tooManyConnections = "too-many-connections"
    /// `GatewayLimits.handshakesInFlightMax` handshakes are in progress.
    case tooManyHandshakes = "too-many-handshakes"
    /// One address has its share of `GatewayLimits.handshakesInFlightMax` in progress.
    case tooManyHandshakesFromAddress = "too-many-handshakes-from-address"
    /// The address opened more connections than its rate allows.
    case addressRate = "address-rate"
    /// What has to be written down about sessions cannot be: the gate is closed, or events are being lost.
    case auditUnavailable = "audit-unavailable"
    /// The gateway is shutting down.
    case shuttingDown = "shutting-down"
}

/// The gateway-wide counts that admission looks at: shared by all event loops, changed by atomics only.
final class ConnectionCounts: Sendable {
    private let connections = Atomic<Int>(0)
    private let handshakes = Atomic<Int>(0)

    /// Connections accepted and not yet closed.
    var open: Int { self.connections.load(ordering: .relaxed) }

    /// Handshakes begun and not finished.
    var handshaking: Int { self.handshakes.load(ordering: .relaxed) }

    func opened() {
        self.connections.add(1, ordering: .relaxed)
        self.handshakes.add(1, ordering: .relaxed)
    }

    func handshakeEnded() { self.handshakes.subtract(1, ordering: .relaxed) }

    func closed() { self.connections.subtract(1, ordering: .relaxed) }
}

/// Decides, at accept and before any cryptography, whether a connection may begin its handshake.
///
/// One value for each event loop. The kernel spreads one address's connections over the loops by port number, so each
/// loop gives an address its share of the rate; the two totals are gateway-wide.
struct AdmissionControl {
    private let limits: GatewayLimits
    private let rate: Double
    private let burst: Double
    private let addressesMax: Int
    private let handshakesPerAddressMax: Int
    /// Handshakes in progress; an address without any has no entry, so the total bounds the table.
    private var handshakes: [SourceAddress: Int] = [:]
    private var buckets: [SourceAddress: TokenBucket] = [:]
    private var overflow: TokenBucket
    private var sweptAt: NIODeadline

    /// - Parameter eventLoops: how many loops share the limits; at least 1.
    init(limits: GatewayLimits, eventLoops: Int, now: NIODeadline) {
        self.limits = limits
        self.rate = limits.connectionsPerAddressPerSecond / Double(eventLoops)
        self.burst = max(1, limits.connectionsPerAddressBurst / Double(eventLoops))
        self.addressesMax = max(1, limits.addressesTrackedMax / eventLoops)
        // Half of all: a host that opens connections and says nothing must not keep everybody else out, and a fleet
        // behind one carrier's address must get in.
        self.handshakesPerAddressMax = max(1, limits.handshakesInFlightMax / 2 / eventLoops)
        self.overflow = TokenBucket(rate: self.rate, burst: self.burst, now: now)
        self.sweptAt = now
    }

    /// Addresses remembered now.
    var addressesTracked: Int { self.buckets.count }

    /// Judges one accepted connection. `nil` admits it.
    mutating func judge(_ address: SourceAddress, counts: ConnectionCounts, now: NIODeadline) -> AdmissionRefusal? {
        // The totals first: a connection refused for them must not spend its address's tokens.
        guard counts.open < self.limits.connectionsMax else { return .tooManyConnections }
        guard counts.handshaking < self.limits.handshakesInFlightMax else { return .tooManyHandshakes }
        guard self.handshakes[address, default: 0] < self.handshakesPerAddressMax else {
            return .tooManyHandshakesFromAddress
        }
        return self.takeToken(of: address, now: now) ? nil : .addressRate
    }

    /// A connection of this address begins its handshake.
    mutating func handshakeBegan(_ address: SourceAddress) {
        self.handshakes[address, default: 0] += 1
    }

    /// A handshake of this address is over, however it ended.
    mutating func handshakeEnded(_ address: SourceAddress) {
        guard let count = self.handshakes[address] else { return }
        self.handshakes[address] = count > 1 ? count - 1 : nil
    }

    private mutating func takeToken(of address: SourceAddress, now: NIODeadline) -> Bool {
        if self.buckets[address] == nil {
            self.forgetQuietAddresses(now: now)
            guard self.buckets.count < self.addressesMax else { return self.overflow.take(now: now) }
            self.buckets[address] = TokenBucket(rate: self.rate, burst: self.burst, now: now)
        }
        return self.buckets[address]?.take(now: now) ?? false
    }

    /// Drops full buckets, at most once a second, so that the sweep's cost does not grow with the rate of attack.
    private mutating func forgetQuietAddresses(now: NIODeadline) {
        guard self.buckets.count >= self.addressesMax / 2, now - self.sweptAt >= .seconds(1) else { return }
        self.sweptAt = now
        for (address, var bucket) in self.buckets where bucket.isFull(now: now) {
            self.buckets[address] = nil
        }
    }
}
