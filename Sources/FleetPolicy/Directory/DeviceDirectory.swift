/// The registered devices as the data plane sees them: an immutable value, safe to use from any thread.
///
/// Made for a million devices. A device is packed into some hundred bytes; looking one up by name or by pin takes one
/// probe of a hash table; and a directory that differs in a few devices shares all the rest with the one before.
///
/// For the way of a connection: ``entry(_:)`` and ``entry(pinning:publicKeySHA256:)`` give a view that allocates
/// nothing until something of it is read; ``hasPins`` says whether the second is worth asking at all.
/// ``device(_:)`` makes the whole value, which costs an allocation for each text in it.
public struct DeviceDirectory: Sendable {
    /// One change of the registry.
    public enum Change: Sendable, Hashable {
        /// The device is now this; it may be new.
        case set(RegisteredDevice)
        case remove(DeviceKey)

        public var key: DeviceKey {
            switch self {
            case .set(let device): device.key
            case .remove(let key): key
            }
        }
    }

    /// By the first bits of the hash of the key. Rewriting one shard of a million devices copies some 25 KB.
    private var shards: [DeviceShard]
    /// By the first bits of the hash of the pin.
    private var pinShards: [PinShard]
    private var profiles: ProfileNames
    public private(set) var count: Int
    private var pinCount: Int

    /// A directory without devices.
    public static let empty = DeviceDirectory()

    private init() {
        shards = Array(repeating: .empty, count: DirectoryHash.shardCount)
        pinShards = Array(repeating: .empty, count: DirectoryHash.shardCount)
        profiles = ProfileNames()
        count = 0
        pinCount = 0
    }

    /// Of two devices with one key the later counts.
    public init(_ devices: some Sequence<RegisteredDevice>) {
        var builder = Builder()
        for device in devices { builder.add(device) }
        self = builder.finish()
    }

    /// Whether any device has a pin.
    public var hasPins: Bool { pinCount > 0 }

    /// A view of a device; nil: it is not registered.
    public func entry(_ key: DeviceKey) -> DeviceEntry? {
        let hash = DirectoryHash.of(key)
        let shard = shards[DirectoryHash.shard(hash)]
        guard let offset = shard.offset(of: key, hash: hash) else { return nil }
        return entry(in: shard, at: offset)
    }

    /// What is registered of a device; nil: it is not.
    public func device(_ key: DeviceKey) -> RegisteredDevice? { entry(key)?.device }

    /// A view of the device that a certificate is pinned for, by its own hash or by its public key's. Nil when there is
    /// none, or more than one: which of two devices it is must not be guessed.
    public func entry(pinning certificateSHA256: [UInt8], publicKeySHA256: [UInt8]) -> DeviceEntry? {
        guard hasPins else { return nil }
        var found: DeviceEntry?
        for (kind, sha256) in [(CertificatePin.Kind.certificate, certificateSHA256), (.publicKey, publicKeySHA256)] {
            guard let pin = CertificatePin(kind, sha256: sha256) else { continue }
            let hash = DirectoryHash.of(pin)
            let pinShard = pinShards[DirectoryHash.shard(hash)]
            var probe = pinShard.firstProbe(hash)
            while let keyHash = pinShard.nextKeyHash(hash, &probe) {
                let shard = shards[DirectoryHash.shard(keyHash)]
                var deviceProbe = shard.firstProbe(keyHash)
                while let offset = shard.nextOffset(keyHash, &deviceProbe) {
                    let entry = entry(in: shard, at: offset)
                    guard entry.has(pin) else { continue }
                    guard found == nil || found?.isSame(as: entry) == true else { return nil }
                    found = entry
                }
            }
        }
        return found
    }

    /// The device that a certificate is pinned for. See ``entry(pinning:publicKeySHA256:)``.
    public func device(pinning certificateSHA256: [UInt8], publicKeySHA256: [UInt8]) -> RegisteredDevice? {
        entry(pinning: certificateSHA256, publicKeySHA256: publicKeySHA256)?.device
    }

    /// How many devices of a profile registered themselves by connecting, in any state. The time it takes does not
    /// depend on how many there are.
    public func selfRegisteredCount(ofProfile name: String) -> Int { profiles.selfRegisteredCount(of: name) }

    /// Calls `body` with every device, in no order that means anything.
    public func forEachEntry(_ body: (DeviceEntry) -> Void) {
        for shard in shards {
            shard.forEachOffset { body(entry(in: shard, at: $0)) }
        }
    }

    /// The keys of the devices that are not the same in both directories, in no order that means anything.
    public func changes(since earlier: DeviceDirectory) -> [DeviceKey] {
        var changed: [DeviceKey] = []
        for (now, before) in zip(shards, earlier.shards) where now !== before {
            now.forEachOffset { offset in
                let entry = entry(in: now, at: offset)
                let key = entry.key
                // Names may have other numbers in the other directory, so the values are compared, not the bytes.
                if earlier.entry(key)?.device != entry.device { changed.append(key) }
            }
            before.forEachOffset { offset in
                let key = earlier.entry(in: before, at: offset).key
                if entry(key) == nil { changed.append(key) }
            }
        }
        return changed
    }

