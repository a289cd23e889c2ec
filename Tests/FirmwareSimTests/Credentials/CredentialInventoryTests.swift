import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct CredentialInventoryTests {
    @Test func listsWhatIsThere() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let issuer = try CredentialKindTests.issuer(scratch)
        let folder = scratch.file("pki")
        try issuer.pki.makeServer(.local, folder: folder)
        let requests = try [
            CredentialKindTests.request(1, kind: .valid),
            CredentialKindTests.request(2, kind: .revoked, keyType: .p384),
            CredentialKindTests.request(3, kind: .none),
        ]
        let credentials = try await issuer.credentials(for: requests) { _ in }
        let inventory = try CredentialInventory(folder: folder)
        #expect(inventory.certificates.map(\.file) == ["root.pem", "issuing.pem", "server.pem"])
        #expect(inventory.devices.map(\.name) == ["m-1", "m-2"])
        #expect(inventory.devices.map(\.kind) == [.valid, .revoked])
        #expect(inventory.devices.map(\.key) == [.p256, .p384])
        #expect(inventory.revocationList?.revoked == 1)
        for (device, credential) in zip(inventory.devices, credentials) {
            let certificate = try #require(try CertificateInspection.all(pem: credential.chainPEM).first)
            #expect(device.serialNumber == certificate.serialNumber)
            let difference = device.notAfter.timeIntervalSince(certificate.notAfter)
            #expect(abs(difference) <= 1)
        }
        let lines = inventory.text.split(separator: "\n")
        // A heading, three certificates, two devices, the list.
        #expect(lines.count == 7)
        let revoked = try #require(lines.first { $0.hasPrefix("m-2 ") })
        #expect(revoked.contains("revoked"))
        #expect(revoked.hasSuffix("p384"))
    }

    @Test func whatIsNotOursIsSaidAndHarmless() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        _ = try SimulatorPKI.make(folder: folder)
        let hostile = CredentialRecord(
            origin: .init(issuer: "", kind: .valid, keyType: .p256, subject: "", alternativeNames: []),
            name: "\u{1B}[2Jx\u{202E}", serialNumber: "\u{07}", notBefore: 0, notAfter: 0)
        try hostile.line.write(toFile: folder + "/devices/a.crt", atomically: true, encoding: .utf8)
        try "x".write(toFile: folder + "/devices/b\u{1B}.crt", atomically: true, encoding: .utf8)
        let inventory = try CredentialInventory(folder: folder)
        #expect(inventory.unknownFiles == ["b\u{1B}.crt"])
        #expect(inventory.devices.count == 1)
        let steering: Set<Unicode.Scalar> = ["\u{1B}", "\u{07}", "\u{202E}"]
        #expect(steering.isDisjoint(with: inventory.text.unicodeScalars))
    }

    @Test func needsAPKI() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        #expect(throws: SimulatorError.self) { try CredentialInventory(folder: scratch.path) }
    }
}
