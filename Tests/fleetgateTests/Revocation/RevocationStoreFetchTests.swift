import FleetPKI
import FleetPolicy
import Foundation
import NIOHTTP1
import Testing

@testable import fleetgate

@Suite struct RevocationStoreFetchTests {
    @Test func fetchesAtOnceAndKeepsItOverARestart() async throws {
        let (ca, folder) = (try ListingCA(), try TemporaryFolder())
        let list = try ca.list(["0a"])
        let origin = try await HTTPOrigin { question in
            question.header("if-none-match") == "\"1\"" ? .whole(.notModified) : .whole(.ok, [("etag", "\"1\"")], list)
        }
        let settings = RevocationSettings.test(
            [.url(origin.url + "/ca.crl")], policy: .required(graceSeconds: 0), cache: folder.path + "/cache")
        let first = StoreBench()
        await first.store.adopt(authorities: [try ca.certificate], settings: settings)
        #expect(await first.store.parts.lists.isEmpty)
        try await first.whileRunning { next in
            let id = try ca.id
            #expect(await next()?.lists[id]?.entries.count == 1)
            while (try? folder.text("cache/\(HexadecimalText.text(id.bytes)).json")) == nil { await Task.yield() }
        }
        #expect(try folder.mode("cache") == 0o700)

        let second = StoreBench()
        await second.store.adopt(authorities: [try ca.certificate], settings: settings)
        #expect(await second.store.parts.lists[try ca.id]?.entries.count == 1)
        await second.store.refresh(origin.url + "/ca.crl")
        #expect(origin.questions.last?.header("if-none-match") == "\"1\"")
        #expect(await second.store.parts.lists[try ca.id]?.entries.count == 1)
        #expect(await second.store.sourceStatuses().allSatisfy { $0.problem == nil && $0.failures == 0 })
        await origin.close()
    }

    @Test func theCacheIsCheckedLikeAnyList() async throws {
        let (ca, folder) = (try ListingCA(), try TemporaryFolder())
        let name = "cache/\(HexadecimalText.text(try ca.id.bytes))"
        var changed = try ca.list(["0a"])
        changed[changed.count - 1] ^= 1
        let other = try ListingCA("Other").list()
        for bytes in [changed, other, [], Array("rubbish".utf8)] {
            try folder.write(bytes, to: name + ".crl")
            try folder.write(#"{"url":"http://x","thisUpdate":1,"bytes":1}"#, to: name + ".json")
            let bench = StoreBench()
            await bench.store.adopt(
                authorities: [try ca.certificate], settings: .test([], cache: folder.path + "/cache"))
            #expect(await bench.store.parts.lists.isEmpty)
        }
        // A list without what should be beside it is a list.
        try folder.write(try ca.list(["0a"]), to: name + ".crl")
        try folder.write("rubbish", to: name + ".json")
        try folder.write(try ca.list(["0a"]), to: "cache/not-hexadecimal.crl")
        let bench = StoreBench()
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([], cache: folder.path + "/cache"))
        #expect(await bench.store.parts.lists.count == 1)
    }

    @Test(arguments: ["404", "rubbish", "changed", "older", "another-ca", "too-large", "redirect"])
    func theLastGoodListStays(_ what: String) async throws {
        let (bench, ca) = (StoreBench(), try ListingCA())
        let list = try ca.list(["0a"], number: 5)
        let origin = try await HTTPOrigin(.whole(.ok, [("etag", "\"1\"")], list))
        let url = origin.url + "/ca.crl"
        var settings = RevocationSettings.test([.url(url)])
        settings.listBytesMax = 4096
        await bench.store.adopt(authorities: [try ca.certificate], settings: settings)
        await bench.store.refresh(url)
        #expect(await bench.store.parts.lists.count == 1)
        var changed = try ca.list(number: 6)
        changed[changed.count - 1] ^= 1
        let (answer, reason): (HTTPOrigin.Answer, String) =
            switch what {
            case "404": (.whole(.notFound, [], list), "bad-status")
            case "rubbish": (.whole(.ok, [], Array("<html>".utf8)), "no-pem-block")
            case "changed": (.whole(.ok, [("etag", "\"2\"")], changed), "bad-crl-signature")
            case "older": (.whole(.ok, [], try ca.list(number: 4, thisUpdate: -1)), "older-list")
            case "another-ca": (.whole(.ok, [], try ListingCA("Other").list()), "unknown-issuer")
            case "too-large": (.endless, "too-large")
            case _: (.whole(.found, [("location", "file:///etc/passwd")]), "bad-redirect")
            }
        origin.answers { _ in answer }
        await bench.store.refresh(url)
        #expect(await bench.store.parts.lists[try ca.id]?.entries[[0x0A]] != nil)
        let status = try #require(await bench.store.sourceStatuses().first)
        #expect((status.problem?.reason, status.failures) == (reason, 1))
        #expect(bench.reasons == [reason])
        // The same again is not said again.
        await bench.store.refresh(url)
        #expect(await bench.store.sourceStatuses().first?.failures == 2)
        #expect(bench.reasons == [reason])
        // And better news is taken.
        let better = try ca.list(["0b"], number: 7)
        origin.answers { _ in .whole(.ok, [], better) }
        await bench.store.refresh(url)
        #expect(await bench.store.parts.lists[try ca.id]?.entries[[0x0B]] != nil)
        #expect(await bench.store.sourceStatuses().first?.failures == 0)
        await origin.close()
    }

