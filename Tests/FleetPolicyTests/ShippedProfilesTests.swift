import FleetPolicy
import Foundation
import Testing

/// The profiles in `DeviceProfiles/` compile and decide as their README says.
@Suite struct ShippedProfilesTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("DeviceProfiles")

    private func shipped() throws -> ProfileSet {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".yaml")
        }
        let nodes = try names.sorted().map { name in
            try sourceNode(String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8), file: name)
        }
        return try ProfileCompiler.compile(nodes).get()
    }

    @Test func theyCompileTogether() throws {
        #expect(try shipped().profileNames == ["asset-tracker", "building-gateway", "smart-meter"])
    }

    @Test(arguments: [
        ("CN=meter-4711,OU=hamburg-nord,O=Elbe Netz", "smart-meter", "meters/hamburg-nord/meter-4711"),
        (
            "CN=tracker-356938035643809,OU=trucks-north,O=Nordfracht", "asset-tracker",
            "trackers/trucks-north/tracker-356938035643809"
        ),
        (
            "CN=gateway-b2-east,OU=speicherstadt-12,O=Hausdienst", "building-gateway",
            "buildings/speicherstadt-12/gateway-b2-east"
        ),
    ])
    func eachPermitsWhatTheDemoUses(subject: String, profile: String, root: String) throws {
        let grant = try #require(try shipped().decide(certificate(subject)).grant)
        #expect(grant.profileName == profile)
        #expect(root.hasSuffix("/\(grant.tenant)/\(grant.deviceID)"))
        #expect(grant.publish("\(root)/telemetry", qos: 1) == .granted)
        #expect(grant.publish("\(root)/status", qos: 1, retain: true) == .granted)
        #expect(grant.will("\(root)/status", qos: 1, retain: true) == .granted)
        #expect(grant.subscribe("\(root)/commands/#", qos: 1) == .granted(maximumQoS: 1))
        #expect(grant.delivers("\(root)/commands/reboot"))
        #expect(grant.limits.keepAlive.verdict(forSeconds: 60) == .accepted)
        for topic in ["other/topic", "\(root)x/telemetry", "$SYS/broker", "\(root)/commands/reboot"] {
            #expect(grant.publish(topic) != .granted, "\(topic)")
        }
        for filter in ["#", "+/#", "$SYS/#", "\(root)/+", "meters/+/+/commands/#", "$share/g/\(root)/commands/#"] {
            guard case .denied = grant.subscribe(filter) else {
                Issue.record("\(filter) was granted")
                continue
            }
        }
    }

    @Test func aBuildingGatewayHasItsSubtree() throws {
        let grant = try #require(try shipped().decide(certificate("CN=gateway-1,OU=b7,O=Hausdienst")).grant)
        #expect(grant.publish("buildings/b7/gateway-1/floor/3/temperature", qos: 2, retain: true) == .granted)
        #expect(grant.publish("buildings/b7/gateway-1/commands/x") == .denied(.topicDenied))
        #expect(grant.publish("buildings/b7/gateway-2/x") == .denied(.topicNotAllowed))
        #expect(grant.subscribe("$share/workers/buildings/b7/jobs/#", qos: 2) == .granted(maximumQoS: 1))
    }

    @Test(arguments: [
        "CN=meter-47a,OU=hamburg,O=Elbe Netz", "CN=meter-1,OU=Hamburg Nord,O=Elbe Netz", "CN=meter-1,O=Elbe Netz",
        "CN=tracker-1,OU=hamburg,O=Elbe Netz", "CN=meter-#,OU=hamburg,O=Elbe Netz", "CN=gateway-A,OU=b,O=Hausdienst",
        "CN=gateway-\\+,OU=b,O=Hausdienst",
    ])
    func othersAreRefused(subject: String) throws {
        #expect(try shipped().decide(certificate(subject)).denial?.code == .noMatchingProfile)
    }

    /// Every YAML example of the format's README that is a whole profile compiles.
    @Test func theShortestExampleOfTheREADMECompiles() throws {
        let readme = try String(contentsOf: Self.folder.appendingPathComponent("README.md"), encoding: .utf8)
        let blocks = readme.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        let profiles = blocks.filter { $0.hasPrefix("profile:") }
        #expect(profiles.count == 1)
        for profile in profiles { #expect(try mistakes(in: profile).isEmpty) }
        let defaults = try #require(blocks.first { $0.hasPrefix("limits:") })
        #expect(try grant(defaults).limits == DeviceLimits())
    }
}
