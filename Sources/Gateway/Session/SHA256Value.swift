/// A SHA-256 hash in 32 bytes of its owner's own storage, aligned to 8: a session keeps two of them.
struct SHA256Value: Sendable, Hashable {
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Nil when there are not exactly 32 bytes.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ index: Int) -> UInt64 {
            bytes[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.first = word(0)
        self.second = word(1)
        self.third = word(2)
        self.fourth = word(3)
    }

    var bytes: [UInt8] {
        [self.first, self.second, self.third, self.fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
        }
    }

    /// Its first 8 bytes: what an index is kept by that looks at the whole value afterwards.
    var prefix: UInt64 { self.first }
}
