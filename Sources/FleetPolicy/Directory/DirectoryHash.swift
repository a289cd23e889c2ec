/// The hashes of a directory, and what their bits are for. The seed is `Hasher`'s, another in every process: nobody who
/// chooses the names of devices can choose where they go.
enum DirectoryHash {
    /// The first 12 bits say which shard.
    static let shardCount = 4_096

    static func shard(_ hash: UInt64) -> Int { Int(hash >> 52) }

    /// The 32 bits after them say where in a table to look first.
    static func slot(_ hash: UInt64, of count: Int) -> Int {
        // In parentheses: Swift's shifts bind tighter than its products.
        Int((((hash >> 20) & 0xFFFF_FFFF) &* UInt64(count)) >> 32)
    }

    static func of(_ key: DeviceKey) -> UInt64 { of(tenant: key.tenant.utf8, deviceID: key.deviceID.utf8) }

    static func of(tenant: some Collection<UInt8>, deviceID: some Collection<UInt8>) -> UInt64 {
        var hasher = Hasher()
        combine(tenant, into: &hasher)
        combine(deviceID, into: &hasher)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    static func of(_ pin: CertificatePin) -> UInt64 {
        var hasher = Hasher()
        combine(pin.sha256, into: &hasher)
        hasher.combine(pin.kind)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Eight bytes at a time, which is several times faster than byte by byte; then the rest and the count.
    private static func combine(_ bytes: some Collection<UInt8>, into hasher: inout Hasher) {
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            word = word << 8 | UInt64(byte)
            count += 1
            if count & 7 == 0 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
        hasher.combine(count)
    }

    /// Slots for some entries: a fifth stays free, so that probes are short.
    static func slots(for count: Int) -> Int { count == 0 ? 0 : count + count / 4 + 1 }
}
