internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("TopicAliasTable (MQTT 5.0, section 3.3.2.3.4)")
struct TopicAliasTableTests {
    private func header(_ topic: String, alias: UInt16?) throws -> MQTTPublishHeader {
        try MQTTPacket.publish(topic, alias: alias).frame(.v5).publishHeader(version: .v5, limits: MQTTLimits())
    }

    private func resolve(
        _ table: inout TopicAliasTable, _ topic: String, alias: UInt16?, forwarding: Bool = true
    ) throws -> (topic: String, needsTopic: Bool)? {
        let header = try self.header(topic, alias: alias)
        guard let resolution = table.resolve(header) else { return nil }
        if forwarding { table.forwarded(header) }
        return (String(buffer: resolution.topic), resolution.needsTopic)
    }

    @Test("a topic without an alias is itself")
    func noAlias() throws {
        var table = TopicAliasTable(maximum: 0)
        let resolved = try #require(try self.resolve(&table, "a", alias: nil))
        #expect(resolved == ("a", false))
    }

    @Test("an alias stands for its topic, and the receiver knows it when the setting PUBLISH was forwarded")
    func set() throws {
        var table = TopicAliasTable(maximum: 2)
        let set = try #require(try self.resolve(&table, "a", alias: 2))
        let used = try #require(try self.resolve(&table, "", alias: 2))
        #expect(set == ("a", false))
        #expect(used == ("a", false))
    }

    @Test("the receiver does not know an alias whose setting PUBLISH was refused")
    func refused() throws {
        var table = TopicAliasTable(maximum: 2)
        _ = try self.resolve(&table, "a", alias: 1, forwarding: false)
        let refusedAgain = try #require(try self.resolve(&table, "", alias: 1, forwarding: false))
        let forwarded = try #require(try self.resolve(&table, "", alias: 1))
        let known = try #require(try self.resolve(&table, "", alias: 1))
        #expect(refusedAgain == ("a", true))
        #expect(forwarded == ("a", true))
        #expect(known == ("a", false))
    }

    @Test("an alias set anew stands for the new topic, also where only the new one was refused")
    func reset() throws {
        var table = TopicAliasTable(maximum: 1)
        _ = try self.resolve(&table, "a", alias: 1)
        _ = try self.resolve(&table, "b", alias: 1, forwarding: false)
        let used = try #require(try self.resolve(&table, "", alias: 1))
        #expect(used == ("b", true))
    }

    @Test("an alias above the maximum is not valid, set or used (MQTT-3.3.2-9)", arguments: [1, 5, 65_535] as [UInt16])
    func aboveMaximum(alias: UInt16) throws {
        var table = TopicAliasTable(maximum: alias - 1)
        #expect(try self.resolve(&table, "a", alias: alias) == nil)
        #expect(try self.resolve(&table, "", alias: alias) == nil)
    }

    @Test("an alias that was never set is not valid (MQTT-3.3.2-12)")
    func neverSet() throws {
        var table = TopicAliasTable(maximum: 4)
        _ = try self.resolve(&table, "a", alias: 1)
        #expect(try self.resolve(&table, "", alias: 2) == nil)
    }

    @Test("a remembered topic keeps no packet alive")
    func ownsItsBytes() throws {
        var table = TopicAliasTable(maximum: 1)
        let packet = MQTTPacket.publish("a", alias: 1, payload: String(repeating: "x", count: 100_000))
        let set = try packet.frame(.v5).publishHeader(version: .v5, limits: MQTTLimits())
        _ = table.resolve(set)
        let resolved = table.resolve(try self.header("", alias: 1))
        let resolution = try #require(resolved)
        #expect(resolution.topic.storageCapacity < 1_000)
    }
}
