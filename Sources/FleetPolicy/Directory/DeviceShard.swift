/// A part of a directory: packed devices, and a hash table with open addressing that says where each begins.
final class DeviceShard: Sendable {
    static let empty = DeviceShard(bytes: [], slots: [], count: 0)

    let bytes: [UInt8]
    /// 0 is free. Else the low 40 bits are one more than the device's place in `bytes`, and the high 24 bits the low
    /// ones of the key's hash, so that others' bytes are seldom looked at.
    private let slots: [UInt64]
    let count: Int

    private static let offsetMask: UInt64 = 0xFF_FFFF_FFFF
    private static let tagShift: UInt64 = 40

    private init(bytes: [UInt8], slots: [UInt64], count: Int) {
        self.bytes = bytes
        self.slots = slots
        self.count = count
    }

    /// A device that is to be there instead of what is, or not to be there.
    struct Edit {
        let key: DeviceKey
        let hash: UInt64
        /// Nil: it is removed.
        let encoded: [UInt8]?
    }

    var storedBytes: Int { bytes.capacity + slots.capacity * MemoryLayout<UInt64>.stride }

    // MARK: Looking up

    func offset(of key: DeviceKey, hash: UInt64) -> Int? {
        var probe = firstProbe(hash)
        while let offset = nextOffset(hash, &probe) {
            if Self.holds(key, bytes, at: offset) { return offset }
        }
        return nil
    }

    /// Where to begin looking for a hash.
    func firstProbe(_ hash: UInt64) -> Int { DirectoryHash.slot(hash, of: slots.count) }

    /// The place of the next device whose hash may be this one; nil when there is no more.
    func nextOffset(_ hash: UInt64, _ probe: inout Int) -> Int? {
        guard !slots.isEmpty else { return nil }
        // At least one slot is free, so this ends.
        while slots[probe] != 0 {
            let slot = slots[probe]
            probe = probe + 1 == slots.count ? 0 : probe + 1
            if slot >> Self.tagShift == hash & 0xFF_FFFF { return Int(slot & Self.offsetMask) - 1 }
        }
        return nil
    }

    func forEachOffset(_ body: (Int) -> Void) {
        for slot in slots where slot != 0 { body(Int(slot & Self.offsetMask) - 1) }
    }

    private static func holds(_ key: DeviceKey, _ bytes: [UInt8], at offset: Int) -> Bool {
        var reader = DeviceEncoding.Reader(bytes: bytes, offset: offset)
        _ = reader.number()
        _ = reader.byte()
        _ = reader.number()
        return bytes[reader.textRange()].elementsEqual(key.tenant.utf8)
            && bytes[reader.textRange()].elementsEqual(key.deviceID.utf8)
    }

    // MARK: Making

    /// Packs devices that stand one behind the other, each with its hash. Of two with one key the later counts; the
    /// profile number of the earlier, and whether it registered itself, are handed to `dropped`.
    convenience init(packing arena: [UInt8], hashes: [UInt64], dropped: (Int, Bool) -> Void) {
        var table = Table(count: hashes.count)
        var offset = 0
        var droppedOffsets: Set<Int> = []
        for hash in hashes {
            if let earlier = table.insert(hash, offset, bytes: arena) { droppedOffsets.insert(earlier) }
            offset = Self.end(of: offset, in: arena)
        }
        guard !droppedOffsets.isEmpty else {
            var exact: [UInt8] = []
            exact.reserveCapacity(arena.count)
            exact.append(contentsOf: arena)
            self.init(bytes: exact, slots: table.slots, count: hashes.count)
            return
        }
        var kept: [UInt8] = []
        var keptHashes: [UInt64] = []
        offset = 0
        for hash in hashes {
            let end = Self.end(of: offset, in: arena)
            if droppedOffsets.contains(offset) {
                var reader = DeviceEncoding.Reader(bytes: arena, offset: offset)
                _ = reader.number()
                let head = reader.byte()
                dropped(reader.count(), head & DeviceEncoding.isSelfRegistered != 0)
            } else {
                kept.append(contentsOf: arena[offset..<end])
                keptHashes.append(hash)
            }
            offset = end
        }
        self.init(packing: kept, hashes: keptHashes, dropped: dropped)
    }

