import FleetPKI
import FleetPolicy
import NIOMbedTLS
import Testing

@testable import fleetgate

/// What OpenSSL and swift-certificates take and mbedTLS does not has to be found by `check`, not by `serve`.
@Suite struct TLSTrialTests {
    @Test func aServersKeyThatMbedTLSCannotUseIsAMistake() throws {
        let gate = try Gate()
        let server = try gate.root.issue(
            CertificateTemplate(subject: [("CN", "gate")], purpose: .server, keyType: .ed25519))
        try gate.write(server.chainPEM, to: "server.pem")
        try gate.write(server.privateKeyPEM, to: "server.key")
        let mistakes = gate.load().mistakes
        #expect(!mistakes.isEmpty)
        #expect(mistakes.allSatisfy { $0.code == .refusedByTLS && ["tls.certificate", "tls.key"].contains($0.key) })
    }

    @Test func aCAThatMbedTLSCannotUseIsAMistakeAtItsFile() throws {
        let gate = try Gate()
        let edwards = try CertificateAuthority.selfSigned(
            CertificateTemplate(subject: [("CN", "Ed")], purpose: .none, isCA: true, keyType: .ed25519))
        let critical = try CertificateAuthority.selfSigned(
            CertificateTemplate(
                subject: [("CN", "Critical")], purpose: .none, isCA: true, additionalExtensions: [.unknownCritical]))
        try gate.edit("  client-ca: ca/ca.pem", to: "  client-ca: [ca/ca.pem, other.pem]")
        for root in [edwards, critical] {
            try gate.write(root.certificatePEM, to: "other.pem")
            let mistakes = gate.load().mistakes
            #expect(mistakes.map(\.key) == ["tls.client-ca[1]"], "\(mistakes)")
            #expect(mistakes.first?.code == .refusedByTLS)
        }
    }

    @Test func aVersionThatIsNotThereIsAMistake() throws {
        let gate = try Gate()
        try gate.edit("  versions: [1.2, 1.3]", to: "  versions: [1.3]")
        let (loaded, mistakes) = gate.load()
        if MbedTLSLibrary.supportsTLS13 {
            #expect(loaded?.serverTLS["default"]?.versions == .v1_3 ... .v1_3)
        } else {
            #expect(mistakes.map(\.key).contains("tls.versions"))
        }
    }

    @Test func aVersionLeftOutIsAWarning() throws {
        let loaded = try #require(try Gate().load().loaded)
        #expect(loaded.serverTLS["default"]?.versions.upperBound == TLSVersion.highestSupported)
        #expect(loaded.warnings.contains { $0.contains("TLS 1.3 is left out") } == !MbedTLSLibrary.supportsTLS13)
    }

    @Test func aTLSBrokersCAIsTriedToo() throws {
        let gate = try Gate()
        let edwards = try CertificateAuthority.selfSigned(
            CertificateTemplate(subject: [("CN", "Ed")], purpose: .none, isCA: true, keyType: .ed25519))
        try gate.write(edwards.certificatePEM, to: "broker.pem")
        try gate.edit(
            "  url: embedded\n  embedded:\n    mosquitto: /usr/sbin/mosquitto\n    data: broker\n",
            to: "  url: tls://b.example\n  ca: broker.pem\n")
        let mistakes = gate.load().mistakes
        #expect(mistakes.map(\.key) == ["upstream.ca"], "\(mistakes)")
    }
}
