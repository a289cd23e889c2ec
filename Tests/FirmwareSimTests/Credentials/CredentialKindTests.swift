import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

/// Each kind of certificate is what it says, in the eyes of a verifier that is not ours.
@Suite struct CredentialKindTests {
    static func request(
        _ number: Int = 1, kind: CredentialKind, keyType: DeviceKeyType = .p256, fleet: String = "m"
    ) throws -> CredentialRequest {
        let specification = try FleetSpecification(
            option: "name=\(fleet);count=9;subject=O=Elbe,CN={fleet}-{n};san=uri:urn:m:{n}",
            defaults: FleetSpecificationTests.defaults)
        return try CredentialRequest(number, of: specification, kind: kind, keyType: keyType)
    }

    static func issuer(_ scratch: ScratchFolder, name: String = "pki") throws -> CredentialIssuer {
        let folder = scratch.file(name)
        let pki =
            FileManager.default.fileExists(atPath: folder)
            ? try SimulatorPKI.open(folder: folder) : try SimulatorPKI.make(folder: folder)
        let cache = try CredentialCache(folder: folder + "/devices", issuer: pki.authority)
        return CredentialIssuer(pki: pki, cache: cache, validityDays: 30)
    }

    /// What `openssl verify` has to say of each kind.
    static let verdicts: [(CredentialKind, DeviceKeyType, String)] = [
        (.valid, .p256, "OK"),
        (.valid, .p384, "OK"),
        (.valid, .rsa2048, "OK"),
        (.expired, .p256, "certificate has expired"),
        (.notYetValid, .p256, "certificate is not yet valid"),
        (.revoked, .p256, "certificate revoked"),
        (.revoked, .p384, "certificate revoked"),
        (.wrongCA, .p256, "unable to get local issuer certificate"),
        (.wrongEKU, .p256, "unsuitable certificate purpose"),
    ]

