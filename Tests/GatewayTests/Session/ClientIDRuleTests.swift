internal import FleetPolicy
internal import Testing

@testable internal import Gateway

@Suite("ClientIDRule")
struct ClientIDRuleTests {
    private static let meter = DeviceKey(tenant: "hamburg", deviceID: "meter-7")
    private static let long = String(repeating: "x", count: 64)

    @Test("equal is the device id, byte for byte")
    func equal() {
        #expect(ClientIDRule.equal.permits("meter-7", for: Self.meter))
        for name in ["", "meter-70", "meter-7-a", "Meter-7", "meter-7 ", "hamburg/meter-7", "meter", "\u{0}"] {
            #expect(!ClientIDRule.equal.permits(name, for: Self.meter), "\(name)")
        }
        #expect(
            !ClientIDRule.equal.permits("e\u{301}", for: DeviceKey(tenant: "hamburg", deviceID: "\u{E9}")),
            "canonically equivalent is another name")
    }

    @Test("assigned is empty, or the name that was assigned, with which a client comes back (section 3.1.3.1)")
    func assigned() {
        #expect(ClientIDRule.assigned.permits("", for: Self.meter))
        #expect(ClientIDRule.assigned.permits("hamburg/meter-7", for: Self.meter))
        for name in ["meter-7", "x", " ", "\u{0}", "hamburg/meter-70", "bremen/meter-7", "hamburg/meter-7/"] {
            #expect(!ClientIDRule.assigned.permits(name, for: Self.meter))
        }
    }

    @Test("free is anything")
    func free() {
        for name in ["", "#", "meter-8", "\u{1F600}"] {
            #expect(ClientIDRule.free.permits(name, for: Self.meter))
        }
    }

    @Test("extend is the device id, alone or with a separator and 1 to 64 bytes")
    func extended() {
        for name in [
            "meter-7", "meter-7-a", "meter-7.a", "meter-7:a", "meter-7_a", "meter-7--", "meter-7-\(Self.long)",
            "meter-7-\u{E9}", "meter-7-a b", "meter-7-\u{301}", "meter-7-$",
        ] {
            #expect(ClientIDRule.extend.permits(name, for: Self.meter), "\(name)")
        }
    }

    @Test(
        "what extends another way is refused",
        arguments: [
            "", "meter-", "meter-70", "meter-7a", "meter-7-", "meter-7.", "meter-7-\(Self.long)x",
            "meter-7-\(String(repeating: "\u{E9}", count: 33))", "meter-7-a/b", "meter-7-+", "meter-7-#", "meter-7/a",
            "meter-7 a", "meter-7-\u{0}", "meter-7-\u{1F}", "meter-7-\u{7F}", "meter-7-a\u{85}", "meter-7-\n",
            "xmeter-7-a", "METER-7-a", "hamburg/meter-7-a", "meter-7\u{301}-a", "meter-7~a", "meter-7-a\u{301}/",
        ]
    )
    func notExtended(name: String) {
        #expect(!ClientIDRule.extend.permits(name, for: Self.meter))
    }

    @Test("no two devices share a name at the broker, whatever they extend theirs by")
    func upstreamNames() throws {
        let seven = try Grants.make(serial: "7")
        let seventySeven = try Grants.make(serial: "77")
        for rule in ClientIDRule.allCases {
            #expect(seven.upstreamClientIdentifier(for: "meter-7", rule: rule) == "hamburg/meter-7")
        }
        for rule in [ClientIDRule.free, .equal, .assigned] {
            #expect(seven.upstreamClientIdentifier(for: "meter-8", rule: rule) == "hamburg/meter-7")
        }
        let extended = seven.upstreamClientIdentifier(for: "meter-7-7", rule: .extend)
        #expect(extended == "hamburg/meter-7/meter-7-7")
        // No device id holds a slash, so no device is called like another's extension.
        #expect(extended.hasPrefix(seven.upstreamIdentity + "/"))
        #expect(!extended.hasPrefix(seventySeven.upstreamIdentity))
    }
}
