/// One event loop's sessions by something that they have in common, from the end of the handshake on.
///
/// A session that is the only one of its key, as most are of their device and certificate, costs an entry of the table and
/// nothing more; a set is made for the second one.
struct SessionIndex<Key: Hashable> {
    private enum Members {
        case one(UInt64)
        case several(SessionNumbers)
    }

    private var members: [Key: Members] = [:]

    /// Keys with a session.
    var keyCount: Int { self.members.count }

    var keys: some Collection<Key> { self.members.keys }

    /// The sessions of a key, in no order.
    subscript(key: Key) -> [UInt64] {
        switch self.members[key] {
        case .one(let number): [number]
        case .several(let numbers): Array(numbers.all)
        case nil: []
        }
    }

    /// The key that is kept and equal to this one.
    func kept(_ key: Key) -> Key? { self.members.index(forKey: key).map { self.members[$0].key } }

    mutating func add(_ session: UInt64, to key: Key) {
        switch self.members[key] {
        case nil: self.members[key] = .one(session)
        case .one(let first):
            guard first != session else { return }
            self.members[key] = .several(SessionNumbers([first, session]))
        case .several(let numbers): numbers.all.insert(session)
        }
    }

    mutating func remove(_ session: UInt64, from key: Key) {
        switch self.members[key] {
        case nil: return
        case .one(let number): if number == session { self.members[key] = nil }
        case .several(let numbers):
            numbers.all.remove(session)
            if numbers.all.count == 1, let last = numbers.all.first { self.members[key] = .one(last) }
        }
    }

    /// The sessions of these keys. Costs as much as the smaller of the two numbers of keys.
    func sessions(of keys: Set<Key>) -> [UInt64] {
        guard keys.count > self.members.count else { return keys.flatMap { self[$0] } }
        return self.members.keys.filter { keys.contains($0) }.flatMap { self[$0] }
    }
}

/// Changed in place: a set of thousands must not be copied for each session that comes or goes.
private final class SessionNumbers {
    var all: Set<UInt64>

    init(_ all: Set<UInt64>) { self.all = all }
}
