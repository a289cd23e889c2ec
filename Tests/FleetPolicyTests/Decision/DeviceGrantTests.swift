import FleetPolicy
import Testing

@Suite struct DeviceGrantTests {
    static let lists = """
        publish:
          - { topic: "{tenant}/{device}/data", qos: 1 }
          - { topic: "{tenant}/{device}/state/#", qos: 0, retain: true }
          - { topic: "{tenant}/{device}/state/big", qos: 2 }
        deny-publish:
          - "{tenant}/+/state/secret/#"
        subscribe:
          - { topic: "{tenant}/{device}/commands/#", qos: 1 }
          - { topic: "{tenant}/jobs/+", qos: 2, shared: true }
          - { topic: "{tenant}/jobs/#", qos: 0 }
          - "$SYS/broker/version"
        deny-subscribe:
          - "+/{device}/commands/factory/#"
        """

    @Test(
        arguments: [
            ("t1/d1/data", 0, false, PublishVerdict.granted), ("t1/d1/data", 1, false, .granted),
            ("t1/d1/state", 0, true, .granted), ("t1/d1/state/x/y", 0, true, .granted),
            ("t1/d1/state/big", 2, false, .granted),
            ("t1/d1/state/big", 0, true, .granted),
            ("t1/d1/data", 2, false, .denied(.qosTooHigh)), ("t1/d1/data", 1, true, .denied(.retainNotAllowed)),
            ("t1/d1/data", 3, false, .denied(.qosTooHigh)), ("t1/d1/state/x", 1, true, .denied(.qosTooHigh)),
            ("t1/d1/state/big", 2, true, .denied(.retainNotAllowed)),
            ("t1/d2/data", 0, false, .denied(.topicNotAllowed)),
            ("t2/d1/data", 0, false, .denied(.topicNotAllowed)), ("t1/d1", 0, false, .denied(.topicNotAllowed)),
            ("t1/d1/state/secret", 0, false, .denied(.topicDenied)),
            ("t1/d1/state/secret/x", 0, false, .denied(.topicDenied)),
            ("", 0, false, .denied(.invalidTopic)), ("t1/d1/state/#", 0, false, .denied(.invalidTopic)),
            ("t1/d1/state/+", 0, false, .denied(.invalidTopic)), ("t1/d1/state/\0", 0, false, .denied(.invalidTopic)),
            ("$SYS/broker/version", 0, false, .denied(.topicNotAllowed)),
            ("t1/d1/Data", 0, false, .denied(.topicNotAllowed)),
        ] as [(String, UInt8, Bool, PublishVerdict)])
    func publish(topic: String, qos: UInt8, retain: Bool, verdict: PublishVerdict) throws {
        #expect(try grant(Self.lists).publish(topic, qos: qos, retain: retain) == verdict)
    }

    @Test(
        arguments: [
            ("t1/d1/commands/#", 0, SubscribeVerdict.denied(.filterDenied)),
            ("t1/d1/commands/+", 1, .denied(.filterDenied)), ("t1/d1/commands/reboot", 1, .granted(maximumQoS: 1)),
            ("t1/d1/commands/reboot/#", 2, .granted(maximumQoS: 1)), ("t1/d1/commands", 0, .granted(maximumQoS: 0)),
            ("t1/d1/commands/factory", 0, .denied(.filterDenied)),
            ("t1/d1/commands/factory/x", 0, .denied(.filterDenied)),
            ("t1/jobs/a", 2, .granted(maximumQoS: 2)), ("t1/jobs/+", 2, .granted(maximumQoS: 2)),
            ("t1/jobs/#", 2, .granted(maximumQoS: 0)), ("t1/jobs", 2, .granted(maximumQoS: 0)),
            ("$share/g/t1/jobs/+", 1, .granted(maximumQoS: 1)), ("$share/g/t1/jobs/#", 1, .denied(.sharedNotAllowed)),
            ("$share/g/t1/d1/commands/a", 1, .denied(.sharedNotAllowed)),
            ("$share/g/t2/jobs/a", 1, .denied(.filterNotAllowed)),
            ("$share/g", 1, .denied(.invalidFilter)), ("$share/+/t1/jobs/a", 1, .denied(.invalidFilter)),
            ("$share/g/$share/g/t1/jobs/a", 1, .denied(.filterNotAllowed)), ("$share/g/a#", 1, .denied(.invalidFilter)),
            ("$SYS/broker/version", 0, .granted(maximumQoS: 0)), ("$SYS/#", 0, .denied(.filterNotAllowed)),
            ("+/broker/version", 0, .denied(.filterNotAllowed)), ("#", 0, .denied(.filterDenied)),
            ("t1/+/commands/reboot", 0, .denied(.filterNotAllowed)), ("+/jobs/a", 0, .denied(.filterNotAllowed)),
            ("t1/#", 0, .denied(.filterDenied)), ("", 0, .denied(.invalidFilter)),
            ("t1/jobs/a+", 0, .denied(.invalidFilter)),
            ("t1/d1/data", 0, .denied(.filterNotAllowed)), ("t1/jobs/\0", 0, .denied(.invalidFilter)),
        ] as [(String, UInt8, SubscribeVerdict)])
    func subscribe(filter: String, qos: UInt8, verdict: SubscribeVerdict) throws {
        #expect(try grant(Self.lists).subscribe(filter, qos: qos) == verdict)
    }

