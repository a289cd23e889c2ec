/// A part of a directory's pins: a hash table with open addressing from the hash of a pin to the hash of the key of the
/// device that has it. Both are only hints; whoever follows them looks whether the device has the pin.
final class PinShard: Sendable {
    static let empty = PinShard([])

    /// Pairs of a pin's hash, which is never 0 here, and a key's hash; a pair with 0 first is free.
    private let slots: [UInt64]
    private let count: Int

    /// A pin that a device has now, or has no more.
    struct Edit {
        let isRemoval: Bool
        let hash: UInt64
        let keyHash: UInt64
    }

    /// Takes pairs of a pin's hash and a key's hash.
    init(_ pairs: [UInt64]) {
        count = pairs.count / 2
        let capacity = DirectoryHash.slots(for: count)
        var slots = Array(repeating: UInt64(0), count: capacity * 2)
        for pair in stride(from: 0, to: pairs.count, by: 2) {
            var probe = DirectoryHash.slot(pairs[pair], of: capacity)
            while slots[probe * 2] != 0 { probe = probe + 1 == capacity ? 0 : probe + 1 }
            slots[probe * 2] = Self.nonzero(pairs[pair])
            slots[probe * 2 + 1] = pairs[pair + 1]
        }
        self.slots = slots
    }

    var storedBytes: Int { slots.capacity * MemoryLayout<UInt64>.stride }

    func firstProbe(_ hash: UInt64) -> Int { DirectoryHash.slot(hash, of: slots.count / 2) }

    /// The hash of the next key that may have the pin; nil when there is no more.
    func nextKeyHash(_ hash: UInt64, _ probe: inout Int) -> UInt64? {
        guard !slots.isEmpty else { return nil }
        while slots[probe * 2] != 0 {
            let place = probe * 2
            probe = place + 2 == slots.count ? 0 : probe + 1
            if slots[place] == Self.nonzero(hash) { return slots[place + 1] }
        }
        return nil
    }

    /// The shard after some edits; what is removed has to be there.
    func applying(_ edits: [Edit]) -> PinShard {
        var removals: [UInt64: [UInt64]] = [:]
        for edit in edits where edit.isRemoval { removals[Self.nonzero(edit.hash), default: []].append(edit.keyHash) }
        var pairs: [UInt64] = []
        pairs.reserveCapacity((count + edits.count) * 2)
        for place in stride(from: 0, to: slots.count, by: 2) where slots[place] != 0 {
            if let position = removals[slots[place]]?.firstIndex(of: slots[place + 1]) {
                removals[slots[place]]?.remove(at: position)
                continue
            }
            pairs.append(slots[place])
            pairs.append(slots[place + 1])
        }
        for edit in edits where !edit.isRemoval {
            pairs.append(Self.nonzero(edit.hash))
            pairs.append(edit.keyHash)
        }
        return pairs.isEmpty ? .empty : PinShard(pairs)
    }

    private static func nonzero(_ hash: UInt64) -> UInt64 { hash == 0 ? 1 : hash }
}
