/// Finds certificates that are in use in two places at once, from where sessions come and how they end.
///
/// A device is in one place. A key that was copied is in two: either the two take the session from each other, to and
/// fro, or both have one. Signs are weighed and added up within ``CloneThresholds/windowSeconds``:
///
/// * 2 points: a session from a network that was in use before within the window (a *return*), while the other network
///   still had a session or lost it to this one. Both want it.
/// * 1 point: a return after the session in the other network had ended by itself. Devices that connect for each
///   message do so, but so does one at the edge of two networks. When the window holds more than
///   ``poolNetworksMin`` networks it counts nothing: the addresses are those of a carrier's pool.
/// * 4 points: a sign of life (DISCONNECT, orderly end) from a network ``CloneThresholds/overlapSeconds`` or more after
///   a session from another began. A device that has moved cannot speak from where it was.
///
/// 12 points (``CloneThresholds/pointsMin``) make a suspicion: six changes to and fro in ten minutes with both sides
/// contending, or twelve without. Two networks with sessions for ``CloneThresholds/simultaneousSeconds`` make one too.
///
/// What does not: A device that roams goes on and seldom comes back; one that loses its Wi-Fi now and then makes some
/// returns in an hour. NAT rebinding changes port or address, at times the /24, but not to and fro. Dual stack: networks
/// are compared within IPv4 and within IPv6 only. A session that is left behind by a device that moved gives no sign of
/// life, and ends before two hours are over. What is not found: one copy that uses IPv4 only and one that uses IPv6
/// only, and copies behind one /24 or /48.
///
/// A value: whoever holds it says when. Bounded: certificates by ``CloneThresholds/certificatesMax``, and of each no
/// more than ``networksMax`` networks, ``sessionsMax`` sessions and ``signsMax`` signs.
public struct CloneDetector: Sendable {
    /// How a session ended.
    public enum Ending: Sendable, Hashable {
        /// By the device's own word: DISCONNECT, or the orderly end of its connection.
        case byDevice
        /// Another session took its place.
        case displaced
        /// Anything else: time-outs, the broker, the operator.
        case other
    }

    static let networksMax = 8
    static let sessionsMax = 8
    static let signsMax = 16
    /// More networks than this in the window are those of a carrier's address pool.
    static let poolNetworksMin = 3
    /// Seconds within which a session that was displaced was so by the one that begins.
    static let displacedSeconds: Int64 = 5
    /// Seconds between two signs of one certificate.
    static let signIntervalSeconds: Int64 = 60

    private struct Session {
        let connection: UInt64
        let network: ClientNetwork
        let began: Int64
    }

    private struct Visit {
        let network: ClientNetwork
        var last: Int64
    }

    private struct Entry {
        var sessions: [Session] = []
        /// The latest last.
        var visits: [Visit] = []
        var points: [(at: Int64, weight: Int)] = []
        var displaced: (network: ClientNetwork, at: Int64)?
        var lastSign: Int64?
        var last: Int64 = 0
    }

    private var entries: [[UInt8]: Entry] = [:]
    /// Certificates with sessions in two networks of one family.
    private var spread: Set<[UInt8]> = []
    public let thresholds: CloneThresholds
    /// Sessions that were not watched, because there were too many certificates.
    public private(set) var unwatched = 0

    public init(thresholds: CloneThresholds = CloneThresholds()) {
        self.thresholds = thresholds
    }

    /// Certificates watched.
    public var count: Int { entries.count }

    /// A session began.
    ///
    /// - Parameters:
    ///   - fingerprint: SHA-256 of its certificate.
    ///   - now: Seconds since 1970-01-01T00:00:00Z.
    public mutating func began(
        _ fingerprint: [UInt8], from network: ClientNetwork, connection: UInt64, at now: Int64
    ) -> CloneSign? {
        // Room is made by `check`: looking for it here would take long in a storm.
        guard entries[fingerprint] != nil || entries.count < thresholds.certificatesMax else {
            unwatched += 1
            return nil
        }
        var entry = entries[fingerprint] ?? Entry()
        forgetOld(&entry, at: now)
        let weight = weightOfReturn(to: network, entry, at: now)
        if weight > 0 { Self.append(&entry, weight, at: now) }
        Self.visit(&entry, network, at: now)
        if entry.sessions.count >= Self.sessionsMax { entry.sessions.removeFirst() }
        entry.sessions.append(Session(connection: connection, network: network, began: now))
        entry.last = now
        let sign = sign(of: &entry, fingerprint, at: now)
        put(entry, fingerprint)
        return sign
    }

    /// A session ended. One that is not known changes nothing.
    public mutating func ended(
        _ fingerprint: [UInt8], connection: UInt64, _ ending: Ending, at now: Int64
    ) -> CloneSign? {
        guard var entry = entries[fingerprint],
            let index = entry.sessions.firstIndex(where: { $0.connection == connection })
        else { return nil }
        let session = entry.sessions.remove(at: index)
        forgetOld(&entry, at: now)
        switch ending {
        case .byDevice:
            let isAlive = entry.sessions.contains {
                $0.network.family == session.network.family && $0.network != session.network
                    && $0.began > session.began && now - $0.began >= thresholds.overlapSeconds
            }
            if isAlive { Self.append(&entry, 4, at: now) }
            Self.visit(&entry, session.network, at: now, isNew: false)
        case .displaced:
            entry.displaced = (session.network, now)
            Self.visit(&entry, session.network, at: now, isNew: false)
        case .other:
            break
        }
        entry.last = now
        let sign = sign(of: &entry, fingerprint, at: now)
        put(entry, fingerprint)
        return sign
    }