    /// The shard with some devices replaced, added or removed; at most one edit for each key.
    func applying(_ edits: [Edit]) -> DeviceShard {
        var removed: [Int] = edits.compactMap { offset(of: $0.key, hash: $0.hash) }
        removed.sort()
        let added = edits.count { $0.encoded != nil }
        let count = count - removed.count + added
        guard count > 0 else { return .empty }
        var next: [UInt8] = []
        next.reserveCapacity(
            bytes.count - removed.reduce(0) { $0 + Self.end(of: $1, in: bytes) - $1 }
                + edits.reduce(0) { $0 + ($1.encoded?.count ?? 0) })
        // What stays is copied in pieces between what goes; `shifts` says how far each piece moved.
        var shifts: [(from: Int, by: Int)] = []
        var position = 0
        for offset in removed {
            shifts.append((position, position - next.count))
            next.append(contentsOf: bytes[position..<offset])
            position = Self.end(of: offset, in: bytes)
        }
        shifts.append((position, position - next.count))
        next.append(contentsOf: bytes[position...])
        var table = Table(count: count)
        rehash(into: &table, removed: removed, shifts: shifts)
        for edit in edits {
            guard let encoded = edit.encoded else { continue }
            table.place(edit.hash, next.count)
            next.append(contentsOf: encoded)
        }
        return DeviceShard(bytes: next, slots: table.slots, count: count)
    }

    private func rehash(into table: inout Table, removed: [Int], shifts: [(from: Int, by: Int)]) {
        let removed = Set(removed)
        for slot in slots where slot != 0 {
            let offset = Int(slot & Self.offsetMask) - 1
            if removed.contains(offset) { continue }
            let shift = shifts.last { $0.from <= offset }?.by ?? 0
            var reader = DeviceEncoding.Reader(bytes: bytes, offset: offset)
            _ = reader.number()
            _ = reader.byte()
            _ = reader.number()
            let tenant = reader.textRange()
            table.place(DirectoryHash.of(tenant: bytes[tenant], deviceID: bytes[reader.textRange()]), offset - shift)
        }
    }

    private static func end(of offset: Int, in bytes: [UInt8]) -> Int {
        var reader = DeviceEncoding.Reader(bytes: bytes, offset: offset)
        let length = reader.count()
        return reader.offset + length
    }

    /// A hash table while it is filled.
    private struct Table {
        var slots: [UInt64]

        init(count: Int) {
            slots = Array(repeating: 0, count: DirectoryHash.slots(for: count))
        }

        mutating func place(_ hash: UInt64, _ offset: Int) {
            var probe = DirectoryHash.slot(hash, of: slots.count)
            while slots[probe] != 0 { probe = probe + 1 == slots.count ? 0 : probe + 1 }
            slots[probe] = (hash & 0xFF_FFFF) << tagShift | UInt64(offset + 1)
        }

        /// Puts a device into the place of an earlier one with its key, whose offset it gives back, or into a free one.
        mutating func insert(_ hash: UInt64, _ offset: Int, bytes: [UInt8]) -> Int? {
            var probe = DirectoryHash.slot(hash, of: slots.count)
            while slots[probe] != 0 {
                let slot = slots[probe]
                let earlier = Int(slot & offsetMask) - 1
                if slot >> tagShift == hash & 0xFF_FFFF, haveSameKey(bytes, earlier, offset) {
                    slots[probe] = slot & ~offsetMask | UInt64(offset + 1)
                    return earlier
                }
                probe = probe + 1 == slots.count ? 0 : probe + 1
            }
            slots[probe] = (hash & 0xFF_FFFF) << tagShift | UInt64(offset + 1)
            return nil
        }

        private func haveSameKey(_ bytes: [UInt8], _ one: Int, _ other: Int) -> Bool {
            let (one, other) = (keyRanges(bytes, one), keyRanges(bytes, other))
            return bytes[one.tenant].elementsEqual(bytes[other.tenant])
                && bytes[one.deviceID].elementsEqual(bytes[other.deviceID])
        }

        private func keyRanges(_ bytes: [UInt8], _ offset: Int) -> (tenant: Range<Int>, deviceID: Range<Int>) {
            var reader = DeviceEncoding.Reader(bytes: bytes, offset: offset)
            _ = reader.number()
            _ = reader.byte()
            _ = reader.number()
            return (reader.textRange(), reader.textRange())
        }
    }
}
