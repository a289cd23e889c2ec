/// A SHA-256 hash in 32 bytes of its owner's own storage: a session keeps two of them.
struct SHA256Value: Sendable, Hashable {
    private let words: SIMD4<UInt64>

    /// Nil when there are not exactly 32 bytes.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var words = SIMD4<UInt64>.zero
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = words
    }

    var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: self.words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
    }
}
