/// How many new rows of the journal are let through, in each minute: so many of one subscriber, so many of all. A value.
struct JournalRowLimit: Sendable {
    /// Subscribers counted in one minute. Beyond these the limit of all is the one that holds.
    static let subscribersMax = 16_384

    let ofAddress: Int
    let ofAll: Int
    private var minute: Int64 = .min
    private var rows = 0
    private var rowsOf: [String: Int] = [:]

    init(ofAddress: Int, ofAll: Int) {
        self.ofAddress = ofAddress
        self.ofAll = ofAll
    }

    /// Whether one more row may be begun; it counts then.
    mutating func take(address: String, at now: Int64) -> Bool {
        if now / 60 != minute {
            minute = now / 60
            rows = 0
            rowsOf = [:]
        }
        guard rows < ofAll else { return false }
        let subscriber = ClientNetwork.subscriber(ofHost: address)
        let taken = rowsOf[subscriber] ?? 0
        guard taken < ofAddress else { return false }
        if taken > 0 || rowsOf.count < Self.subscribersMax { rowsOf[subscriber] = taken + 1 }
        rows += 1
        return true
    }
}
