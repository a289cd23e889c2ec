import Testing

@testable import FleetPKI

@Suite struct AlternativeNameTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::1", "::1"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ])
    func addresses(_ text: String, _ canonical: String) throws {
        let octets = try #require(IPAddressText.octets(of: text))
        #expect(IPAddressText.text(of: octets) == canonical)
    }

    @Test(arguments: [
        "", "192.0.2", "192.0.2.256", "192.0.2.1 ", "192.0.2.1/24", "1.2.3.4.5", ":::", "fe80::1%eth0", "host",
        "192.0.2.1\u{0}x", "12345::",
    ])
    func malformedAddresses(_ text: String) throws {
        #expect(try code { try AlternativeName.ip(text).generalName() } == .invalidAlternativeName)
    }

    @Test(arguments: [
        AlternativeName.dns(""), .dns("bücher.example"), .uri("urn:x\n"), .email("ü@example.com"), .dns("a\u{0}b"),
    ])
    func malformedNames(_ name: AlternativeName) throws {
        #expect(try code { try name.generalName() } == .invalidAlternativeName)
    }

    @Test(arguments: [0, 3, 5, 15, 17])
    func octetsOfTheWrongCount(_ count: Int) {
        #expect(IPAddressText.text(of: [UInt8](repeating: 1, count: count)) == nil)
    }
}
