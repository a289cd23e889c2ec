import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileOutlineTests {
    private func outlines(_ files: [String: String]) throws -> [ProfileOutline] {
        let folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(text, to: name) }
        return ProfileOutline.all(ProfileSources.read([folder.path]).documents)
    }

    @Test func everyValueHasItsPlace() throws {
        let all = try outlines([
            "base.yaml":
                "profile: base\nabstract: true\npublish: [ s ]\nlimits: { packet-bytes: 8KiB, subscriptions: 4 }\n",
            "v.yaml": "profile: v\nextends: base\npublish: [ own ]\nlimits: { subscriptions: 8 }\n",
        ])
        let outline = try #require(all.first { $0.name == "v" })
        #expect(outline.lineage == ["v", "base"])
        let values = Dictionary(uniqueKeysWithValues: outline.values.map { ($0.key, $0) })
        #expect(values["publish[0]"]?.value == "s" && values["publish[0]"]?.profile == "base")
        #expect(values["publish[1]"]?.value == "own" && values["publish[1]"]?.profile == "v")
        #expect(values["limits.packet-bytes"]?.profile == "base")
        #expect(values["limits.subscriptions"]?.value == "8" && values["limits.subscriptions"]?.line == 4)
        #expect(values["abstract"] == nil)
        #expect(outline.text.contains("base.yaml:3 (base)"))
    }

    @Test(arguments: [
        ["a.yaml": "profile: a\nextends: a\n"],
        ["a.yaml": "profile: a\nextends: b\n", "b.yaml": "profile: b\nextends: a\n"],
        ["a.yaml": "profile: a\nextends: nobody\n"], ["a.yaml": "profile: a\nextends: [b]\n"],
        ["a.yaml": "profile: a\nextends:\n"],
    ])
    func ringsAndGapsEnd(files: [String: String]) throws {
        #expect(try outlines(files).allSatisfy { $0.lineage.count <= 2 })
    }

    @Test func documentsWithoutANameHaveNone() throws {
        #expect(try outlines(["a.yaml": "x: 1\n", "b.yaml": "[1]\n", "c.yaml": "profile: [x]\n"]).isEmpty)
    }
}