    @Test(arguments: [
        ("t1/d1/commands/reboot", true), ("t1/d1/commands", true), ("t1/jobs/a/b", true), ("$SYS/broker/version", true),
        ("t1/d1/commands/factory", false), ("t1/d1/commands/factory/x", false), ("t1/d2/commands/reboot", false),
        ("t2/jobs/a", false), ("$SYS/broker/load", false), ("t1/d1/data", false), ("", false), ("t1/jobs/+", false),
    ])
    func delivery(topic: String, isPermitted: Bool) throws {
        #expect(try grant(Self.lists).delivers(topic) == isPermitted)
    }

    @Test func wills() throws {
        let none = try grant(Self.lists)
        #expect(none.will("t1/d1/data") == .denied(.willNotAllowed))
        let likePublish = try grant(Self.lists + "\nwill: true\n")
        #expect(likePublish.will("t1/d1/data", qos: 1) == .granted)
        #expect(likePublish.will("t1/d1/data", retain: true) == .denied(.retainNotAllowed))
        #expect(likePublish.will("t1/d1/status") == .denied(.topicNotAllowed))
        let listed = try grant(Self.lists + "\nwill: { topic: \"{tenant}/{device}/status\", qos: 1, retain: true }\n")
        #expect(listed.will("t1/d1/status", qos: 1, retain: true) == .granted)
        #expect(listed.will("t1/d1/status", qos: 2, retain: true) == .denied(.qosTooHigh))
        #expect(listed.will("t1/d1/data") == .denied(.topicNotAllowed))
        #expect(listed.publish("t1/d1/status") == .denied(.topicNotAllowed))
        let several = try grant(Self.lists + "\nwill: [\"{tenant}/{device}/#\", { topic: \"a\", qos: 0 }]\n")
        #expect(several.will("t1/d1/any", qos: 1) == .granted)
        #expect(several.will("t1/d1/state/secret") == .denied(.topicDenied))
        #expect(several.will("a", qos: 1) == .denied(.qosTooHigh))
        #expect(several.will("a/#") == .denied(.invalidTopic))
    }

    @Test func defaultIsToDeny() throws {
        let grant = try grant("")
        #expect(grant.publish("a") == .denied(.topicNotAllowed))
        #expect(grant.subscribe("a") == .denied(.filterNotAllowed))
        #expect(!grant.delivers("a"))
    }

    @Test func anEmptyListOfWillsAllowsNone() throws {
        #expect(try grant("will: []").will("a") == .denied(.topicNotAllowed))
    }

    @Test func capturesStandInTopics() throws {
        let set = try compile(
            """
            profile: p
            match: { subject: { CN: "{id}", OU: "{line:slug}", L: "{hall:digits}", O: "{unused}" } }
            device: "{id}"
            publish: ["h{hall}/{line}/{device}", "{line}/{line}"]
            subscribe: ["{tenant}/{hall}"]
            """
        ).get()
        let grant = try #require(set.decide(try certificate("CN=a,OU=ab,L=7,O=\\#")).grant)
        #expect(grant.publish("h7/ab/a") == .granted)
        #expect(grant.publish("ab/ab") == .granted)
        #expect(grant.publish("h7/ab/ab") == .denied(.topicNotAllowed))
        #expect(grant.subscribe("default/7") == .granted(maximumQoS: 0))
    }

    // MARK: Comparison

    private func decide(_ yaml: String, _ subject: String) throws -> DeviceGrant {
        try #require(try compile(yaml).get().decide(try certificate(subject)).grant)
    }

    @Test func reloadingTheSameRulesChangesNothing() throws {
        let first = try decide(ProfileSetTests.meter, "CN=m-1,OU=nord,O=Elbe")
        #expect(first == (try decide(ProfileSetTests.meter, "CN=m-1,OU=nord,O=Elbe")))
        // Comments and the order of the keys are no change either.
        #expect(first == (try decide("# x\n" + ProfileSetTests.meter + "\ndescription: y\n", "CN=m-1,OU=nord,O=Elbe")))
    }

    @Test(arguments: [
        "\nwill: true\n", "\nlimits: { subscriptions: 1 }\n", "\nsubscribe: [\"x\"]\n",
        "\non-denied-publish: disconnect\n",
        "\ndeny-publish: [\"m/x\"]\n",
    ])
    func anyChangeOfRulesIsSeen(addition: String) throws {
        let first = try decide(ProfileSetTests.meter, "CN=m-1,OU=nord,O=Elbe")
        let second = try decide(ProfileSetTests.meter + addition, "CN=m-1,OU=nord,O=Elbe")
        #expect(first != second)
        #expect(first.sameIdentity(as: second))
    }

    @Test func devicesOfOneProfileDiffer() throws {
        let first = try decide(ProfileSetTests.meter, "CN=m-1,OU=nord,O=Elbe")
        #expect(first != (try decide(ProfileSetTests.meter, "CN=m-2,OU=nord,O=Elbe")))
        #expect(!first.sameIdentity(as: try decide(ProfileSetTests.meter, "CN=m-1,OU=sued,O=Elbe")))
    }

    @Test func equivalentSpellingsAreDifferentDevices() throws {
        let yaml = "profile: p\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n"
        let composed = try decide(yaml, "CN=caf\u{E9}")
        #expect(!composed.sameIdentity(as: try decide(yaml, "CN=cafe\u{301}")))
    }
}
