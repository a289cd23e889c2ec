/// A topic filter of a profile, with placeholders: compiled once for the profile, read with the values of each device.
///
/// Literal text is merged over level separators, so that reading a filter is mostly comparing bytes. Placeholder values
/// contain no separator and no wildcard (`PlaceholderValue`), so a template has the same levels for every device.
struct FilterTemplate: Sendable, Hashable {
    enum Token: Sendable, Hashable {
        /// A range of `literals`.
        case literal(start: Int32, count: Int32)
        /// The value of a placeholder, by its place in `PlaceholderValues`.
        case placeholder(Int)
        /// `+`: one whole level.
        case anyLevel
        /// `/#` at the end: the level before it and everything below.
        case anyDeeper
        /// `#` alone: every topic that does not begin with `$`.
        case anyTopic
    }

    typealias Malformed = BracedText.Malformed

    let tokens: [Token]
    let literals: [UInt8]

    /// Compiles a filter whose placeholders have been given their places.
    init(_ pieces: [BracedText.Piece], placeholderIndex: (String) -> Int?) throws(Malformed) {
        var builder = Builder()
        for (position, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let text):
                try builder.append(text, isFirst: position == 0, isLast: position == pieces.count - 1)
            case .placeholder(let name, _):
                guard let index = placeholderIndex(name) else {
                    throw Malformed(message: "nothing defines `{\(name)}`", hint: nil)
                }
                builder.tokens.append(.placeholder(index))
            }
        }
        guard !builder.tokens.isEmpty else { throw Malformed(message: "an empty topic filter", hint: nil) }
        // `+/#` means the same as `#`, because every topic has a first level; one form keeps the comparison exact.
        tokens = builder.tokens == [.anyLevel, .anyDeeper] ? [.anyTopic] : builder.tokens
        literals = builder.literals
    }

    var hasWildcard: Bool {
        tokens.contains { token in
            switch token {
            case .literal, .placeholder: false
            case .anyLevel, .anyDeeper, .anyTopic: true
            }
        }
    }

    /// Whether the filter begins with this literal text.
    func begins(with text: String) -> Bool {
        guard case .literal(let start, let count)? = tokens.first else { return false }
        return literals[Int(start)..<Int(start + count)].starts(with: text.utf8)
    }

    private struct Builder {
        var tokens: [Token] = []
        var literals: [UInt8] = []

        /// Takes up a literal piece; wildcards must be whole levels (MQTT 4.7.1), and so not touch a placeholder.
        ///
        /// Works on bytes: to `Character`, a wildcard with a combining mark after it would be another letter.
        mutating func append(_ text: String, isFirst: Bool, isLast: Bool) throws(Malformed) {
            let levels = Array(text.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            for (index, level) in levels.enumerated() {
                let touchesBefore = index == 0 && !isFirst
                let touchesAfter = index == levels.count - 1 && !isLast
                switch (level.first, level.count) {
                case (UInt8(ascii: "+"), 1):
                    guard !touchesBefore, !touchesAfter else { throw Self.notWhole("+") }
                    if index > 0 { append([UInt8(ascii: "/")]) }
                    tokens.append(.anyLevel)
                case (UInt8(ascii: "#"), 1):
                    guard !touchesBefore, !touchesAfter else { throw Self.notWhole("#") }
                    guard isLast, index == levels.count - 1 else {
                        throw Malformed(message: "`#` is only allowed at the end", hint: "use `+` for one level")
                    }
                    tokens.append(index == 0 ? .anyTopic : .anyDeeper)
                case _:
                    if level.contains(UInt8(ascii: "+")) { throw Self.notWhole("+") }
                    if level.contains(UInt8(ascii: "#")) { throw Self.notWhole("#") }
                    append((index > 0 ? [UInt8(ascii: "/")] : []) + level)
                }
            }
        }

        private mutating func append(_ bytes: [UInt8]) {
            guard !bytes.isEmpty else { return }
            let start = Int32(literals.count)
            literals.append(contentsOf: bytes)
            if case .literal(let before, let count)? = tokens.last {
                tokens[tokens.count - 1] = .literal(start: before, count: count + Int32(bytes.count))
            } else {
                tokens.append(.literal(start: start, count: Int32(bytes.count)))
            }
        }

        private static func notWhole(_ wildcard: String) -> Malformed {
            Malformed(
                message: "`\(wildcard)` has to be a whole level", hint: "put `/` between it and what it touches")
        }
    }
}

/// The values of one device's placeholders, in one allocation: the offsets first, then the bytes.
struct PlaceholderValues: Sendable, Hashable {
    /// For n values: n + 1 offsets of two bytes each, big-endian, counted from the start; then the values, each at
    /// `range(of:)`.
    let storage: [UInt8]

    init(_ values: [[UInt8]]) {
        var storage: [UInt8] = []
        var offset = (values.count + 1) * 2
        storage.reserveCapacity(offset + values.reduce(0) { $0 + $1.count })
        for value in values + [[]] {
            // At most `capturesPerProfileMax` + 2 values of `identityBytesMax` bytes: below 65,536.
            storage.append(UInt8(truncatingIfNeeded: offset >> 8))
            storage.append(UInt8(truncatingIfNeeded: offset))
            offset += value.count
        }
        for value in values { storage.append(contentsOf: value) }
        self.storage = storage
    }

    func range(of index: Int) -> Range<Int> {
        Self.range(of: index, in: storage.span)
    }

    /// The same, of a storage that is at hand.
    static func range(of index: Int, in storage: Span<UInt8>) -> Range<Int> {
        let start = offset(index, in: storage)
        // The offsets only grow.
        return start..<max(start, offset(index &+ 1, in: storage))
    }

    func value(_ index: Int) -> ArraySlice<UInt8> {
        storage[range(of: index)]
    }

    private static func offset(_ index: Int, in storage: Span<UInt8>) -> Int {
        Int(storage[index &* 2]) &<< 8 | Int(storage[index &* 2 &+ 1])
    }
}
