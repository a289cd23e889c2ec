/// Serial numbers with why and when they were revoked: looked up in constant time. A value, whose parts are shared between
/// copies; immutable once built.
///
/// Made for lists of a million entries: a record of 7 octets and the serial number's own stands in one of a few large
/// pieces of memory, and an index of four octets a place points at it. A million serial numbers of 20 octets take 36 MB.
public struct SerialNumberSet: Sendable {
    /// The most serial numbers that are taken: a CRL as long as any that is read has fewer.
    public static let countMax = 8_000_000
    /// The longest serial number, in octets: RFC 5280 section 4.1.2.2 has 20, and some issuers use one more.
    public static let octetsMax = 21

    public private(set) var count = 0

    /// Records, one after another: ``Record`` says what they are. A record does not go over the end of a piece.
    private var pieces: [[UInt8]] = []
    /// For each place 0, or one more than where its record begins: a number of which the lower ``pieceBits`` are the
    /// place in a piece. A power of two of places, of which at most three quarters are taken.
    private var index: [UInt32] = []

    /// Pieces of 1 MiB: what is reserved and not used is little, and growing copies none of the others.
    private static let pieceBits = 20
    private static let placesMin = 16

    public init() {}

    /// - Parameter minimumCapacity: How many serial numbers to have room for from the start; an estimate, above
    ///   ``countMax`` without effect.
    public init(minimumCapacity: Int) {
        guard minimumCapacity > 0 else { return }
        var places = Self.placesMin
        while places / 4 * 3 < min(minimumCapacity, Self.countMax) { places *= 2 }
        index = Array(repeating: 0, count: places)
    }

    /// Takes a serial number. One that is there already gets the new reason and time.
    ///
    /// - Parameters:
    ///   - serialNumber: The content of the INTEGER, up to ``octetsMax`` octets; leading zeros are dropped.
    ///   - revokedAt: Seconds since 1970-01-01T00:00:00Z. Kept in 40 bits, which is 17,000 years to either side.
    /// - Returns: False when it cannot be taken: too long, or there are ``countMax`` already.
    public mutating func insert(
        _ serialNumber: some Collection<UInt8>, reason: RevocationReason, revokedAt: Int64
    ) -> Bool {
        let significant = serialNumber.drop { $0 == 0 }
        guard significant.count <= Self.octetsMax else { return false }
        let record = Record(Array(significant), reason, revokedAt)
        if let found = place(of: record.serialNumber), index[found] != 0 {
            overwrite(index[found] - 1, with: record)
            return true
        }
        guard count < Self.countMax else { return false }
        if count >= index.count / 4 * 3 { grow() }
        guard let free = place(of: record.serialNumber), let start = append(record) else { return false }
        index[free] = start + 1
        count += 1
        return true
    }

    /// - Parameter serialNumber: Without leading zeros, as ``CertificateID/serialNumber`` is.
    public subscript(serialNumber: [UInt8]) -> (reason: RevocationReason, revokedAt: Int64)? {
        guard let place = place(of: serialNumber), index[place] != 0 else { return nil }
        let start = index[place] - 1
        return Record.terms(pieces[Self.piece(start)], at: Self.offset(start))
    }

    /// All of them, in no particular order.
    public func visit(_ body: (ArraySlice<UInt8>, _ reason: RevocationReason, _ revokedAt: Int64) -> Void) {
        for piece in pieces {
            var offset = 0
            while offset < piece.count {
                let serialNumber = Record.serialNumber(piece, at: offset)
                let terms = Record.terms(piece, at: offset)
                body(serialNumber, terms.reason, terms.revokedAt)
                offset += Record.headOctets + serialNumber.count
            }
        }
    }

    // MARK: The index

    /// Where the serial number's record is pointed at, or would be. Nil: there are no places.
    private func place(of serialNumber: [UInt8]) -> Int? {
        guard !index.isEmpty else { return nil }
        let mask = index.count - 1
        var place = Self.hash(serialNumber) & mask
        // A quarter of the places is free at least, so that this ends.
        while index[place] != 0 {
            let start = index[place] - 1
            if Record.isFor(serialNumber, pieces[Self.piece(start)], at: Self.offset(start)) { return place }
            place = (place + 1) & mask
        }
        return place
    }

