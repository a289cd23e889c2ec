/// QoS 2 exchanges that the gateway answers itself, because the PUBLISH that began them was not forwarded.
///
/// After the gateway's PUBREC the sender releases with PUBREL; forwarding that would confuse a receiver which never saw
/// the PUBLISH (MQTT 3.1.1 has no failing PUBREC that would end the exchange at once).
struct RefusedExchanges {
    private var identifiers: Set<UInt16> = []
    private let countMax: Int

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// An exchange is answered by the gateway from here on. False when too many are open.
    mutating func began(_ identifier: UInt16) -> Bool {
        guard self.identifiers.count < self.countMax || self.identifiers.contains(identifier) else { return false }
        self.identifiers.insert(identifier)
        return true
    }

    /// A PUBREL arrived: true when the gateway has to answer it.
    mutating func released(_ identifier: UInt16) -> Bool {
        !self.identifiers.isEmpty && self.identifiers.remove(identifier) != nil
    }
}
