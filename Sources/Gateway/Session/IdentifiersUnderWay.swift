/// Packet identifiers of exchanges that a device has begun and nobody has ended yet.
struct IdentifiersUnderWay {
    private var identifiers: Set<UInt16> = []
    /// How many are remembered at most.
    let countMax: Int
    /// Whether there were once more than that: from then on some may be under way that are not remembered.
    private(set) var isIncomplete = false

    init(countMax: Int) {
        self.countMax = countMax
    }

    var count: Int { self.identifiers.count }

    /// An exchange begins, or its first packet comes again. False when there are as many as can be remembered.
    mutating func began(_ identifier: UInt16) -> Bool {
        if self.identifiers.count >= self.countMax, !self.identifiers.contains(identifier) {
            self.isIncomplete = true
            return false
        }
        self.identifiers.insert(identifier)
        return true
    }

    mutating func ended(_ identifier: UInt16) {
        self.identifiers.remove(identifier)
    }

    func contains(_ identifier: UInt16) -> Bool { self.identifiers.contains(identifier) }
}