    private mutating func grow() {
        var grown = [UInt32](repeating: 0, count: max(Self.placesMin, index.count * 2))
        let mask = grown.count - 1
        for (number, piece) in pieces.enumerated() {
            var offset = 0
            while offset < piece.count {
                let serialNumber = Record.serialNumber(piece, at: offset)
                var place = Self.hash(serialNumber) & mask
                while grown[place] != 0 { place = (place + 1) & mask }
                grown[place] = Self.start(number, offset) + 1
                offset += Record.headOctets + serialNumber.count
            }
        }
        index = grown
    }

    /// Seeded by the standard library for each process: who chooses serial numbers cannot make them collide.
    private static func hash(_ serialNumber: some Collection<UInt8>) -> Int {
        var hasher = Hasher()
        var word: UInt64 = 0
        for (number, octet) in serialNumber.enumerated() {
            word = word << 8 | UInt64(octet)
            if number & 7 == 7 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
        hasher.combine(UInt8(truncatingIfNeeded: serialNumber.count))
        return hasher.finalize()
    }

    // MARK: The records

    /// - Returns: Where it begins; nil: there is no room, which ``countMax`` does not let happen.
    private mutating func append(_ record: Record) -> UInt32? {
        let octets = Record.headOctets + record.serialNumber.count
        if pieces.last.map({ $0.count + octets > 1 << Self.pieceBits }) ?? true {
            guard pieces.count < 1 << (32 - Self.pieceBits) - 1 else { return nil }
            var piece: [UInt8] = []
            // The first grows by itself: most lists are short.
            if !pieces.isEmpty { piece.reserveCapacity(1 << Self.pieceBits) }
            pieces.append(piece)
        }
        let number = pieces.count - 1
        let start = Self.start(number, pieces[number].count)
        record.write(to: &pieces[number])
        return start
    }

    private mutating func overwrite(_ start: UInt32, with record: Record) {
        record.writeTerms(to: &pieces[Self.piece(start)], at: Self.offset(start))
    }

    private static func start(_ piece: Int, _ offset: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: piece << pieceBits | offset)
    }

    private static func piece(_ start: UInt32) -> Int { Int(start >> UInt32(pieceBits)) }

    private static func offset(_ start: UInt32) -> Int { Int(start) & (1 << pieceBits - 1) }
}

extension SerialNumberSet {
    /// One serial number as it is kept: one octet for how many it has, one for the reason, five for the time, and its
    /// own.
    private struct Record {
        static let headOctets = 7
        private static let timeOctets = 5

        let serialNumber: [UInt8]
        private let reason: RevocationReason
        private let time: UInt64

        init(_ serialNumber: [UInt8], _ reason: RevocationReason, _ revokedAt: Int64) {
            let limit: Int64 = 1 << (8 * Self.timeOctets - 1)
            self.serialNumber = serialNumber
            self.reason = reason
            // In two's complement, of which the upper octets say nothing.
            time = UInt64(bitPattern: min(max(revokedAt, -limit), limit - 1))
        }

        func write(to piece: inout [UInt8]) {
            let start = piece.count
            piece.append(UInt8(truncatingIfNeeded: serialNumber.count))
            for _ in 1..<Self.headOctets { piece.append(0) }
            writeTerms(to: &piece, at: start)
            piece.append(contentsOf: serialNumber)
        }

        func writeTerms(to piece: inout [UInt8], at start: Int) {
            piece[start + 1] = reason.rawValue
            for octet in 0..<Self.timeOctets {
                piece[start + 2 + octet] = UInt8(truncatingIfNeeded: time >> UInt64(8 * octet))
            }
        }

        static func serialNumber(_ piece: [UInt8], at start: Int) -> ArraySlice<UInt8> {
            piece[start + headOctets..<start + headOctets + Int(piece[start])]
        }

        static func isFor(_ serialNumber: [UInt8], _ piece: [UInt8], at start: Int) -> Bool {
            guard Int(piece[start]) == serialNumber.count else { return false }
            for place in serialNumber.indices where piece[start + headOctets + place] != serialNumber[place] {
                return false
            }
            return true
        }

        static func terms(_ piece: [UInt8], at start: Int) -> (reason: RevocationReason, revokedAt: Int64) {
            var time: UInt64 = 0
            for octet in (0..<timeOctets).reversed() { time = time << 8 | UInt64(piece[start + 2 + octet]) }
            let unused = UInt64(64 - 8 * timeOctets)
            return (
                RevocationReason(rawValue: piece[start + 1]) ?? .unspecified,
                Int64(bitPattern: time << unused) >> Int64(unused)
            )
        }
    }
}
