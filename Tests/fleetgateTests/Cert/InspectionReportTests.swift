import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import fleetgate

@Suite struct InspectionReportTests {
    private let root: CertificateAuthority

    init() throws { root = try CertificateAuthority.makeDevelopmentRoot() }

    private func report(
        _ contents: [UInt8], passphrase: String? = nil, entries: Int = 0
    ) throws -> InspectionReport {
        try InspectionReport(
            file: "f", contents: contents, passphrase: passphrase, entriesMax: entries, now: Date())
    }

    private func verdict(_ template: CertificateTemplate) throws -> String {
        try report(root.issue(template).certificateDER).items.first?.certificate?.verdict.text ?? "none"
    }

    @Test func aDevicesCertificateIsFine() throws {
        #expect(try verdict(.init(subject: [("CN", "a")])).hasPrefix("has nothing against it"))
    }

    @Test(arguments: [
        (CertificateTemplate(subject: [("CN", "a")], purpose: .server), "no clientAuth"),
        (CertificateTemplate(subject: [("CN", "a")], purpose: .none), "no clientAuth"),
        (CertificateTemplate(subject: [("CN", "a")], keyUsage: [.keyEncipherment]), "digitalSignature"),
        (CertificateTemplate(subject: [("CN", "a")], notBefore: Date() + 3600), "not valid yet"),
        (
            CertificateTemplate(subject: [("CN", "a")], notBefore: Date() - 7200, notAfter: Date() - 3600), "expired"
        ),
        (CertificateTemplate(subject: [("CN", "a")], keyType: .ed25519), "Ed25519"),
        (CertificateTemplate(subject: [("CN", "a")], additionalExtensions: [.unknownCritical]), "2.999.1"),
        (CertificateTemplate(subject: [("CN", "a")], isCA: true), "a CA's certificate"),
    ])
    func whatAGatewayRefusesIsSaid(template: CertificateTemplate, reason: String) throws {
        #expect(try verdict(template).contains(reason))
    }

    @Test func aSelfSignedOneIsForPins() throws {
        let own = try CertificateAuthority.selfSigned(.init(subject: [("CN", "a")]))
        #expect(try report(own.certificateDER).text.contains("if it is pinned"))
    }

    @Test func privateKeysAreNotShown() throws {
        let key = try KeyPair.generate()
        let text = try report(Array(key.pem.utf8)).text
        #expect(text.contains("EC P-256, 256 bits"))
        let secret = key.pem.split(separator: "\n")[1]
        #expect(!text.contains(secret))
        #expect(try !JSONText.encode(report(Array(key.pem.utf8))).contains(secret))
        let encrypted = try PrivateKeyPEM.encrypt(key.pem, passphrase: "horse", iterations: 10)
        let locked = try report(Array(encrypted.utf8))
        #expect(!locked.isReadable && locked.items.first?.problem?.code == "passphrase-required")
        #expect(try report(Array(encrypted.utf8), passphrase: "horse").isReadable)
        #expect(try report(Array(encrypted.utf8), passphrase: "cow").items.first?.problem?.code == "wrong-passphrase")
    }

    @Test func listsAreShownWithTheirEntries() throws {
        let list = try root.issueCRL(
            revoked: [.init(serialNumber: "0a0b", revokedAt: Date(), reason: .superseded)], nextUpdate: Date() + 60,
            number: 7)
        let report = try report(list.der, entries: 5)
        #expect(report.isReadable)
        for part in ["Revocation list", "0a0b", "superseded"] { #expect(report.text.contains(part), "\(report.text)") }
        #expect(try !self.report(list.der).text.contains("0a0b"))
    }

    @Test func archivesAreShown() throws {
        let issued = try root.issue(.init(subject: [("CN", "phone")]))
        let archive = try PKCS12.archive(issued, passphrase: "horse", iterations: 10)
        let report = try report(archive, passphrase: "horse")
        #expect(report.text.contains("CN=phone") && report.text.contains("Private key"))
        #expect(try !self.report(archive).isReadable)
    }

    @Test func requestsAreShown() async throws {
        let fixture = try CAFixture()
        let csr = try await fixture.request("r", subject: "/CN=m", names: "DNS:a.example")
        let report = try report(BoundedFile.read(csr, bytesMax: 10_000))
        for part in ["CN=m", "DNS:a.example", "EC P-256"] { #expect(report.text.contains(part), "\(report.text)") }
    }

    @Test func programsGetStableKeys() throws {
        let text = (try root.certificatePEM) + (try root.issue(.init(subject: [("CN", "a")])).certificatePEM)
        let json = try JSONText.encode(report(Array(text.utf8)))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let items = try #require(object["items"] as? [[String: Any]])
        #expect(items.count == 2 && items.allSatisfy { $0["kind"] as? String == "certificate" })
        let certificate = try #require(items[1]["certificate"] as? [String: Any])
        for key in ["subject", "issuer", "serial", "sha256", "not-before", "not-after", "key", "key-bits", "verdict"] {
            #expect(certificate[key] != nil, "\(key)")
        }
    }

    @Test func whatACertificateChoseDoesNotSteerATerminal() throws {
        let issued = try root.issue(
            .init(subject: [("CN", "a\u{1B}[2J")], alternativeNames: [.uri("urn:a")], allowsViolations: true))
        #expect(try !report(issued.certificateDER).text.contains("\u{1B}"))
        let label = "-----BEGIN X\u{1B}[2J-----\nAAAA\n-----END X\u{1B}[2J-----\n"
        #expect(try !report(Array(label.utf8)).text.contains("\u{1B}"))
        let broken = "-----BEGIN CERTIFICATE-----\n\u{1B}\n-----END CERTIFICATE-----\n"
        #expect(try !report(Array(broken.utf8)).text.contains("\u{1B}"))
    }

    @Test(arguments: ["", "hello", "0", "-----BEGIN X-----", "\u{0}\u{0}"])
    func whatIsNothingIsRefused(text: String) {
        #expect(throws: CommandFailure.self) { try report(Array(text.utf8)) }
    }

    @Test func aTextWithOneBrokenBlockShowsTheRest() throws {
        let text = (try root.certificatePEM) + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
        let report = try report(Array(text.utf8))
        #expect(!report.isReadable && report.items.count == 2)
        #expect(report.text.contains("malformed-certificate"))
    }

    @Test func theCommandSaysSoWithItsStatus() throws {
        let folder = try TemporaryFolder()
        let good = try folder.write(try root.certificatePEM, to: "a.pem")
        try CertInspectCommand.parse([good]).run()
        try CertInspectCommand.parse([good, "--json"]).run()
        let bad = try folder.write("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", to: "b.pem")
        #expect(throws: ExitCode.failure) { try CertInspectCommand.parse([bad]).run() }
        #expect(throws: FileProblem.self) { try CertInspectCommand.parse([folder.path + "/none"]).run() }
        #expect(throws: FileProblem.self) { try CertInspectCommand.parse([folder.path]).run() }
        #expect(throws: (any Error).self) { try CertInspectCommand.parse([good, "--entries", "-1"]) }
    }
}
