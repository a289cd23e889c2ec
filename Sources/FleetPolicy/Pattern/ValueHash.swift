/// A running hash over bytes (FNV-1a, 64 bits), for the index of profiles. It only narrows down what is tried: two
/// values with one hash cost time, never a wrong decision, so a certificate gains nothing by a collision.
struct ValueHash: Sendable, Hashable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func combine(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { combine(byte) }
    }

    func combining(_ bytes: some Sequence<UInt8>) -> ValueHash {
        var result = self
        result.combine(bytes)
        return result
    }
}
