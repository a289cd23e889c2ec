/// A text made of literal parts and captured values: the device id or the tenant.
struct IdentityTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        /// A range of `literals`.
        case literal(start: Int32, count: Int32)
        /// The place of a capture in `CertificateMatcher.captureNames`.
        case capture(Int32)
    }

    let parts: [Part]
    private let literals: [UInt8]

    /// The pieces a template is made of.
    enum Piece {
        case literal([UInt8])
        /// The place of a capture in `CertificateMatcher.captureNames`.
        case capture(Int)
    }

    init(_ pieces: [Piece]) {
        var parts: [Part] = []
        var literals: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .literal(let bytes):
                parts.append(.literal(start: Int32(literals.count), count: Int32(bytes.count)))
                literals += bytes
            case .capture(let index):
                parts.append(.capture(Int32(index)))
            }
        }
        self.parts = parts
        self.literals = literals
    }

    /// Appends the text with captured values in it.
    func fill(_ captured: CapturedValues, into filled: inout [UInt8]) {
        for part in parts {
            switch part {
            case .literal(let start, let count): filled += literals[Int(start)..<Int(start + count)]
            case .capture(let index): filled += captured.values[Int(index)]
            }
        }
    }

    var captureIndexes: [Int] {
        parts.compactMap { part in
            switch part {
            case .literal: nil
            case .capture(let index): Int(index)
            }
        }
    }
}

/// A text made of literal parts and placeholders: the prefix of a device's topics.
struct PrefixTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// The place of a placeholder in `PlaceholderValues`.
        case placeholder(Int)
    }

    /// Empty: no prefix.
    let parts: [Part]

    static let none = PrefixTemplate(parts: [])

    func fill(_ values: PlaceholderValues) -> String {
        guard !parts.isEmpty else { return "" }
        var filled: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes): filled += bytes
            case .placeholder(let index): filled += values.value(index)
            }
        }
        return String(decoding: filled, as: UTF8.self)
    }
}
