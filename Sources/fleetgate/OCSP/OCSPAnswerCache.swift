import FleetPolicy

/// Answers by certificate and bundle. A value. At most so many: the one used longest ago makes room.
struct OCSPAnswerCache: Sendable {
    struct Key: Sendable, Hashable {
        let certificate: CertificateID
        /// The anchor's bundle: its settings decide who is asked, and how long an answer holds.
        let bundle: String
    }

    struct Entry: Sendable {
        let standing: OCSPStanding
        /// Seconds since 1970-01-01T00:00:00Z. The answer counts before this second; 0 where there was none.
        let usableUntil: Int64
        /// From when on it is asked for again for sessions that live.
        let refreshAt: Int64
        /// Who gave it; nil: nobody yet.
        let responder: String?
    }

    /// In a list from the one used last to the one used longest ago, by positions in `nodes`.
    private struct Node: Sendable {
        let key: Key
        var entry: Entry
        var newer: Int?
        var older: Int?
    }

    private var places: [Key: Int] = [:]
    private var nodes: [Node] = []
    private var newest: Int?
    private var oldest: Int?
    private(set) var entriesMax: Int

    /// - Parameter entriesMax: At least 1.
    init(entriesMax: Int) { self.entriesMax = max(1, entriesMax) }

    var count: Int { nodes.count }

    /// The entry as it is, also when it is out of date: it still says who gave it.
    mutating func entry(_ key: Key) -> Entry? {
        guard let place = places[key] else { return nil }
        use(place)
        return nodes[place].entry
    }

    mutating func insert(_ entry: Entry, for key: Key) {
        if let place = places[key] {
            nodes[place].entry = entry
            use(place)
            return
        }
        let place: Int
        if nodes.count < entriesMax {
            place = nodes.count
            nodes.append(Node(key: key, entry: entry))
        } else if let oldest {
            place = oldest
            unlink(place)
            places[nodes[place].key] = nil
            nodes[place] = Node(key: key, entry: entry)
        } else {
            return
        }
        places[key] = place
        link(place)
    }

    private mutating func use(_ place: Int) {
        guard newest != place else { return }
        unlink(place)
        link(place)
    }

    private mutating func unlink(_ place: Int) {
        let node = nodes[place]
        if let newer = node.newer { nodes[newer].older = node.older } else { newest = node.older }
        if let older = node.older { nodes[older].newer = node.newer } else { oldest = node.newer }
    }

    /// Makes it the one used last.
    private mutating func link(_ place: Int) {
        nodes[place].newer = nil
        nodes[place].older = newest
        if let newest { nodes[newest].newer = place }
        newest = place
        if oldest == nil { oldest = place }
    }
}
