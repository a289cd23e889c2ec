import FleetPolicy
import Foundation
import Testing

@Suite struct DecisionExplanationTests {
    private func set() throws -> ProfileSet {
        try compile(
            "profile: meter\nmatch: { subject: { CN: \"meter-{serial:digits}\", O: Elbe } }\ndevice: \"{serial}\"\npublish: [\"m/{device}\"]\n",
            "profile: wide\nmatch: { subject: { CN: \"{id}\" } }\ndevice: \"{id}\"\n"
        ).get()
    }

    private func explain(_ subject: String) throws -> DecisionExplanation {
        PolicySnapshot(profiles: try set()).explain(try certificate(subject), .usual)
    }

    @Test func everyProfileSaysWhatItWantedAndFound() throws {
        let explanation = try explain("CN=pump-7")
        #expect(explanation.trials.map(\.profile) == ["meter", "wide"])
        #expect(explanation.trials.map(\.outcome) == [.noMatch, .chosen])
        #expect(
            explanation.trials[0].reasons == [
                "subject CN: wanted `meter-{serial:digits}`, found `pump-7`", "subject O: wanted `Elbe`, found none",
            ])
        #expect(explanation.trials[1].captures.map(\.value) == ["pump-7"])
        #expect(explanation.outcome.device == DeviceKey(tenant: "default", deviceID: "pump-7"))
        #expect(explanation.outcome.text == "default/pump-7 gets profile wide")
        #expect(explanation.registration == nil)
    }

    @Test func lowerRanksAreOutranked() throws {
        #expect(try explain("CN=meter-1,O=Elbe").trials.map(\.outcome) == [.chosen, .outranked])
        let ambiguous = try explain("CN=meter-1,CN=meter-2,O=Elbe")
        #expect(ambiguous.trials.map(\.outcome) == [.ambiguous, .outranked])
        #expect(ambiguous.outcome.code == "ambiguous")
        #expect(ambiguous.outcome.device == nil)
    }

    @Test func aBadIdentityIsRefusedByTheProfileThatChoseIt() throws {
        let explanation = try explain("CN=\\#")
        #expect(explanation.trials.map(\.outcome) == [.noMatch, .chosen])
        #expect(explanation.outcome.code == "bad-device-id")
    }

    @Test func hostileValuesAreShownHarmlessly() throws {
        let explanation = try explain("CN=\\1B[2Jx\\0A,O=" + String(repeating: "y", count: 5_000))
        let text = String(decoding: try JSONEncoder().encode(explanation), as: UTF8.self)
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        #expect(text.utf8.count < 6_000)
        #expect(try JSONDecoder().decode(DecisionExplanation.self, from: Data(text.utf8)) == explanation)
    }

    private static let lists = """
        publish: ["a/{device}", { topic: "b/#", qos: 0, retain: true }]
        deny-publish: ["b/secret/{device}"]
        subscribe: [{ topic: "c/+", qos: 1 }, { topic: "c/{device}", qos: 2, shared: true }]
        deny-subscribe: ["c/never"]
        will: { topic: "w/{device}", retain: true }
        """

    @Test(
        arguments: [
            ("a/d1", 1, false, nil, "a/{device}"), ("a/d2", 0, false, "topic-not-allowed", nil),
            ("b/x", 1, false, "qos-too-high", "b/#"), ("a/d1", 0, true, "retain-not-allowed", "a/{device}"),
            ("b/secret/d1", 0, false, "topic-denied", "b/secret/{device}"), ("b/+", 0, false, "invalid-topic", nil),
        ] as [(String, UInt8, Bool, String?, String?)])
    func publishing(topic: String, qos: UInt8, retain: Bool, code: String?, entry: String?) throws {
        let grant = try grant(Self.lists)
        let explanation = grant.explainPublish(topic: topic, qos: qos, retain: retain)
        #expect(explanation.code == code)
        #expect(explanation.entry?.written == entry)
        #expect(explanation.isGranted == (grant.publish(topic, qos: qos, retain: retain) == .granted))
    }

    @Test(
        arguments: [
            ("c/x", nil, "c/+", 1), ("c/d1", nil, "c/{device}", 2), ("$share/g/c/d1", nil, "c/{device}", 2),
            ("$share/g/c/x", "shared-not-allowed", "c/+", nil), ("c/never", "filter-denied", "c/never", nil),
            ("c/#", "filter-denied", "c/never", nil), ("d", "filter-not-allowed", nil, nil),
            ("$share/g", "invalid-filter", nil, nil), ("a#", "invalid-filter", nil, nil),
        ] as [(String, String?, String?, Int?)])
    func subscribing(filter: String, code: String?, entry: String?, qos: Int?) throws {
        let explanation = try grant(Self.lists).explainSubscribe(filter: filter, qos: 2)
        #expect(explanation.code == code)
        #expect(explanation.entry?.written == entry)
        #expect(explanation.maximumQoS == qos)
    }

    @Test func effectiveRulesHaveTheDevicesValues() throws {
        let grant = try grant(Self.lists)
        let rules = grant.effectiveRules()
        #expect(
            rules.entries.map(\.filter) == [
                "a/d1", "b/#", "b/secret/d1", "c/+", "c/d1", "c/never", "w/d1",
            ])
        #expect(rules.entries.map(\.list.rawValue).last == "will")
        #expect(rules.entries[1].allowsRetain == true)
        #expect(rules.entries[4].allowsShared == true)
        #expect(!rules.willLikePublish)
        #expect(grant.explainWill(topic: "w/d1", qos: 1, retain: true).entry?.location.file == "test.yaml")
        #expect(grant.explainWill(topic: "w/d2", qos: 1, retain: true).code == "topic-not-allowed")
    }
}
