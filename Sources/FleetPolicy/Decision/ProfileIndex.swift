/// Finds the profiles that a certificate can match at all, without trying the others.
///
/// Of each profile's conditions one is its key: a value that has to be there, or the text a value has to begin with;
/// the one that the fewest profiles share. A certificate's values and their beginnings are looked up among the keys. A
/// profile without such a condition is always tried. What is found is a superset of what matches: hashes may collide.
struct ProfileIndex: Sendable {
    /// Profiles with one key: a range of `places`.
    private struct Slot {
        var key: UInt64 = 0
        var start: Int32 = 0
        var count: Int32 = 0
    }

    /// Open addressing with linear probing, at most half full.
    private let slots: [Slot]
    private let places: [Int32]
    /// Places of the profiles that have no key, ascending.
    private let always: [Int32]
    /// The codes of the fields with whole values among the keys.
    private let wholeFields: ByteSet
    /// By the code of a field: the longest text a value has to begin with; 0 where there are no patterns.
    private let prefixCounts: [Int]
    /// The lengths of such texts: true at n for n bytes.
    private let prefixLengths: [Bool]
    private let usesListener: Bool
    private let usesTLSVersion: Bool
    private let listenerHash = MatchField.listener.key.hash
    private let tlsVersionHash = MatchField.tlsVersion.key.hash
    private let serverName = MatchField.serverName.key

    private struct Candidate {
        let key: UInt64
        let field: MatchField
        let prefixCount: Int?
    }

    /// - Parameter matchers: of all profiles, in the order of their rank; their places are their indexes.
    init(_ matchers: [CertificateMatcher]) {
        let candidates = matchers.map { $0.conditions.map(Self.candidates) }
        var shares: [UInt64: Int] = [:]
        for candidate in candidates.joined().joined() { shares[candidate.key, default: 0] += 1 }
        var places: [UInt64: [Int32]] = [:]
        var always: [Int32] = []
        var wholeFields = ByteSet()
        var prefixCounts = [Int](repeating: 0, count: 256)
        var lengths = [Bool](repeating: false, count: PolicyBounds.matchedValueBytesMax + 1)
        var usesListener = false
        var usesTLSVersion = false
        for (place, ofConditions) in candidates.enumerated() {
            let cost = { (keys: [Candidate]) in keys.reduce(0) { $0 + (shares[$1.key] ?? 0) } }
            guard let keys = ofConditions.filter({ !$0.isEmpty }).min(by: { cost($0) < cost($1) }) else {
                always.append(Int32(place))
                continue
            }
            for candidate in keys {
                places[candidate.key, default: []].append(Int32(place))
                usesListener = usesListener || candidate.field == .listener
                usesTLSVersion = usesTLSVersion || candidate.field == .tlsVersion
                let code = candidate.field.key.code
                guard let count = candidate.prefixCount else {
                    wholeFields.insert(code)
                    continue
                }
                lengths[count] = true
                prefixCounts[Int(code)] = max(prefixCounts[Int(code)], count)
            }
        }
        var capacity = 4
        while capacity < places.count * 2 { capacity *= 2 }
        var slots = [Slot](repeating: Slot(), count: capacity)
        var all: [Int32] = []
        for (key, found) in places {
            var position = Int(truncatingIfNeeded: key) & (capacity - 1)
            while slots[position].count > 0 { position = (position + 1) & (capacity - 1) }
            slots[position] = Slot(key: key, start: Int32(all.count), count: Int32(found.count))
            all += found
        }
        self.slots = slots
        self.places = all
        self.always = always
        self.wholeFields = wholeFields
        self.prefixCounts = prefixCounts
        self.prefixLengths = lengths
        self.usesListener = usesListener
        self.usesTLSVersion = usesTLSVersion
    }

