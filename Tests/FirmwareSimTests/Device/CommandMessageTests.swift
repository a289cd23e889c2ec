import NIOCore
import Testing

@testable import FirmwareSim

@Suite struct CommandMessageTests {
    private func parse(_ text: String) -> CommandMessage? {
        CommandMessage(ByteBuffer(string: text), qos: 1)
    }

    @Test func aCommandIsAnsweredWithItsIdentifierAndFiller() throws {
        let sent = CommandMessage.command(
            identifier: 7, replyTopic: "a/b", filler: ByteBuffer(string: "xxxxxxxxxxxxxxxxxxxx"), bytes: 16,
            allocator: ByteBufferAllocator())
        #expect(String(buffer: sent) == "cmd 7 a/b xxxxxx")
        guard case .command(let answer) = CommandMessage(sent, qos: 0) else {
            Issue.record("no command")
            return
        }
        #expect(answer.topic == "a/b")
        #expect(answer.qos == 0)
        let back = answer.payload(allocator: ByteBufferAllocator())
        #expect(String(buffer: back) == "ack 7 xxxxxx")
        #expect(CommandMessage(back, qos: 1) == .answer(identifier: 7))
    }

    @Test func aHeadLongerThanThePayloadIsSentWhole() {
        let sent = CommandMessage.command(
            identifier: 4_000_000_000, replyTopic: "a/b", filler: ByteBuffer(string: "xx"), bytes: 0,
            allocator: ByteBufferAllocator())
        #expect(String(buffer: sent) == "cmd 4000000000 a/b ")
    }

    @Test(
        arguments: [
            "", " ", "cmd", "cmd ", "cmd  a", "cmd 1", "cmd 1 ", "cmd 1  x", "cmd 123456789012345678901 a",
            "cmd 1 a/+ x",
            "cmd 1 # x", "cmdx 1 a", "CMD 1 a", "ack", "ack ", "ack x", "ack -1", "ack 4294967296", "ack 1.5",
            "ack 99999999999999999999999", "telemetry", "cmd 1 \u{0}",
        ])
    func whatIsNeitherIsNothing(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func aTopicThatIsTooLongIsNothing() {
        let topic = String(repeating: "a", count: SimulatorLimits.replyTopicBytesMax)
        #expect(parse("cmd 1 \(topic) x") != nil)
        #expect(parse("cmd 1 \(topic)b x") == nil)
    }

    @Test func whatIsNotTextIsNothing() {
        #expect(CommandMessage(ByteBuffer(bytes: [0x63, 0x6D, 0x64, 0x20, 0xFF, 0xFE, 0x20, 0x61]), qos: 0) == nil)
        #expect(CommandMessage(ByteBuffer(bytes: [0x61, 0x63, 0x6B, 0x20, 0xC0, 0x80]), qos: 0) == nil)
    }
}
