internal import FleetPolicy
internal import MQTTCodec
internal import Testing

@testable internal import Gateway

@Suite("SessionEnd: a grant that changes")
struct GrantChangeTests {
    @Test("other rules and limits are taken over")
    func carriesOn() throws {
        let held = try Grants.make()
        for grant in [
            try Grants.make(), try Grants.make(limits: ["packet-bytes": unit("1KiB")]),
            try Grants.make(subscribe: ["x"]),
            try Grants.make(will: false), try Grants.make(onDeniedPublish: "disconnect"), try Grants.registering(),
        ] {
            #expect(SessionEnd(changeFrom: held, to: grant) == nil)
        }
        #expect(
            SessionEnd(changeFrom: try Grants.withPassword(), to: held) == nil, "a password is not asked for any more")
    }

    @Test("what CONNECT was answered by cannot change within a session")
    func ends() throws {
        let held = try Grants.make()
        let others = [
            try Grants.make(serial: "8"), try Grants.make(name: "other"),
            try Grants.make(more: [("upstream", "north")]), try Grants.make(more: [("topic-prefix", "p/")]),
            try Grants.make(more: [("client-id", "equal")]), try Grants.withPassword(),
        ]
        for grant in others {
            let end = try #require(SessionEnd(changeFrom: held, to: grant))
            #expect(end.code == .profileChanged)
            #expect(end.fault == .operator)
            #expect(end.answer == .administrativeAction)
            #expect(SessionEnd(changeFrom: grant, to: grant) == nil)
        }
        #expect(
            SessionEnd(changeFrom: try Grants.withPassword("old"), to: try Grants.withPassword("new"))?.code
                == .profileChanged)
    }

    @Test("a grant that is lost ends the session by the denial's own code")
    func lost() {
        for code in PolicyDenial.Code.allCases {
            let end = SessionEnd(grantLost: PolicyDenial(code: code, detail: "CN=secret-name"))
            #expect(end.code.rawValue == code.rawValue)
            #expect(end.fault == (code == .certificateExpired ? .device : .operator))
            let isOperators = code == .deviceSuspended || code == .deviceRetired
            #expect(end.answer == (isOperators ? .administrativeAction : .notAuthorized))
            #expect(!end.detail.contains("secret"))
        }
    }
}

@Suite("SHA256Value")
struct SHA256ValueTests {
    @Test("32 bytes come back as they were; any other number is no hash")
    func bytes() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 + 1) }
        #expect(try #require(SHA256Value(bytes)).bytes == bytes)
        for index in 0..<32 {
            var other = bytes
            other[index] ^= 1
            #expect(SHA256Value(other) != SHA256Value(bytes))
        }
        for count in [0, 1, 20, 31, 33, 64] { #expect(SHA256Value([UInt8](repeating: 1, count: count)) == nil) }
    }
}