    /// The places of the profiles to try, ascending, each once.
    func candidates(for context: MatchContext) -> [Int32] {
        var found: [Int32] = []
        for entry in context.text.entries {
            if wholeFields.contains(entry.code) { look(up: Self.wholeKey(entry.hash), &found) }
            let prefixCount = prefixCounts[Int(entry.code)]
            if prefixCount > 0 {
                let value = context.text.bytes.span.extracting(entry.range)
                lookUpPrefixes(of: value, atMost: prefixCount, entry.fieldHash, &found)
            }
        }
        if let anchor = context.circumstances.trustAnchor {
            look(up: Self.wholeKey(anchor.textHash), &found)
            look(up: Self.wholeKey(anchor.fingerprintHash), &found)
        }
        if usesListener {
            look(up: Self.wholeKey(listenerHash.combining(context.circumstances.listener.utf8)), &found)
        }
        if usesTLSVersion {
            look(up: Self.wholeKey(tlsVersionHash.combining(context.circumstances.tlsVersion.rawValue.utf8)), &found)
        }
        if let name = context.serverName {
            look(up: Self.wholeKey(serverName.hash.combining(name)), &found)
            lookUpPrefixes(of: name.span, atMost: prefixCounts[Int(serverName.code)], serverName.hash, &found)
        }
        return Self.merge(found, always)
    }

    private func lookUpPrefixes(
        of value: Span<UInt8>, atMost countMax: Int, _ fieldHash: ValueHash, _ found: inout [Int32]
    ) {
        var hash = fieldHash
        for index in 0..<min(value.count, countMax) {
            hash.combine(value[index])
            if prefixLengths[index + 1] { look(up: Self.prefixKey(hash), &found) }
        }
    }

    private func look(up key: UInt64, _ found: inout [Int32]) {
        var position = Int(truncatingIfNeeded: key) & (slots.count - 1)
        while true {
            let slot = slots[position]
            guard slot.count > 0 else { return }
            if slot.key == key {
                for place in Int(slot.start)..<Int(slot.start + slot.count) { found.append(places[place]) }
                return
            }
            position = (position + 1) & (slots.count - 1)
        }
    }

    private static func merge(_ found: [Int32], _ always: [Int32]) -> [Int32] {
        guard !found.isEmpty else { return always }
        if found.count == 1, always.isEmpty { return found }
        let sorted = found.sorted()
        var merged: [Int32] = []
        merged.reserveCapacity(sorted.count + always.count)
        var rest = always[...]
        for place in sorted {
            while let next = rest.first, next < place {
                merged.append(next)
                rest.removeFirst()
            }
            if merged.last != place { merged.append(place) }
        }
        merged.append(contentsOf: rest)
        return merged
    }

    // MARK: Keys

    private static func wholeKey(_ hash: ValueHash) -> UInt64 { mixed(hash.value) }

    private static func prefixKey(_ hash: ValueHash) -> UInt64 { mixed(hash.value ^ 0x9E37_79B9_7F4A_7C15) }

    /// Spreads the hash over the low bits, which choose the slot.
    private static func mixed(_ value: UInt64) -> UInt64 {
        let mixed = (value ^ (value >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ (mixed >> 32)
    }

    /// The keys of one condition: one of them is there whenever the condition holds. None: it cannot be looked up.
    private static func candidates(of condition: MatchCondition) -> [Candidate] {
        let field = condition.field
        let hash = condition.fieldHash
        switch condition.test {
        case .pattern(let pattern, _) where pattern.isLiteral:
            let key = wholeKey(hash.combining(pattern.prefix))
            return [Candidate(key: key, field: field, prefixCount: nil)]
        case .pattern(let pattern, _):
            let count = pattern.prefix.count
            // A longer one matches nothing.
            guard count > 0, count <= PolicyBounds.matchedValueBytesMax else { return [] }
            let key = prefixKey(hash.combining(pattern.prefix))
            return [Candidate(key: key, field: field, prefixCount: count)]
        case .oneOf(let values):
            return values.map {
                Candidate(key: wholeKey(hash.combining($0)), field: field, prefixCount: nil)
            }
        case .range:
            return []
        }
    }
}
