import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct ProfileListingTests {
    @Test func theOrderIsThatOfTheDecision() throws {
        let gate = try Gate()
        try gate.write("profile: zz\nabstract: true\n", to: "profiles/zz.yaml")
        try gate.write(
            "priority: 5\nregistration: { mode: first-seen, quota: 7, approval: true }\n"
                + ProfileShelf.profile("late"), to: "profiles/late.yaml")
        let sources = ProfileSources.read([gate.folder.path + "/gate/profiles"])
        let listing = ProfileListing(try sources.compiled(), sources.documents)
        #expect(listing.profiles.first?.name == "late")
        #expect(listing.profiles.first?.registration == "first-seen, quota 7, approval")
        #expect(listing.profiles.last?.name == "zz")
        #expect(listing.profiles.last?.rank == nil)
        #expect(listing.profiles.first?.match == "subject O=late CN=late-{n:digits}")
        #expect(listing.text.split(separator: "\n").count == 6)
    }
}
