/// Topic filters of a profile as a trie over their levels: one walk answers for all of them at once.
///
/// Compiled once for the profile and read with the values of each device. The nodes stand flat in arrays, so a walk
/// follows numbers, counts no references and allocates nothing. A node has one child for each literal level (found by
/// its key), one for each level with placeholders (compared with the device's values), and one for `+`; `#` is a mark
/// of the node before it. A walk visits each node at most once, so its work is bounded by the profile's own text,
/// whatever a device sends.
struct TopicIndex: Sendable {
    /// What the filters that match have to say, each a bit: the answers of several filters are joined by `or`.
    typealias Marks = UInt32

    struct Node: Sendable {
        /// The table of the literal children: `edges[literalStart...]`, `1 << literalBits` places; none when 0.
        var literalStart: UInt32 = 0
        var literalBits: UInt8 = 0
        var hasChildren = false
        /// The children with placeholders: `edges[composedStart..<composedEnd]`.
        var composedStart: UInt32 = 0
        var composedEnd: UInt32 = 0
        /// The child for `+`; 0 when there is none, because the root is nobody's child.
        var anyLevel: UInt32 = 0
        /// Of the filters that end here.
        var end: Marks = 0
        /// Of the filters that go on with `#` here, which also match what ends here.
        var deeper: Marks = 0
        /// Of this node and all below it.
        var subtree: Marks = 0
    }

    /// A level, and the node that it leads to.
    struct Edge: Sendable {
        /// Of a literal level.
        var key: UInt64 = 0
        /// The level in `text`: the bytes of a literal one; the parts of one with placeholders, each a count and as
        /// many bytes, or 0 and a byte that is a place in `PlaceholderValues`.
        var textStart: UInt32 = 0
        var textCount: UInt32 = 0
        /// 0: the place in the table is free.
        var child: UInt32 = 0
        /// Whether the level begins with `$` for every device.
        var isReserved = false
    }

    let nodes: [Node]
    let edges: [Edge]
    let text: [UInt8]

    /// The key of a level, byte by byte: its last eight bytes, with those before folded in by exclusive or. Two levels
    /// of one length with the same key are the same when all but their last eight bytes are.
    @inline(__always)
    static func key(_ key: UInt64, _ byte: UInt8) -> UInt64 {
        (key &<< 8 | key &>> 56) ^ UInt64(byte)
    }

    /// The bytes at the end of a level that its key stands for.
    static let keyBytes = 8

    /// The first place to look for a key in a table of `1 << bits` places. Multiplying brings all bytes up to where the
    /// place is taken from.
    @inline(__always)
    static func place(of key: UInt64, bits: UInt8) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> (64 &- UInt64(bits)))
    }
}
