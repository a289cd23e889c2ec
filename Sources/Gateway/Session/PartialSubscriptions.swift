internal import MQTTCodec

/// SUBSCRIBE packets of which only some filters went to the broker, until the SUBACK comes: then the gateway's own
/// refusals and the broker's answers are put together in the order the device asked (MQTT-3.8.4-6).
struct PartialSubscriptions {
    /// What is decided about one filter of a SUBSCRIBE.
    enum Disposition: Hashable {
        /// Sent to the broker, whose answer counts.
        case forwarded
        /// Refused by the gateway, with this answer.
        case refused(MQTTReasonCode)
    }

    private var pending: [UInt16: [Disposition]] = [:]
    private let countMax: Int

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// A SUBSCRIBE with these dispositions went out. False when too many are pending.
    mutating func began(_ identifier: UInt16, _ dispositions: [Disposition]) -> Bool {
        guard self.pending.count < self.countMax else { return false }
        self.pending[identifier] = dispositions
        return true
    }

    /// The broker answered: `nil` if this SUBSCRIBE was forwarded whole, so that its SUBACK passes as it is.
    ///
    /// A broker that answers with too few codes leaves filters unanswered; those are reported as failed, because a
    /// device must not believe in a subscription nobody confirmed.
    mutating func answered(_ identifier: UInt16, with codes: [MQTTReasonCode]) -> [MQTTReasonCode]? {
        guard !self.pending.isEmpty, let dispositions = self.pending.removeValue(forKey: identifier) else {
            return nil
        }
        var brokerCodes = codes.makeIterator()
        return dispositions.map { disposition in
            switch disposition {
            case .forwarded: brokerCodes.next() ?? .unspecifiedError
            case .refused(let code): code
            }
        }
    }
}