    /// Looks for certificates with long-lived sessions in two networks, and forgets those that nothing is heard of. To
    /// be called about once a minute.
    public mutating func check(at now: Int64) -> [CloneSign] {
        forgetIdle(at: now)
        var signs: [CloneSign] = []
        for fingerprint in spread {
            guard var entry = entries[fingerprint], Self.mayBeSign(entry, at: now) else { continue }
            // Of each network the session that has been there longest.
            var oldest: [ClientNetwork: Session] = [:]
            for session in entry.sessions {
                if let known = oldest[session.network], known.began <= session.began { continue }
                oldest[session.network] = session
            }
            let lasting = oldest.values.filter { now - $0.began >= thresholds.simultaneousSeconds }
            for family in [ClientNetwork.Family.ipv4, .ipv6] {
                let sessions = lasting.filter { $0.network.family == family }.sorted { $0.began > $1.began }
                guard sessions.count > 1 else { continue }
                entry.lastSign = now
                entries[fingerprint] = entry
                signs.append(
                    CloneSign(
                        kind: .simultaneous, fingerprint: fingerprint, networks: sessions.map(\.network), at: now,
                        connections: sessions.map(\.connection)))
                break
            }
        }
        return signs
    }

    /// Forgets what was held against a certificate, such as when the operator clears it.
    public mutating func clear(_ fingerprint: [UInt8]) {
        guard var entry = entries[fingerprint] else { return }
        entry.points = []
        entry.lastSign = nil
        entry.visits = []
        entry.displaced = nil
        put(entry, fingerprint)
    }

    // MARK: Weights

    private func weightOfReturn(to network: ClientNetwork, _ entry: Entry, at now: Int64) -> Int {
        let visits = entry.visits.filter { $0.network.family == network.family }
        // The network it is in, or one it was not in before: it is where it was, or it has moved.
        guard let latest = visits.last, latest.network != network, visits.contains(where: { $0.network == network })
        else { return 0 }
        let isContended =
            entry.sessions.contains { $0.network.family == network.family && $0.network != network }
            || entry.displaced.map { $0.network != network && now - $0.at <= Self.displacedSeconds } ?? false
        if isContended { return 2 }
        return visits.count > Self.poolNetworksMin ? 0 : 1
    }

    private static func append(_ entry: inout Entry, _ weight: Int, at now: Int64) {
        if entry.points.count >= signsMax { entry.points.removeFirst() }
        entry.points.append((now, weight))
    }

    /// - Parameter isNew: Whether it is where the device is now.
    private static func visit(_ entry: inout Entry, _ network: ClientNetwork, at now: Int64, isNew: Bool = true) {
        if let index = entry.visits.firstIndex(where: { $0.network == network }) {
            entry.visits[index].last = now
            guard isNew else { return }
            entry.visits.append(entry.visits.remove(at: index))
        } else if isNew {
            if entry.visits.count >= networksMax { entry.visits.removeFirst() }
            entry.visits.append(Visit(network: network, last: now))
        }
    }

    private func sign(of entry: inout Entry, _ fingerprint: [UInt8], at now: Int64) -> CloneSign? {
        guard entry.points.reduce(0, { $0 + $1.weight }) >= thresholds.pointsMin, Self.mayBeSign(entry, at: now) else {
            return nil
        }
        entry.lastSign = now
        return CloneSign(
            kind: .alternating, fingerprint: fingerprint, networks: entry.visits.reversed().map(\.network), at: now,
            connections: [])
    }

    private static func mayBeSign(_ entry: Entry, at now: Int64) -> Bool {
        entry.lastSign.map { now - $0 >= signIntervalSeconds || now < $0 } ?? true
    }

    // MARK: Forgetting

    private func forgetOld(_ entry: inout Entry, at now: Int64) {
        entry.points.removeAll { now - $0.at > thresholds.windowSeconds }
        let live = Set(entry.sessions.map(\.network))
        entry.visits.removeAll { now - $0.last > thresholds.windowSeconds && !live.contains($0.network) }
    }

    private mutating func forgetIdle(at now: Int64) {
        let window = thresholds.windowSeconds
        entries = entries.filter { !$0.value.sessions.isEmpty || now - $0.value.last <= window }
        let entries = entries
        spread = spread.filter { entries[$0] != nil }
    }

    private mutating func put(_ entry: Entry, _ fingerprint: [UInt8]) {
        entries[fingerprint] = entry
        let networks = Set(entry.sessions.map(\.network))
        let isSpread = networks.count > 1
        if isSpread { spread.insert(fingerprint) } else { spread.remove(fingerprint) }
    }
}
