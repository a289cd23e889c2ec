internal import MQTTCodec
internal import Testing

@testable internal import Gateway

@Suite("PartialSubscriptions (MQTT-3.8.4-6: one code for each filter, in its order)")
struct PartialSubscriptionsTests {
    @Test("refusals and the broker's answers are put together in order")
    func merges() {
        var partial = PartialSubscriptions(countMax: 4)
        let began = partial.began(7, [.refused(.notAuthorized), .forwarded, .refused(.quotaExceeded), .forwarded])
        let codes = partial.answered(7, with: [.grantedQoS1, .topicFilterInvalid])
        #expect(began)
        #expect(codes == [.notAuthorized, .grantedQoS1, .quotaExceeded, .topicFilterInvalid])
    }

    @Test("a SUBSCRIBE that was forwarded whole has a SUBACK that passes")
    func whole() {
        var partial = PartialSubscriptions(countMax: 4)
        let nothingPending = partial.answered(7, with: [.grantedQoS0])
        _ = partial.began(7, [.forwarded, .refused(.notAuthorized)])
        let another = partial.answered(8, with: [.grantedQoS0])
        #expect(nothingPending == nil)
        #expect(another == nil)
    }

    @Test("an answer counts once")
    func once() {
        var partial = PartialSubscriptions(countMax: 4)
        _ = partial.began(7, [.forwarded, .refused(.notAuthorized)])
        let first = partial.answered(7, with: [.grantedQoS0])
        let second = partial.answered(7, with: [.grantedQoS0])
        #expect(first == [.grantedQoS0, .notAuthorized])
        #expect(second == nil)
    }

    @Test("a broker that answers with too few codes has confirmed nothing for the rest")
    func tooFew() {
        var partial = PartialSubscriptions(countMax: 4)
        _ = partial.began(7, [.forwarded, .refused(.notAuthorized), .forwarded, .forwarded])
        let codes = partial.answered(7, with: [.grantedQoS2])
        #expect(codes == [.grantedQoS2, .notAuthorized, .unspecifiedError, .unspecifiedError])
    }

    @Test("a broker that answers with too many codes changes no other filter's answer")
    func tooMany() {
        var partial = PartialSubscriptions(countMax: 4)
        _ = partial.began(7, [.refused(.notAuthorized), .forwarded])
        let codes = partial.answered(7, with: [.grantedQoS0, .grantedQoS1, .grantedQoS2])
        #expect(codes == [.notAuthorized, .grantedQoS0])
    }

    @Test("answers in another order than the requests find their request")
    func anyOrder() {
        var partial = PartialSubscriptions(countMax: 4)
        _ = partial.began(1, [.forwarded, .refused(.notAuthorized)])
        _ = partial.began(2, [.refused(.quotaExceeded), .forwarded])
        let second = partial.answered(2, with: [.grantedQoS2])
        let first = partial.answered(1, with: [.grantedQoS1])
        #expect(second == [.quotaExceeded, .grantedQoS2])
        #expect(first == [.grantedQoS1, .notAuthorized])
    }

    @Test("no more than the bound are pending, and an answer makes room")
    func bounded() {
        var partial = PartialSubscriptions(countMax: 2)
        let began = [1, 2, 3].map { partial.began($0, [.forwarded, .refused(.notAuthorized)]) }
        _ = partial.answered(1, with: [.grantedQoS0])
        let afterwards = partial.began(3, [.forwarded, .refused(.notAuthorized)])
        #expect(began == [true, true, false])
        #expect(afterwards)
    }
}
