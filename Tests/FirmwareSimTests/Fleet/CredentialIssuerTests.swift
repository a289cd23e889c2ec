import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct CredentialIssuerTests {
    static func devices(_ count: Int, subject: String = "O=Elbe,CN={fleet}-{n}") throws -> [SimulatedDevice] {
        try SimulatedDevice.all(of: [
            FleetSpecification(
                option: "name=m;count=\(count);subject=\(subject);san=uri:urn:m:{n}",
                defaults: FleetSpecificationTests.defaults)
        ])
    }

    static func authority() throws -> CertificateAuthority {
        try CertificateAuthority.makeDevelopmentRoot(commonName: "Device CA")
    }

    private func temporaryFolder() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("sim-\(UUID().uuidString)").path
    }

    @Test func givesEachDeviceItsOwnKeyAndName() async throws {
        let devices = try Self.devices(40)
        var seen: [CredentialIssuer.Progress] = []
        let issuer = CredentialIssuer(authority: try Self.authority(), cache: nil, validityDays: 30)
        let credentials = try await issuer.credentials(for: devices) { seen.append($0) }
        #expect(Set(credentials.map(\.privateKeyPEM)).count == 40)
        for (device, credential) in zip(devices, credentials) {
            let certificate = try #require(try CertificateInspection.all(pem: credential.chainPEM).first)
            #expect(certificate.subject.contains("CN=\(device.name)"))
            #expect(certificate.alternativeNames.map(\.value) == ["urn:m:\(device.number)"])
        }
        #expect(seen.last == .init(done: 40, total: 40, fromCache: 0))
    }

    @Test func takesThemFromTheCacheTheSecondTime() async throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let authority = try Self.authority()
        let devices = try Self.devices(5)
        let issuer = CredentialIssuer(
            authority: authority, cache: try CredentialCache(folder: folder, issuer: authority), validityDays: 30)
        let first = try await issuer.credentials(for: devices) { _ in }
        let second = try await issuer.credentials(for: devices) { _ in }
        #expect(first.map(\.privateKeyPEM) == second.map(\.privateKeyPEM))
        #expect(first.map(\.chainPEM) == second.map(\.chainPEM))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/m-000001.key")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    enum CacheChange: CaseIterable {
        case otherAuthority, otherSubject, expiresSoon, keyGone, firstLineGone, emptyFile
    }

    @Test(arguments: CacheChange.allCases)
    func makesThemAnewWhenTheCacheIsNotRight(change: CacheChange) async throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let authority = try Self.authority()
        func issue(_ authority: CertificateAuthority, _ devices: [SimulatedDevice]) async throws -> String {
            let issuer = CredentialIssuer(
                authority: authority, cache: try CredentialCache(folder: folder, issuer: authority),
                validityDays: change == .expiresSoon ? 5 : 30)
            return try await issuer.credentials(for: devices) { _ in }[0].privateKeyPEM
        }
        let before = try await issue(authority, Self.devices(1))
        let after: String
        switch change {
        case .otherAuthority: after = try await issue(Self.authority(), Self.devices(1))
        case .otherSubject: after = try await issue(authority, Self.devices(1, subject: "CN={fleet}-x{n}"))
        case .expiresSoon: after = try await issue(authority, Self.devices(1))
        case .keyGone:
            try FileManager.default.removeItem(atPath: folder + "/m-000001.key")
            after = try await issue(authority, Self.devices(1))
        case .firstLineGone:
            let file = folder + "/m-000001.crt"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try String(text.drop { $0 != "\n" }).write(toFile: file, atomically: true, encoding: .utf8)
            after = try await issue(authority, Self.devices(1))
        case .emptyFile:
            try Data().write(to: URL(fileURLWithPath: folder + "/m-000001.crt"))
            after = try await issue(authority, Self.devices(1))
        }
        #expect(before != after)
    }

    @Test func saysWhichFileIsAtFault() throws {
        #expect {
            try CredentialIssuer.authority(certificateFile: "/nonexistent/ca.pem", keyFile: "x", passphrase: nil)
        } throws: {
            let error = $0 as? SimulatorError
            return error?.code == "file-unreadable" && error?.explanation.contains("/nonexistent/ca.pem") == true
        }
    }
}
