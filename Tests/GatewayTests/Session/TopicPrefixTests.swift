internal import MQTTCodec
internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("TopicPrefix")
struct TopicPrefixTests {
    @Test("a name, a filter and a shared filter get the prefix where their topic begins (section 4.8.2)")
    func added() {
        let prefix = TopicPrefix("hamburg/")
        let filters = [
            ("a", "hamburg/a"), ("#", "hamburg/#"), ("+/b", "hamburg/+/b"), ("/", "hamburg//"),
            ("$share/g/a/#", "$share/g/hamburg/a/#"), ("$share/g/#", "$share/g/hamburg/#"),
            ("$share/hamburg//", "$share/hamburg/hamburg//"), ("$SYS/#", "hamburg/$SYS/#"),
            ("$shared/g/a", "hamburg/$shared/g/a"), ("$share/g/$share/h/a", "$share/g/hamburg/$share/h/a"),
            // A combining mark after the slash makes one Character of the two.
            ("$share/g/\u{301}x", "$share/g/hamburg/\u{301}x"), ("$share/\u{301}g/x", "$share/\u{301}g/hamburg/x"),
        ]
        for (filter, expected) in filters {
            #expect(prefix.added(toFilter: filter)?.utf8.elementsEqual(expected.utf8) == true, "\(filter)")
        }
        #expect(prefix.added(toName: "$share/g/a") == "hamburg/$share/g/a", "a name is no filter")
    }

    @Test("a topic below the prefix loses it, and any other is not the device's")
    func removed() {
        let prefix = TopicPrefix("hamburg/nord/")
        for (topic, name) in [
            ("hamburg/nord/a", "a"), ("hamburg/nord//", "/"), ("hamburg/nord/hamburg/nord/a", "hamburg/nord/a"),
            ("hamburg/nord/", nil), ("hamburg/nord", nil), ("hamburg/nor", nil), ("hamburg/nordsee/a", nil),
            ("Hamburg/nord/a", nil), ("/hamburg/nord/a", nil), ("a", nil), ("", nil), ("hamburg/nore/a", nil),
        ] as [(String, String?)] {
            #expect(prefix.removed(from: ByteBuffer(string: topic)).map { String(buffer: $0) } == name, "\(topic)")
        }
    }

    @Test("what is removed is a slice, wherever the topic lies in its packet")
    func slices() {
        var packet = ByteBuffer(string: "0123hamburg/rest")
        packet.moveReaderIndex(forwardBy: 4)
        let name = TopicPrefix("hamburg/").removed(from: packet)
        #expect(name.map { String(buffer: $0) } == "rest")
    }

    @Test("no prefix changes nothing")
    func empty() {
        let prefix = TopicPrefix("")
        #expect(prefix.isEmpty && prefix.byteCount == 0 && prefix.levelCount == 0)
        #expect(prefix.added(toFilter: "$share/g/a") == "$share/g/a")
        #expect(prefix.removed(from: ByteBuffer(string: "a")) == ByteBuffer(string: "a"))
        #expect(prefix.removed(from: ByteBuffer()) == ByteBuffer())
    }

    @Test("no topic gets longer than MQTT's 65,535 bytes (section 1.5.4)")
    func tooLong() {
        let prefix = TopicPrefix(String(repeating: "p", count: 65_000) + "/")
        #expect(prefix.added(toName: String(repeating: "x", count: 534))?.utf8.count == 65_535)
        for count in [535, 536, 65_535] {
            #expect(prefix.added(toName: String(repeating: "x", count: count)) == nil)
            #expect(prefix.added(toFilter: String(repeating: "x", count: count)) == nil)
        }
    }

    @Test("levels count like slashes")
    func levels() {
        #expect(TopicPrefix("a/").levelCount == 1)
        #expect(TopicPrefix("a/b/").levelCount == 2)
        #expect(TopicPrefix("/").levelCount == 1)
    }
}
