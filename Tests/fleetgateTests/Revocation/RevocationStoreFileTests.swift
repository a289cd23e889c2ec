import FleetPKI
import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

@Suite struct RevocationStoreFileTests {
    /// As those do who do it right.
    private func replace(_ path: String, with bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    @Test func isThereBeforeTheStoreRuns() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"]), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        #expect(await bench.store.parts.lists[try ca.id]?.entries.count == 1)
        let status = try #require(await bench.store.statuses().first)
        #expect((status.state, status.entries, status.sources) == (.inForce, 1, [path]))
    }

    @Test func aNewListIsNoticed() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        try await bench.whileRunning { next in
            #expect(await next()?.lists[try ca.id]?.entries.count == 0)
            try replace(path, with: try ca.list(["0a"], number: 2))
            let change = try #require(await next())
            #expect(change.authorities == [try ca.id])
            #expect(change.lists[try ca.id]?.entries[[0x0A]] != nil)
        }
    }

    @Test func aFolderIsReadWithItsNewFiles() async throws {
        let (bench, folder) = (StoreBench(), try TemporaryFolder())
        let (one, other) = (try ListingCA("One"), try ListingCA("Other"))
        try folder.write(try one.list(), to: "lists/one.crl")
        try folder.write("rubbish", to: "lists/readme.txt")
        try folder.write("rubbish", to: "lists/.hidden.crl")
        await bench.store.adopt(
            authorities: [try one.certificate, try other.certificate],
            settings: .test([.folder(folder.path + "/lists")]))
        try await bench.whileRunning { next in
            #expect(await next()?.lists.count == 1)
            try replace(folder.path + "/lists/other.pem", with: PEMText.list(try other.list(["01"])))
            #expect(await next()?.authorities == [try other.id])
        }
        #expect(bench.reasons.isEmpty)
    }

    @Test func aHalfWrittenFileIsReadWhenItIsWhole() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let list = try ca.list(["0a"])
        let path = try folder.write(Array(list.prefix(40)), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        #expect(await bench.store.parts.lists.isEmpty)
        try await bench.whileRunning { next in
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(list.dropFirst(40)))
            try handle.close()
            #expect(await next()?.lists[try ca.id]?.entries.count == 1)
        }
    }

    @Test(arguments: [
        "rubbish", "empty", "changed", "cut", "another-ca", "namesake", "older", "future", "gone", "folder",
    ])
    func theLastGoodListStays(_ what: String) async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"], number: 5), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        var reason: String?
        switch what {
        case "rubbish":
            try replace(path, with: Array("rubbish".utf8))
            reason = "no-pem-block"
        case "empty":
            try replace(path, with: [])
            reason = "no-pem-block"
        case "changed":
            var list = try ca.list(number: 6)
            list[list.count - 1] ^= 1
            try replace(path, with: list)
            reason = "bad-crl-signature"
        case "cut":
            try replace(path, with: Array(try ca.list(number: 6).dropLast()))
            reason = nil
        case "another-ca":
            try replace(path, with: try ListingCA("Other").list(number: 6))
            reason = "unknown-issuer"
        case "namesake":
            try replace(path, with: try ListingCA(ca.authority.makeNamesake()).list(number: 6))
            reason = "wrong-issuer"
        case "older":
            try replace(path, with: try ca.list(number: 4, thisUpdate: -10))
            reason = "older-list"
        case "future":
            try replace(path, with: try ca.list(number: 6, thisUpdate: 10_000))
            reason = "not-yet-valid"
        case "gone":
            try FileManager.default.removeItem(atPath: path)
            reason = "file-not-found"
        case _:
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            reason = "file-not-found"
        }
        // Twice, because a file may be about to be written; the time between does not matter for what is in force.
        await bench.store.readFiles()
        await bench.store.readFiles()
        #expect(await bench.store.parts.lists[try ca.id]?.entries[[0x0A]] != nil)
        let problems = await bench.store.sourceStatuses().compactMap(\.problem?.reason)
        #expect(!problems.isEmpty)
        if let reason { #expect(problems == [reason]) }
        // And what is right again is taken again.
        if what == "folder" { try FileManager.default.removeItem(atPath: path) }
        try replace(path, with: try ca.list(["0b"], number: 7))
        await bench.store.readFiles()
        #expect(await bench.store.parts.lists[try ca.id]?.entries[[0x0B]] != nil)
        #expect(await bench.store.sourceStatuses().allSatisfy { $0.problem == nil })
    }

    @Test func sourcesOfABundleThatIsOffAreNotRead() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"]), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)], policy: .off))
        #expect(await bench.store.parts.lists.isEmpty)
        #expect(await bench.store.statuses().isEmpty)
    }

    @Test func aSourceThatIsNotNamedAnyMoreDoesNotCount() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"]), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([]))
        #expect(await bench.store.parts.lists.isEmpty)
        await bench.store.adopt(authorities: [], settings: .test([.file(path)]))
        #expect(await bench.store.parts.lists.isEmpty)
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        #expect(await bench.store.parts.lists.count == 1)
    }

    @Test func aReloadThatIsTakenBackTakesNoListAway() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(["0a"]), to: "ca.crl")
        let (authority, settings) = (try ca.certificate, RevocationSettings.test([.file(path)]))
        await bench.store.adopt(authorities: [authority], settings: settings)
        let held = await bench.store.held
        await bench.store.adopt(authorities: [authority], settings: .test([]))
        #expect(await bench.store.parts.lists.isEmpty)
        // Not from the file: as a list is lost that was fetched, and that no cache has.
        try FileManager.default.removeItem(atPath: path)
        await bench.store.adopt(authorities: [authority], settings: settings)
        #expect(await bench.store.parts.lists.isEmpty)
        await bench.store.restore(held)
        #expect(await bench.store.parts.lists[authority.id]?.entries.count == 1)
        // One that is newer stays.
        try folder.write(try ca.list(["0a", "0b"], number: 2, thisUpdate: 60), to: "ca.crl")
        await bench.store.readFiles()
        await bench.store.restore(held)
        #expect(await bench.store.parts.lists[authority.id]?.entries.count == 2)
    }

    @Test func whatIsOfInterestOfAChainFollowsFromTheRules() async throws {
        let (bench, ca) = (StoreBench(), try ListingCA())
        let authority = try ca.certificate
        for (policy, follows, expected) in [
            (TrustAnchorRules.ListRule.off, true, RevocationStore.ChainInterest.none),
            (.optional, false, .authorities), (.optional, true, .distributionPoints),
        ] {
            var settings = RevocationSettings.test([], policy: policy)
            settings.bundles["default"]?.usesDistributionPoints = follows
            await bench.store.adopt(authorities: [authority], settings: settings)
            #expect(await bench.store.interest(inChainsUnder: authority.sha256) == expected)
            #expect(await bench.store.interest(inChainsUnder: Array(repeating: 1, count: 32)) == .none)
        }
    }

    @Test func aListOfACAThatADeviceCameWithCounts() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let below = ListingCA(try ca.authority.makeIntermediate())
        let path = try folder.write(try below.list(["0a"]), to: "below.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        #expect(await bench.store.parts.lists.isEmpty)
        let stranger = try ListingCA("Stranger")
        await bench.store.saw(
            authority: try below.der, distributionPoints: [], under: try stranger.certificate.sha256)
        await bench.store.readFiles()
        #expect(await bench.store.parts.lists.isEmpty)
        await bench.store.saw(authority: try below.der, distributionPoints: [], under: try ca.certificate.sha256)
        await bench.store.readFiles()
        #expect(await bench.store.parts.lists[try below.id]?.entries.count == 1)
    }

    /// A PKI publishes the lists of its root and of its issuing CA in one file, and devices bring the issuing CA.
    @Test func aListBesideOneThatCountsIsReadAgainWhenItsCAIsKnown() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let below = ListingCA(try ca.authority.makeIntermediate(commonName: "Issuing"))
        let path = try folder.write(
            PEMText.list(try below.list(["0a"])) + PEMText.list(try ca.list()), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        await bench.store.readFiles()
        #expect(await Set(bench.store.parts.lists.keys) == [try ca.id])
        await bench.store.saw(authority: try below.der, distributionPoints: [], under: try ca.certificate.sha256)
        await bench.store.readFiles()
        #expect(await bench.store.parts.lists[try below.id]?.entries.count == 1)
        #expect(await bench.store.parts.lists[try ca.id] != nil)
    }

    @Test func theAlarmIsForRequiredListsThatAreMissing() async throws {
        let (bench, ca) = (StoreBench(), try ListingCA())
        await bench.store.adopt(
            authorities: [try ca.certificate], settings: .test([], policy: .required(graceSeconds: 0)))
        #expect(await bench.store.statuses().map(\.isAlarm) == [true])
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([]))
        #expect(await bench.store.statuses().map(\.isAlarm) == [false])
    }

    @Test func theAlarmIsForListsThatEnd() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let path = try folder.write(try ca.list(), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        #expect(await bench.store.statuses().map(\.isAlarm) == [false])
        bench.turnClock(by: 86_400 - 3600 - 1000)
        #expect(await bench.store.statuses().map(\.isAlarm) == [true])
        #expect(await bench.store.statuses().map(\.state) == [.inForce])
        bench.turnClock(by: 2000)
        #expect(await bench.store.statuses().map(\.state) == [.outdated])
    }

    @Test func aHundredThousandEntries() async throws {
        let (bench, ca, folder) = (StoreBench(), try ListingCA(), try TemporaryFolder())
        let serials = (1...100_000).map { (number: UInt32) in
            withUnsafeBytes(of: number.bigEndian) { HexadecimalText.text($0) }
        }
        let path = try folder.write(try ca.list(["ff00ff00"]), to: "ca.crl")
        await bench.store.adopt(authorities: [try ca.certificate], settings: .test([.file(path)]))
        let long = try ca.list(serials, number: 2)
        try await bench.whileRunning { next in
            _ = await next()
            let clock = ContinuousClock()
            let start = clock.now
            try replace(path, with: long)
            let change = try #require(await next())
            print("a list of 100,000 entries: \(clock.now - start) from the file to the change")
            #expect(change.lists[try ca.id]?.entries.count == 100_000)
            #expect(change.lists[try ca.id]?.entries[[1, 134, 160]] != nil)
        }
    }
}