    @Test func asksAgainBeforeTheEndAndNotSooner() async throws {
        let (bench, ca) = (StoreBench(), try ListingCA())
        let list = try ca.list()
        let origin = try await HTTPOrigin(.whole(.ok, [], list))
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.url(origin.url)]))
        #expect(await bench.store.takeDue() == [origin.url])
        #expect(await bench.store.takeDue().isEmpty)
        await bench.store.refresh(origin.url)
        #expect(await bench.store.takeDue().isEmpty)
        // The list was made an hour ago and is good for a day; an hour and six minutes before its end is due at the latest.
        bench.turnClock(by: 86_400 - 3600 - 3600 - 400)
        #expect(await bench.store.takeDue().isEmpty)
        bench.turnClock(by: 400)
        #expect(await bench.store.takeDue() == [origin.url])
        await origin.close()
    }

    @Test func distributionPointsAreFollowedWhereThatIsAllowed() async throws {
        let ca = try ListingCA()
        let below = ListingCA(try ca.authority.makeIntermediate())
        let list = try below.list(["0a"])
        let origin = try await HTTPOrigin(.whole(.ok, [], list))
        var settings = RevocationSettings.test([])
        let anchor = try ca.certificate.sha256
        for (follows, allowsPrivate, expected) in [
            (false, true, []), (true, false, [origin.url]), (true, true, [origin.url]),
        ] {
            let bench = StoreBench()
            settings.bundles["default"]?.usesDistributionPoints = follows
            settings.bundles["default"]?.allowsPrivateDistributionPoints = allowsPrivate
            await bench.store.adopt(authorities: [try ca.certificate], settings: settings)
            await bench.store.saw(
                authority: try below.der,
                distributionPoints: [origin.url, "ldap://x/", "file:///x", "http://u@x/"], under: anchor)
            let due = await bench.store.takeDue()
            #expect(due == expected)
            for url in due { await bench.store.refresh(url) }
            #expect(await bench.store.parts.lists.isEmpty != (follows && allowsPrivate))
            if follows, !allowsPrivate { #expect(bench.reasons == ["address-not-allowed"]) }
        }
        #expect(origin.questions.count == 1)
        await origin.close()
    }

    @Test func aStrangersDistributionPointsAreNotFollowed() async throws {
        let (bench, ca, stranger) = (StoreBench(), try ListingCA(), try ListingCA("Stranger"))
        var settings = RevocationSettings.test([])
        settings.bundles["default"]?.usesDistributionPoints = true
        await bench.store.adopt(authorities: [try ca.certificate], settings: settings)
        await bench.store.saw(
            authority: try stranger.der, distributionPoints: ["http://crl.example.com/"],
            under: try stranger.certificate.sha256)
        #expect(await bench.store.takeDue().isEmpty)
    }

    @Test func thereAreNotTooManyOfThem() async throws {
        let (bench, ca) = (StoreBench(), try ListingCA())
        var settings = RevocationSettings.test([])
        settings.bundles["default"]?.usesDistributionPoints = true
        await bench.store.adopt(authorities: [try ca.certificate], settings: settings)
        for number in 0..<100 {
            await bench.store.saw(
                authority: try ca.der, distributionPoints: (0..<20).map { "http://crl.example.com/\(number)/\($0)" },
                under: try ca.certificate.sha256)
        }
        #expect(await bench.store.sourceStatuses().count == RevocationSettings.learnedURLsMax)
    }
}
