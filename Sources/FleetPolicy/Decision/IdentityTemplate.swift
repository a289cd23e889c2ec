/// A text made of literal parts and captured values: the device id or the tenant.
struct IdentityTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// The place of a capture in `CertificateMatcher.captureNames`.
        case capture(Int)
    }

    let parts: [Part]

    func fill(_ captured: CapturedValues) -> [UInt8] {
        var filled: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes): filled += bytes
            case .capture(let index): filled += captured.values[index]
            }
        }
        return filled
    }

    var captureIndexes: [Int] {
        parts.compactMap { part in
            switch part {
            case .literal: nil
            case .capture(let index): index
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
