import ArgumentParser
import FleetPKI
import FleetPolicy
import Foundation
import NIOMbedTLS
import Testing

@testable import fleetgate

@Suite struct PatternProposalTests {
    @Test(arguments: [
        ("meter-4711", "meter-{serial:digits}", "meter-{serial}"),
        ("rack-7-unit-12", "rack-{part1:digits}-unit-{serial:digits}", "rack-{part1}-unit-{serial}"),
        ("dev-9af3c2d1", "dev-{serial:hex}", "dev-{serial}"),
        ("gateway-east", "gateway-{name:slug}", "gateway-{name}"),
        ("thermo", "{name:slug}", "{name}"),
        ("4711", "{serial:digits}", "{serial}"),
        ("meter4711", "meter{serial:digits}", "meter{serial}"),
        ("beef", "{name:slug}", "{name}"),
        ("a{b}-1", "a{{b}}-{serial:digits}", "a{{b}}-{serial}"),
        ("", "", ""),
        ("Ärger 1", "Ärger {serial:digits}", "Ärger {serial}"),
    ])
    func numbersBecomeCaptures(value: String, pattern: String, template: String) {
        let proposal = PatternProposal(value)
        #expect(proposal.pattern == pattern)
        #expect(proposal.template == template)
    }
}
