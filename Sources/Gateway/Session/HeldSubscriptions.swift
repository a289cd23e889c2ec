internal import MQTTCodec

/// The subscriptions a device has made in this connection, in its own view: what the profile's bound counts, and what
/// is looked through when new rules come.
///
/// A subscription counts from its SUBSCRIBE on, so that a device cannot get beyond the bound by not waiting for answers;
/// one that the broker refuses counts no longer. Those of an earlier connection are known to the broker alone.
struct HeldSubscriptions {
    /// One of them.
    struct Held {
        /// Filter and options as the broker has them; the QoS is the highest that it may have granted.
        var subscription: MQTTSubscription
        /// The Subscription Identifier of its SUBSCRIBE (MQTT 5.0, section 3.8.2.1.2).
        var identifier: UInt32?
        /// The broker holds it, whatever it answers to a SUBSCRIBE that is still to be answered.
        fileprivate var isConfirmed: Bool
        /// The SUBSCRIBE to be answered, and the place in it.
        fileprivate var request: UInt16?
        fileprivate var place: Int
    }

    /// By the filters' bytes: `String` would count canonically equivalent ones, which are several subscriptions to the
    /// broker, as one.
    private var held: [[UInt8]: Held] = [:]

    var count: Int { self.held.count }

    func contains(_ filter: [UInt8]) -> Bool { self.held[filter] != nil }

    /// A SUBSCRIBE with these subscriptions goes to the broker.
    mutating func requested(_ subscriptions: [MQTTSubscription], identifier: UInt32?, request: UInt16) {
        for (place, subscription) in subscriptions.enumerated() {
            let filter = Array(subscription.filter.utf8)
            let before = self.held[filter]
            self.held[filter] = Held(
                subscription: subscription, identifier: identifier,
                // Asked for twice before an answer: one of the two may be granted, whatever comes of the other.
                isConfirmed: before.map { $0.isConfirmed || $0.request != nil } ?? false, request: request, place: place
            )
        }
    }

    /// The broker answered a SUBSCRIBE: one code for each of its subscriptions, as long as it sent enough of them.
    mutating func answered(_ request: UInt16, with codes: [MQTTReasonCode]) {
        for (filter, entry) in self.held where entry.request == request {
            let code = entry.place < codes.count ? codes[entry.place] : .unspecifiedError
            if !code.isError {
                self.held[filter]?.isConfirmed = true
                let granted = MQTTQoS(rawValue: code.rawValue) ?? entry.subscription.qos
                self.held[filter]?.subscription.qos = min(granted, entry.subscription.qos)
            } else if !entry.isConfirmed {
                self.held[filter] = nil
                continue
            }
            self.held[filter]?.request = nil
        }
    }

    mutating func removed(_ filter: String) {
        guard !self.held.isEmpty else { return }
        self.held[Array(filter.utf8)] = nil
    }

    /// The QoS at the broker is lower from now on.
    mutating func lowered(_ filter: String, to qos: MQTTQoS) {
        self.held[Array(filter.utf8)]?.subscription.qos = qos
    }

    /// All of them, in the order of their filters' bytes.
    var sorted: [Held] {
        self.held.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }
}
