internal import MQTTCodec
internal import Testing

@testable internal import Gateway

@Suite("HeldSubscriptions")
struct HeldSubscriptionsTests {
    private func subscriptions(_ filters: String..., qos: MQTTQoS = .exactlyOnce) -> [MQTTSubscription] {
        filters.map { MQTTSubscription(filter: $0, qos: qos) }
    }

    private func filters(_ held: HeldSubscriptions) -> [String] { held.sorted.map(\.subscription.filter) }

    @Test("a subscription counts from its SUBSCRIBE on, and one that the broker refuses no longer")
    func refused() {
        var held = HeldSubscriptions()
        held.requested(self.subscriptions("b", "a", "c"), identifier: nil, request: 7)
        #expect(held.count == 3)
        held.answered(8, with: [.unspecifiedError, .unspecifiedError, .unspecifiedError])
        #expect(held.count == 3, "the answer to another SUBSCRIBE")
        held.answered(7, with: [.grantedQoS1, .notAuthorized, .quotaExceeded])
        #expect(self.filters(held) == ["b"])
        held.answered(7, with: [.notAuthorized])
        #expect(self.filters(held) == ["b"], "an answer counts once")
    }

    @Test("the QoS held is what the broker granted, never more than was asked for (MQTT-3.8.4-7)")
    func granted() {
        var held = HeldSubscriptions()
        held.requested(self.subscriptions("a", qos: .atLeastOnce), identifier: 3, request: 1)
        held.answered(1, with: [.grantedQoS2])
        #expect(held.sorted.map(\.subscription.qos) == [.atLeastOnce])
        #expect(held.sorted.map(\.identifier) == [3])
        held.requested(self.subscriptions("a"), identifier: nil, request: 2)
        held.answered(2, with: [.grantedQoS0])
        #expect(held.sorted.map(\.subscription.qos) == [.atMostOnce])
        held.lowered("a", to: .atMostOnce)
        held.lowered("b", to: .atMostOnce)
        #expect(held.count == 1)
    }

    @Test("codes that are missing confirm nothing, and too many change nothing")
    func wrongNumberOfCodes() {
        var held = HeldSubscriptions()
        held.requested(self.subscriptions("a", "b"), identifier: nil, request: 1)
        held.answered(1, with: [.grantedQoS0])
        #expect(self.filters(held) == ["a"])
        held.requested(self.subscriptions("c"), identifier: nil, request: 2)
        held.answered(2, with: [.grantedQoS0, .notAuthorized, .notAuthorized])
        #expect(self.filters(held) == ["a", "c"])
        held.requested(self.subscriptions("d"), identifier: nil, request: 3)
        held.answered(3, with: [])
        #expect(self.filters(held) == ["a", "c"])
    }

    @Test("one that is asked for again and refused is held as before")
    func askedAgain() {
        var held = HeldSubscriptions()
        held.requested(self.subscriptions("a"), identifier: nil, request: 1)
        held.answered(1, with: [.grantedQoS1])
        held.requested(self.subscriptions("a"), identifier: nil, request: 2)
        held.answered(2, with: [.quotaExceeded])
        #expect(held.count == 1)
        // Twice before an answer, in two packets and in one: one of them may have been granted.
        held.requested(self.subscriptions("b"), identifier: nil, request: 3)
        held.requested(self.subscriptions("b"), identifier: nil, request: 4)
        held.answered(3, with: [.grantedQoS1])
        held.answered(4, with: [.notAuthorized])
        held.requested(self.subscriptions("c", "c"), identifier: nil, request: 5)
        held.answered(5, with: [.grantedQoS1, .notAuthorized])
        #expect(self.filters(held) == ["a", "b", "c"])
    }

    @Test("one that is given up is held no longer, and its late answer brings nothing back")
    func removed() {
        var held = HeldSubscriptions()
        held.removed("a")
        held.requested(self.subscriptions("a", "b"), identifier: nil, request: 1)
        held.removed("a")
        held.answered(1, with: [.grantedQoS0, .grantedQoS0])
        #expect(self.filters(held) == ["b"])
    }
}