    /// The directory after some changes, in their order. The directory itself stays as it is.
    public func applying(_ changes: some Sequence<Change>) -> DeviceDirectory {
        var last: [DeviceKey: Change] = [:]
        for change in changes { last[change.key] = change }
        var next = self
        var edits: [Int: [DeviceShard.Edit]] = [:]
        var pinEdits: [Int: [PinShard.Edit]] = [:]
        for (key, change) in last {
            let hash = DirectoryHash.of(key)
            if let old = entry(key) {
                next.count -= 1
                next.profiles.subtract(old.profileNumber, isSelfRegistered: old.isSelfRegistered)
                for pin in old.pins {
                    let pinHash = DirectoryHash.of(pin)
                    pinEdits[DirectoryHash.shard(pinHash), default: []].append(
                        .init(isRemoval: true, hash: pinHash, keyHash: hash))
                    next.pinCount -= 1
                }
            }
            var encoded: [UInt8]?
            if case .set(let device) = change {
                var bytes: [UInt8] = []
                let number = next.profiles.add(device.profile, isSelfRegistered: device.isSelfRegistered)
                DeviceEncoding.append(device, profileNumber: number, to: &bytes)
                encoded = bytes
                next.count += 1
                for pin in device.pins {
                    let pinHash = DirectoryHash.of(pin)
                    pinEdits[DirectoryHash.shard(pinHash), default: []].append(
                        .init(isRemoval: false, hash: pinHash, keyHash: hash))
                    next.pinCount += 1
                }
            }
            edits[DirectoryHash.shard(hash), default: []].append(.init(key: key, hash: hash, encoded: encoded))
        }
        for (index, edits) in edits { next.shards[index] = shards[index].applying(edits) }
        for (index, edits) in pinEdits { next.pinShards[index] = pinShards[index].applying(edits) }
        return next
    }

    /// Bytes that the packed devices and the tables take, with what the allocator adds to each piece left out.
    public var storedBytes: Int {
        shards.reduce(0) { $0 + $1.storedBytes } + pinShards.reduce(0) { $0 + $1.storedBytes }
    }

    private func entry(in shard: DeviceShard, at offset: Int) -> DeviceEntry {
        DeviceEntry(bytes: shard.bytes, offset: offset, profiles: profiles)
    }

    /// Takes devices one after the other, and makes a directory of them. Faster than changes, and without a copy of
    /// the devices.
    public struct Builder: ~Copyable {
        private var arenas: [[UInt8]] = Array(repeating: [], count: DirectoryHash.shardCount)
        private var hashes: [[UInt64]] = Array(repeating: [], count: DirectoryHash.shardCount)
        private var profiles = ProfileNames()

        public init() {}

        /// Of two devices with one key the later counts.
        public mutating func add(_ device: RegisteredDevice) {
            let hash = DirectoryHash.of(device.key)
            let index = DirectoryHash.shard(hash)
            let number = profiles.add(device.profile, isSelfRegistered: device.isSelfRegistered)
            DeviceEncoding.append(device, profileNumber: number, to: &arenas[index])
            hashes[index].append(hash)
        }

        /// The directory of all devices that were added.
        public consuming func finish() -> DeviceDirectory {
            var directory = DeviceDirectory()
            var pins: [[UInt64]] = Array(repeating: [], count: DirectoryHash.shardCount)
            for index in arenas.indices where !hashes[index].isEmpty {
                let shard = DeviceShard(packing: arenas[index], hashes: hashes[index]) { number, isSelfRegistered in
                    profiles.subtract(number, isSelfRegistered: isSelfRegistered)
                }
                // As soon as it is packed, so that the whole is never there twice.
                arenas[index] = []
                hashes[index] = []
                directory.shards[index] = shard
                directory.count += shard.count
                shard.forEachOffset { offset in
                    let entry = DeviceEntry(bytes: shard.bytes, offset: offset, profiles: profiles)
                    guard entry.pinCount > 0 else { return }
                    let keyHash = DirectoryHash.of(entry.key)
                    for pin in entry.pins {
                        let hash = DirectoryHash.of(pin)
                        pins[DirectoryHash.shard(hash)].append(hash)
                        pins[DirectoryHash.shard(hash)].append(keyHash)
                        directory.pinCount += 1
                    }
                }
            }
            for index in pins.indices where !pins[index].isEmpty {
                directory.pinShards[index] = PinShard(pins[index])
                pins[index] = []
            }
            directory.profiles = profiles
            return directory
        }
    }
}
