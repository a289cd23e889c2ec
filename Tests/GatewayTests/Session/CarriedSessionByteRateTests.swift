internal import FleetPolicy
internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("CarriedSession: the byte rate")
struct CarriedSessionByteRateTests {
    private func conversation(
        _ version: MQTTProtocolVersion = .v5, perSecond: Int, burst: Int,
        _ onExceeded: MessageRate.ExceededAction, messages: MessageRate = MessageRate(perSecond: 1_000, burst: 1_000)
    ) throws -> CarriedConversation {
        let terms = try SessionTerms.make { limits in
            limits.byteRate = ByteRate(perSecond: perSecond, burst: burst, onExceeded: onExceeded)
            limits.messageRate = messages
        }
        return try CarriedConversation(version, terms: terms)
    }

    /// A PUBLISH of this many bytes in all.
    private func packet(_ byteCount: Int, _ version: MQTTProtocolVersion = .v5) throws -> MQTTPacket {
        let empty = try MQTTPacket.publish(Topic.up, payload: "").bytes(version).readableBytes
        return .publish(Topic.up, payload: String(repeating: "x", count: byteCount - empty))
    }

    @Test("bytes over the rate are carried and the device is not read for a while")
    func throttled() throws {
        var conversation = try self.conversation(perSecond: 100, burst: 200, .throttle)
        #expect(try conversation.delay(after: self.packet(100)) == nil)
        #expect(try conversation.delay(after: self.packet(100)) == nil)
        #expect(try conversation.delay(after: self.packet(50)) == .milliseconds(500))
        #expect(try conversation.delay(after: .pingreq) == nil)
        #expect(try conversation.delay(after: .subscribe((Topic.down, .atMostOnce))) == nil)
    }

    @Test("bytes over the rate end the session where the profile says so", arguments: MQTTProtocolVersion.allCases)
    func disconnects(version: MQTTProtocolVersion) throws {
        var conversation = try self.conversation(version, perSecond: 1, burst: 100, .disconnect)
        #expect(try conversation.device(self.packet(60, version)) == .passed)
        #expect(try conversation.device(.pingreq) == .passed)
        #expect(
            try conversation.device(self.packet(60, version))
                == .ended(.byteRateExceeded, .device, answer: .messageRateTooHigh)
        )
    }

    @Test("a packet larger than the burst passes after a pause, and is paid for")
    func largerThanTheBurst() throws {
        var conversation = try self.conversation(perSecond: 100, burst: 50, .disconnect)
        #expect(try conversation.device(self.packet(120)) == .passed)
        conversation.now = conversation.now + .milliseconds(1_100)
        #expect(try conversation.device(self.packet(120)) != .passed)
        var patient = try self.conversation(perSecond: 100, burst: 50, .disconnect)
        #expect(try patient.device(self.packet(120)) == .passed)
        patient.now = patient.now + .milliseconds(1_200)
        #expect(try patient.device(self.packet(120)) == .passed)
    }

    @Test("the longer of the two waits counts, and a refused PUBLISH costs as much as a permitted one")
    func bothRates() throws {
        let messages = MessageRate(perSecond: 1, burst: 1, onExceeded: .throttle)
        var conversation = try self.conversation(perSecond: 100, burst: 50, .throttle, messages: messages)
        #expect(try conversation.delay(after: self.packet(100)) == .milliseconds(500))
        #expect(try conversation.delay(after: self.packet(40)) == .seconds(1))
        #expect(
            try conversation.delay(after: .publish(Topic.foreign, payload: String(repeating: "x", count: 1_000))) != nil
        )
        var messagesEnd = try self.conversation(
            perSecond: 1, burst: 1, .disconnect, messages: MessageRate(perSecond: 1, burst: 0, onExceeded: .disconnect)
        )
        #expect(
            try messagesEnd.device(self.packet(40))
                == .ended(.messageRateExceeded, .device, answer: .messageRateTooHigh)
        )
    }

    @Test("a new byte rate holds from the next packet on, and an unchanged one keeps what was spent")
    func regranted() throws {
        func terms(_ burst: Int, subscriptions: Int = 32) throws -> SessionTerms {
            try .make {
                $0.byteRate = ByteRate(perSecond: 1, burst: burst, onExceeded: .disconnect)
                $0.subscriptionsMax = subscriptions
            }
        }
        var conversation = try CarriedConversation(.v5, terms: terms(100))
        #expect(try conversation.device(self.packet(100)) == .passed)
        var same = conversation
        _ = same.session.regranted(try Grants.make(), terms: try terms(100, subscriptions: 1), now: same.now)
        #expect(
            try same.device(self.packet(100)) == .ended(.byteRateExceeded, .device, answer: .messageRateTooHigh)
        )
        _ = conversation.session.regranted(try Grants.make(), terms: try terms(150), now: conversation.now)
        #expect(try conversation.device(self.packet(150)) == .passed)
    }
}