    @Test(.needsOpenSSL, arguments: verdicts)
    func opensslSaysSo(_ kind: CredentialKind, _ keyType: DeviceKeyType, _ verdict: String) async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let issuer = try Self.issuer(scratch)
        let request = try Self.request(kind: kind, keyType: keyType)
        let credential = try await issuer.credentials(for: [request]) { _ in }[0]
        let device = scratch.file("device.pem")
        try credential.chainPEM.write(toFile: device, atomically: true, encoding: .utf8)
        let (status, output) = try OpenSSLProgram.run(
            "verify", "-CAfile", scratch.file("pki/ca.pem"), "-untrusted", device, "-crl_check_all", "-CRLfile",
            scratch.file("pki/crl.pem"), "-purpose", "sslclient", device)
        #expect((status == 0) == (kind == .valid))
        #expect(output.contains(verdict), "\(output)")
        // Nothing else is wrong with it.
        #expect(output.components(separatedBy: "error ").count <= 3, "\(output)")
    }

    @Test(.needsOpenSSL) func selfSignedIsSignedByItself() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let credential = try await Self.issuer(scratch).credentials(for: [Self.request(kind: .selfSigned)]) { _ in }[0]
        let device = scratch.file("device.pem")
        try credential.chainPEM.write(toFile: device, atomically: true, encoding: .utf8)
        let refused = try OpenSSLProgram.run("verify", "-CAfile", scratch.file("pki/ca.pem"), device)
        #expect(refused.status != 0)
        #expect(refused.output.contains("self-signed certificate"))
        #expect(try OpenSSLProgram.run("verify", "-CAfile", device, device).status == 0)
    }

    @Test func aDeviceWithoutACertificateHasNothing() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let credential = try await Self.issuer(scratch).credentials(for: [Self.request(kind: .none)]) { _ in }[0]
        #expect(credential.chainPEM.isEmpty)
        #expect(credential.privateKeyPEM.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("pki/devices")).isEmpty)
    }

    @Test(arguments: DeviceKeyType.allCases)
    func theKeyIsOfTheTypeAndFits(_ keyType: DeviceKeyType) async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let request = try Self.request(kind: .valid, keyType: keyType)
        let credential = try await Self.issuer(scratch).credentials(for: [request]) { _ in }[0]
        let certificate = try #require(try CertificateInspection.all(pem: credential.chainPEM).first)
        let expected: [DeviceKeyType: String] = [.p256: "EC P-256", .p384: "EC P-384", .rsa2048: "RSA"]
        #expect(certificate.keyType == expected[keyType])
        #expect(credential.privateKeyPEM.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        #expect(try KeyPair(pem: credential.privateKeyPEM).belongsToFirstCertificate(of: credential.chainPEM))
    }

    @Test(.needsOpenSSL, arguments: DeviceKeyType.allCases)
    func otherProgramsReadTheFiles(_ keyType: DeviceKeyType) async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        _ = try await Self.issuer(scratch).credentials(for: [Self.request(kind: .valid, keyType: keyType)]) { _ in }
        let stem = scratch.file("pki/devices/m-000001")
        let key = try OpenSSLProgram.run("pkey", "-in", stem + ".key", "-pubout")
        let certificate = try OpenSSLProgram.run("x509", "-in", stem + ".crt", "-noout", "-pubkey")
        #expect(key.status == 0)
        #expect(key.output == certificate.output)
    }

    @Test func namesAreTheSameInEveryKind() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let kinds = CredentialKind.allCases.filter { $0 != .none }
        let requests = try kinds.map { try Self.request(kind: $0, fleet: $0.rawValue) }
        let credentials = try await Self.issuer(scratch).credentials(for: requests) { _ in }
        for (kind, credential) in zip(kinds, credentials) {
            let chain = try CertificateInspection.all(pem: credential.chainPEM)
            #expect(chain[0].subject == "CN=\(kind.rawValue)-1,O=Elbe")
            #expect(chain[0].alternativeNames.map(\.value) == ["urn:m:1"])
            // The issuing CA is sent along, the root is not.
            #expect(chain.count == (kind == .selfSigned ? 1 : 2))
            #expect(chain[0].extendedKeyUsage == [kind == .wrongEKU ? "serverAuth" : "clientAuth"])
        }
    }

    @Test func revokedOnesNeedAPlaceForTheList() async throws {
        let authority = try CertificateAuthority.makeDevelopmentRoot()
        let issuer = CredentialIssuer(authority: authority, cache: nil, validityDays: 30)
        let code = try await simulatorCode {
            try await issuer.credentials(for: [Self.request(kind: .revoked)]) { _ in }
        }
        #expect(code == "revoked-needs-cache")
    }

    @Test func anOperatorsOwnAuthorityHasItsListBesideTheCache() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let authority = try CertificateAuthority.makeDevelopmentRoot()
        let issuer = CredentialIssuer(
            authority: authority, cache: try CredentialCache(folder: scratch.file("cache"), issuer: authority),
            validityDays: 30)
        let requests = try [Self.request(1, kind: .revoked), Self.request(2, kind: .valid)]
        let credentials = try await issuer.credentials(for: requests) { _ in }
        let text = try String(contentsOfFile: scratch.file("cache/crl.pem"), encoding: .utf8)
        let list = try #require(try CertificateRevocationList.all(pem: text).first)
        #expect(list.isSigned(by: authority))
        let serials = try credentials.compactMap { try CertificateInspection.all(pem: $0.chainPEM).first?.serialNumber }
        #expect(list.revoked.map(\.serialNumber) == [serials[0]])
    }

    @Test func aNewCertificateHasANewKey() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let issuer = try Self.issuer(scratch)
        let device = try #require(try CredentialIssuerTests.devices(1).first)
        let first = try issuer.renew(device)
        let second = try issuer.renew(device)
        #expect(first.privateKeyPEM != second.privateKeyPEM)
        let subjects = try [first, second].map { try CertificateInspection.all(pem: $0.chainPEM)[0].subject }
        #expect(subjects[0] == subjects[1])
        // The next run begins with the certificates of this one's beginning.
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("pki/devices")).isEmpty)
    }
}
