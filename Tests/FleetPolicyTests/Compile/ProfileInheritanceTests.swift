import FleetPolicy
import Testing

@Suite struct ProfileInheritanceTests {
    private let base = """
        profile: base
        abstract: true
        match: { subject: { O: "Elbe" } }
        tenant: "t"
        publish: ["b/{device}/one"]
        deny-publish: ["b/{device}/one/never"]
        limits: { packet-bytes: 1KiB, keep-alive: { min: 7s } }
        client-id: equal
        """

    private func child(_ more: String = "") -> String {
        "profile: child\nextends: base\nmatch: { subject: { CN: \"c-{id}\" } }\ndevice: \"{id}\"\n" + more
    }

    @Test func mapsMergeListsAddAndTheRestIsReplaced() throws {
        let set = try compile(
            base, child("publish: [\"c/{device}\"]\nlimits: { keep-alive: { max: 70s } }\nclient-id: free\n")
        ).get()
        #expect(set.profileNames == ["child"])
        #expect(set.decide(try certificate("CN=c-1")).denial?.code == .noMatchingProfile)
        let grant = try #require(set.decide(try certificate("CN=c-1,O=Elbe")).grant)
        #expect(grant.tenant == "t")
        #expect(grant.publish("b/1/one") == .granted)
        #expect(grant.publish("c/1") == .granted)
        #expect(grant.publish("b/1/one/never") == .denied(.topicDenied))
        #expect(grant.limits.packetBytesMax == 1_024)
        #expect(grant.limits.keepAlive == KeepAlive(minimumSeconds: 7, maximumSeconds: 70))
        #expect(grant.clientIDRule == .free)
        #expect(grant.profileName == "child")
    }

    @Test func aConcreteProfileCanBeABase() throws {
        let set = try compile(
            "profile: base\nmatch: { subject: { CN: \"b-{id}\" } }\ndevice: \"{id}\"\npublish: [\"b\"]\n", child()
        ).get()
        #expect(set.profileNames == ["base", "child"])
        #expect(set.decide(try certificate("CN=c-1")).grant?.publish("b") == .granted)
    }

    @Test func mistakesStandWhereTheyWereMadeAndOnce() throws {
        let found = try mistakes(
            in: base + "\nsubscribe: [\"ok\", \"a/#/b\"]\nunknwn: 1\n", child("subscribe: [\"{nope}\"]\n"),
            child("subscribe: [\"x\", \"y#\"]\n").replacing("profile: child", with: "profile: other")
                .replacing("c-", with: "d-"))
        #expect(
            found.map { "\($0.location.file):\($0.location.line) \($0.key) \($0.code)" } == [
                "test1.yaml:9 subscribe[1] bad-topic-filter", "test1.yaml:10 unknwn unknown-key",
                "test2.yaml:5 subscribe[0] undefined-placeholder", "test3.yaml:5 subscribe[1] bad-topic-filter",
            ])
    }

    @Test func circlesAndLongChainsAreMistakes() throws {
        func link(_ name: String, _ base: String) -> String {
            "profile: \(name)\nextends: \(base)\nmatch: { subject: { CN: \"\(name)-{id}\" } }\ndevice: \"{id}\"\n"
        }
        let circle = try mistakes(in: link("a", "b"), link("b", "c"), link("c", "a"))
        #expect(!circle.isEmpty)
        #expect(circle.allSatisfy { $0.code == .cyclicExtends && $0.key == "extends" })
        for (count, isSound) in [(8, true), (9, false)] {
            var nodes = [try sourceNode("profile: p0\nmatch: { subject: { CN: \"p0-{id}\" } }\ndevice: \"{id}\"\n")]
            for index in 1...count { nodes.append(try sourceNode(link("p\(index)", "p\(index - 1)"))) }
            for documents in [nodes, nodes.reversed()] {
                switch ProfileCompiler.compile(documents) {
                case .success: #expect(isSound)
                case .failure(let all):
                    #expect(!isSound)
                    #expect(all.mistakes.allSatisfy { $0.code == .cyclicExtends })
                }
            }
        }
    }

    @Test func aMistypedBaseGetsAHint() throws {
        let found = try mistakes(in: base, child().replacing("extends: base", with: "extends: bsae"))
        #expect(found.map(\.code) == [.unknownProfile])
        #expect(found.first?.hint == "did you mean `base`?")
    }

    @Test func anAbstractProfileMatchesNothing() throws {
        let set = try compile(base + "\ndevice: \"x\"\n").get()
        #expect(set.profileNames.isEmpty)
        #expect(set.decide(try certificate("CN=a,O=Elbe")).denial?.code == .noMatchingProfile)
    }
}
