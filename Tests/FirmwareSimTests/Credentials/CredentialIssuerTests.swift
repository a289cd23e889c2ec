import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct CredentialIssuerTests {
    static func devices(_ count: Int, subject: String = "O=Elbe,CN={fleet}-{n}") throws -> [SimulatedDevice] {
        try SimulatedDevice.all(of: [
            ScenarioFleet(
                of: FleetSpecification(
                    option: "name=m;count=\(count);subject=\(subject);san=uri:urn:m:{n}",
                    defaults: FleetSpecificationTests.defaults), backoff: .none)
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
        case otherAuthority, otherSubject, expiresSoon, keyGone, otherKey, keyOfAnotherDevice, firstLineGone, emptyFile
    }

    @Test(arguments: CacheChange.allCases)
    func makesThemAnewWhenTheCacheIsNotRight(change: CacheChange) async throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let authority = try Self.authority()
        func issue(
            _ authority: CertificateAuthority, _ devices: some Collection<SimulatedDevice>
        ) async throws -> String {
            let issuer = CredentialIssuer(
                authority: authority, cache: try CredentialCache(folder: folder, issuer: authority),
                validityDays: change == .expiresSoon ? 5 : 30)
            return try await issuer.credentials(for: Array(devices)) { _ in }[0].privateKeyPEM
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
        case .otherKey:
            try KeyPair.generate().pem.write(toFile: folder + "/m-000001.key", atomically: true, encoding: .utf8)
            after = try await issue(authority, Self.devices(1))
        case .keyOfAnotherDevice:
            _ = try await issue(authority, Self.devices(2).suffix(1))
            try FileManager.default.removeItem(atPath: folder + "/m-000001.key")
            try FileManager.default.copyItem(atPath: folder + "/m-000002.key", toPath: folder + "/m-000001.key")
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

    @Test func anotherKindOrKeyTypeIsAnotherCertificate() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let issuer = try CredentialKindTests.issuer(scratch)
        var keys: Set<String> = []
        for (kind, keyType) in [(CredentialKind.valid, DeviceKeyType.p256), (.expired, .p256), (.valid, .p384)] {
            let request = try CredentialKindTests.request(kind: kind, keyType: keyType)
            let first = try await issuer.credentials(for: [request]) { _ in }[0]
            let second = try await issuer.credentials(for: [request]) { _ in }[0]
            #expect(first.privateKeyPEM == second.privateKeyPEM)
            keys.insert(first.privateKeyPEM)
        }
        #expect(keys.count == 3)
    }

    @Test(arguments: CredentialKind.allCases.filter { $0 != .none })
    func everyKindIsKeptAndTakenAgain(kind: CredentialKind) async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let requests = try (1...3).map { try CredentialKindTests.request($0, kind: kind) }
        let first = try await CredentialKindTests.issuer(scratch).credentials(for: requests) { _ in }
        var last: CredentialIssuer.Progress?
        // As a later run of the program does: all is read anew.
        let second = try await CredentialKindTests.issuer(scratch).credentials(for: requests) { last = $0 }
        #expect(last == .init(done: 3, total: 3, fromCache: 3))
        #expect(first.map(\.chainPEM) == second.map(\.chainPEM))
    }

    @Test func writersOfOneDeviceLeaveAPairThatFits() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let request = try CredentialKindTests.request(kind: .valid)
        let issuer = try CredentialKindTests.issuer(scratch)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { _ = try await issuer.credentials(for: [request]) { _ in } }
            }
            try await group.waitForAll()
        }
        let credential = try await issuer.credentials(for: [request]) { _ in }[0]
        #expect(try KeyPair(pem: credential.privateKeyPEM).belongsToFirstCertificate(of: credential.chainPEM))
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.file("pki/devices")).sorted()
        #expect(files == ["m-000001.crt", "m-000001.key"])
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
