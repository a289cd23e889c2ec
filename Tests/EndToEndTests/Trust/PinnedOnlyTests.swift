import FleetPKI
import Foundation
import TestKit
import Testing

/// A gateway that trusts no CA.
@Suite("Pinned certificates without a CA", .serialized)
struct PinnedOnlyTests {
    private static let meter = "hamburg-nord/meter-4711"

    @Test("Pinned certificates get in, and nothing that any CA issued")
    func pinnedOnly() async throws {
        let gate = try await FleetGateProcess.start(changing: [
            ConfigurationChange("  client-ca: ca/ca.pem\n", ""),
            ConfigurationChange("log:\n", "trust:\n  pinned-only: true\nlog:\n"),
        ])
        var trial = ChainTrial(gate)
        func selfSigned(_ change: (inout CertificateTemplate) -> Void = { _ in }) throws -> ChainFiles {
            var template = CertificateTemplate(subject: DeviceName.meter("4711"), allowsViolations: true)
            change(&template)
            return try ChainFiles(CertificateAuthority.selfSigned(template), in: gate.directory)
        }
        let pinned = try selfSigned()
        let unpinned = try selfSigned()
        let expired = try selfSigned {
            $0.notBefore = Date() - 7_200
            $0.notAfter = Date() - 3_600
        }
        let issued = try ChainFiles(gate.authority.meter(4711), in: gate.directory)
        let issuedAndPinned = try ChainFiles(gate.authority.meter(4711), in: gate.directory)
        let strange = ChainTrial.Refusal("unknown-ca", alert: "unknown ca", hint: "pin it (fleetgate device pin)")
        try await trial.refuses("before it is pinned", pinned, strange)

        try await gate.run(
            "device", "add", Self.meter, "--profile", "smart-meter", "--attribute", "serial=4711", "--attribute",
            "site=hamburg-nord")
        for files in [pinned, expired, issuedAndPinned] {
            try await gate.run("device", "pin", Self.meter, "--cert", files.certificatePath)
        }
        try await trial.admits("pinned, self-signed", pinned)
        try await trial.admits("pinned, of a CA", issuedAndPinned)
        try await trial.refuses("not pinned, self-signed, of the same name", unpinned, strange)
        try await trial.refuses(
            "not pinned, of a CA", issued, .init("unknown-ca", alert: "unknown ca", hint: "no trust anchor"))
        try await trial.refuses(
            "not pinned, of a CA, which is sent",
            ChainFiles(gate.authority.meter(4711), sending: [try gate.authority.certificatePEM], in: gate.directory),
            .init("unknown-ca", alert: "unknown ca", hint: "no trust anchor"))
        try await trial.refuses(
            "pinned and expired", expired, .init("certificate-expired", alert: "certificate expired", hint: "renew it"))
        // Of what policy has against a certificate that no CA issued, the device hears no more than a stranger does.
        try await gate.run("device", "disable", Self.meter)
        try await trial.refuses(
            "pinned and suspended", pinned,
            .init("device-suspended", alert: "unknown ca", hint: "fleetgate device enable"))
        try await gate.run("device", "enable", Self.meter)
        try await trial.admits("no longer suspended", pinned)
        try await gate.run("revoke", "--cert", pinned.certificatePath)
        try await trial.refuses(
            "pinned and revoked", pinned,
            .init("certificate-revoked", alert: "unknown ca", hint: "needs a new certificate"))

        try await gate.run("device", "unpin", Self.meter, "--all")
        try await trial.refuses(
            "pinned no more", issuedAndPinned, .init("unknown-ca", alert: "unknown ca", hint: "no trust anchor"))
        try await trial.ends()
    }
}
