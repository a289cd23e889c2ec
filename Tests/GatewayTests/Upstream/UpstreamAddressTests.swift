internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("UpstreamAddress")
struct UpstreamAddressTests {
    @Test(
        "good addresses",
        arguments: [
            ("tcp://broker", UpstreamAddress.Transport.tcp(host: "broker", port: 1883)),
            ("tcp://broker:1", .tcp(host: "broker", port: 1)),
            ("tcp://192.0.2.1:65535", .tcp(host: "192.0.2.1", port: 65_535)),
            ("tcp://[::1]", .tcp(host: "::1", port: 1883)),
            ("tcp://[2001:db8::1]:1884", .tcp(host: "2001:db8::1", port: 1884)),
            ("tcp://[fe80::1%eth0]:1883", .tcp(host: "fe80::1%eth0", port: 1883)),
            ("tcp://[::ffff:192.0.2.1]:1883", .tcp(host: "::ffff:192.0.2.1", port: 1883)),
            ("tls://mqtt_broker.example.org", .tls(host: "mqtt_broker.example.org", port: 8883)),
            ("tls://broker:443", .tls(host: "broker", port: 443)),
            ("unix:/run/broker.sock", .unix(path: "/run/broker.sock")),
            ("unix:///run/broker.sock", .unix(path: "/run/broker.sock")),
            ("unix:/run/with space:and colon", .unix(path: "/run/with space:and colon")),
        ]
    )
    func good(text: String, transport: UpstreamAddress.Transport) throws {
        #expect(try UpstreamAddress(parsing: text).transport == transport)
    }

    @Test(
        "malformed addresses",
        arguments: [
            "", " ", "broker", "broker:1883", "//broker", "http://broker", "mqtt://broker:1883", "TCP://broker",
            " tcp://broker", "tcp:broker", "tcp:/broker", "tcp//broker", "tcp://", "tls://", "tcp://:1883", "tls://:",
            // Ports.
            "tcp://broker:", "tcp://broker:0", "tcp://broker:65536", "tcp://broker:-1", "tcp://broker:+1883",
            "tcp://broker:1883x", "tcp://broker: 1883", "tcp://broker:1883 ", "tcp://broker:0x75b",
            "tcp://broker:99999999999999999999", "tcp://broker:1883:", "tcp://broker:1883/topic", "tcp://broker:١٨٨٣",
            // IPv6 outside brackets, and brackets around something else.
            "tcp://::1", "tcp://::1:1883", "tcp://2001:db8::1:1883", "tcp://[::1", "tcp://::1]", "tcp://[::1]1883",
            "tcp://[::1]x:1883", "tcp://x[::1]:1883", "tcp://[]", "tcp://[]:1883", "tcp://[broker]:1883",
            "tcp://[[::1]]:1883", "tcp://[::1]]:1883", "tcp://[::1 ]:1883", "tcp://[::1\0]",
            // Host names.
            "tcp://user@broker", "tcp://user:secret@broker", "tcp://broker/", "tcp://broker?x", "tcp://broker#x",
            "tcp://bro ker", "tcp://broker\n", "tcp://\tbroker", "tcp://bro\0ker", "tcp://bröker", "tcp://*",
            "tcp://a,b", "tls://tcp://broker", "tcp://" + String(repeating: "a", count: 254),
            // Paths.
            "unix:", "unix://", "unix:/", "unix:///", "unix:broker.sock", "unix:./broker.sock",
            "unix://run/broker.sock",
            "unix:/run/", "unix:/run/broker.sock/", "unix:/run/a\0b", "unix:/run/a\nb", "unix:~/broker.sock",
            "unix:/" + String(repeating: "a", count: 103), "unix:/" + String(repeating: "ä", count: 52),
            "unix:\u{301}/run/broker.sock", "unix",
        ]
    )
    func malformed(text: String) {
        #expect(throws: UpstreamAddress.ParsingError.self) { try UpstreamAddress(parsing: text) }
    }

    @Test("the longest path is one that a socket address takes")
    func longestPath() throws {
        let path = "/" + String(repeating: "a", count: UpstreamAddress.unixPathBytesMax - 1)
        #expect(try UpstreamAddress(parsing: "unix:" + path).transport == .unix(path: path))
        #expect(try SocketAddress(unixDomainSocketPath: path).pathname == path)
        #expect(throws: UpstreamAddress.ParsingError.self) { try UpstreamAddress(parsing: "unix:" + path + "a") }
    }

    @Test(
        "the description is read back as the same address",
        arguments: ["tcp://broker:1883", "tls://[2001:db8::1]:8883", "unix:/run/broker.sock", "tls://192.0.2.1:443"]
    )
    func description(text: String) throws {
        #expect(try UpstreamAddress(parsing: text).description == text)
    }

    @Test("an error does not repeat what may be a password")
    func errorHasNoValue() {
        let error = #expect(throws: UpstreamAddress.ParsingError.self) {
            try UpstreamAddress(parsing: "tcp://user:geheim@broker")
        }
        #expect(error?.description.contains("geheim") == false)
    }
}
