/// Reads what is written in fields one after the other: numbers, big-endian, and byte strings with their length before
/// them. Nothing outside is ever read, and nothing is copied: byte strings are told by where they are.
struct FieldReader<Bytes: RandomAccessCollection<UInt8>> where Bytes.Index == Int {
    let bytes: Bytes
    private var next: Int

    init(_ bytes: Bytes) {
        self.bytes = bytes
        self.next = bytes.startIndex
    }

    var isAtEnd: Bool { self.next == self.bytes.endIndex }
    var count: Int { self.bytes.endIndex - self.next }

    /// The next so many bytes, or nil when there are fewer.
    mutating func bytes(_ count: Int) -> Range<Int>? {
        guard count >= 0, count <= self.count else { return nil }
        defer { self.next += count }
        return self.next..<self.next + count
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        guard let range = self.bytes(MemoryLayout<Number>.size) else { return nil }
        return self.bytes[range].reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    /// A byte string whose length is told by a number of that size.
    mutating func text<Length: FixedWidthInteger & UnsignedInteger>(_: Length.Type) -> Range<Int>? {
        guard let length = self.number(Length.self), let count = Int(exactly: length) else { return nil }
        return self.bytes(count)
    }

    mutating func array(_ count: Int) -> [UInt8]? {
        self.bytes(count).map { Array(self.bytes[$0]) }
    }

    mutating func arrayText<Length: FixedWidthInteger & UnsignedInteger>(_ length: Length.Type) -> [UInt8]? {
        self.text(length).map { Array(self.bytes[$0]) }
    }
}

/// Writes what ``FieldReader`` reads.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether everything fitted its field: otherwise ``bytes`` are of no use.
    private(set) var isGood = true

    init(capacity: Int) {
        self.bytes.reserveCapacity(capacity)
    }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { self.bytes += $0 }
    }

    mutating func append(_ bytes: some Collection<UInt8>) {
        self.bytes += bytes
    }

    mutating func appendText<Length: FixedWidthInteger & UnsignedInteger>(
        _ bytes: some Collection<UInt8>, _: Length.Type
    ) {
        guard let length = Length(exactly: bytes.count) else {
            self.isGood = false
            return
        }
        self.append(length)
        self.bytes += bytes
    }
}
