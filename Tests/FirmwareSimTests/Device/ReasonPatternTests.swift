import Testing

@testable import FirmwareSim

@Suite struct ReasonPatternTests {
    @Test(
        arguments: [
            ("tls/alert-unknown-ca", true), ("*/alert-unknown-ca", true), ("tls/alert-*", true), ("tls/*", true),
            ("*/*", true), ("t*/alert-*", true), ("tls/alert-unknown-ca*", true), ("tcp/alert-unknown-ca", false),
            ("tls/alert-unknown", false), ("tls/alert-unknown-ca-more", false), ("connack/*", false),
            ("*/connack-*", false), ("s*/*", false),
        ])
    func matches(pattern: String, expected: Bool) throws {
        let pattern = try #require(ReasonPattern(pattern))
        #expect(pattern.matches(FailureReason(.tls, "alert-unknown-ca")) == expected)
        #expect(pattern.matches(phase: "tls", code: "alert-unknown-ca") == expected)
    }

    @Test(
        arguments: [
            "", "/", "tls", "tls/", "/eof", "tls/eof/x", "tsl/eof", "x*/eof", "*l*/eof", "tls/*eof", "tls/e*f",
            "tls/**",
            "**/eof", " tls/eof", "TLS/eof",
        ])
    func refuses(pattern: String) {
        #expect(ReasonPattern(pattern) == nil)
    }

    @Test(arguments: ["tls/eof", "*/alert-*", "s*/*"])
    func saysItself(pattern: String) throws {
        #expect(try #require(ReasonPattern(pattern)).description == pattern)
    }
}
