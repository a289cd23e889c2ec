internal import NIOCore
internal import Testing

@testable internal import Gateway

@Suite("SourceAddress")
struct SourceAddressTests {
    private func address(_ text: String, port: Int = 4_711) throws -> SourceAddress {
        SourceAddress(try SocketAddress(ipAddress: text, port: port))
    }

    @Test("a port makes no other peer")
    func port() throws {
        #expect(try self.address("192.0.2.1", port: 1) == self.address("192.0.2.1", port: 65_535))
        #expect(try self.address("2001:db8::1", port: 1) == self.address("2001:db8::1", port: 2))
    }

    @Test(
        "different peers",
        arguments: [
            ("192.0.2.1", "192.0.2.2"), ("0.0.0.0", "0.0.0.1"), ("2001:db8:0:1::1", "2001:db8:0:2::1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2"), ("192.0.2.1", "2001:db8::c000:201"), ("0.0.0.0", "::"),
            ("::ffff:0.0.0.0", "::"),
        ]
    )
    func different(one: String, other: String) throws {
        #expect(try self.address(one) != self.address(other))
    }

    @Test(
        "one peer",
        arguments: [
            // A host has its whole /64 to choose from.
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
            // The same IPv4 client through a dual-stack listener (RFC 4291, section 2.5.5.2).
            ("192.0.2.1", "::ffff:192.0.2.1"), ("255.255.255.255", "::ffff:255.255.255.255"),
        ]
    )
    func same(one: String, other: String) throws {
        #expect(try self.address(one) == self.address(other))
    }

    @Test("what has no IP address is one peer")
    func notIP() throws {
        let unix = SourceAddress(try SocketAddress(unixDomainSocketPath: "/run/a.sock"))
        #expect(unix == SourceAddress(nil))
        #expect(unix == SourceAddress(try SocketAddress(unixDomainSocketPath: "/run/b.sock")))
        #expect(try unix != self.address("0.0.0.0"))
    }
}
