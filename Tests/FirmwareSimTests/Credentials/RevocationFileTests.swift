import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct RevocationFileTests {
    private struct Place {
        let scratch: ScratchFolder
        let root: CertificateAuthority
        let issuing: CertificateAuthority

        init() throws {
            scratch = try ScratchFolder()
            root = try CertificateAuthority.makeDevelopmentRoot()
            issuing = try root.makeIntermediate()
        }

        var file: RevocationFile { RevocationFile(folder: scratch.path, issuing: issuing, root: root) }
        var text: String { get throws { try String(contentsOfFile: file.path, encoding: .utf8) } }
        func serials() throws -> [String]? { try file.current()?.revoked.map(\.serialNumber) }
    }

    @Test func beginsEmptyForBothAuthorities() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        #expect(try place.file.current() == nil)
        #expect(try place.file.add([]))
        let lists = try CertificateRevocationList.all(pem: place.text)
        #expect(lists.map { $0.isSigned(by: place.issuing) } == [true, false])
        #expect(lists.map { $0.isSigned(by: place.root) } == [false, true])
        #expect(lists.allSatisfy { $0.revoked.isEmpty && $0.number == 1 && $0.thisUpdate < Date() })
        #expect(try place.scratch.contents == ["crl.pem"])
    }

    @Test func keepsWhatWasRevokedBefore() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        try place.file.add(["0a", "0b"])
        try place.file.add(["0b", "0c", "0c"])
        #expect(try place.serials() == ["0a", "0b", "0c"])
        #expect(try place.file.current()?.number == 2)
        #expect(try CertificateRevocationList.all(pem: place.text).count == 2)
    }

    @Test func isLeftAloneWhenItSaysAllThereIsToSay() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        try place.file.add(["0a"])
        let before = try place.text
        #expect(try !place.file.add(["0a"]))
        #expect(try !place.file.add([]))
        #expect(try place.text == before)
    }

    @Test func isMadeAnewBeforeItRunsOut() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let now = Date()
        try place.file.add(["0a"], now: now)
        #expect(try !place.file.add([], now: now + RevocationFile.lifetime / 2))
        #expect(try place.file.add([], now: now + RevocationFile.lifetime - 86_400))
        #expect(try place.serials() == ["0a"])
        #expect(try place.file.current()?.number == 2)
    }

    @Test func nobodysEntryIsLostWhenManyAdd() async throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let file = place.file
        let serials = (16..<48).map { String($0, radix: 16) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for serial in serials { group.addTask { try file.add([serial]) } }
            try await group.waitForAll()
        }
        let listed = try #require(try place.serials())
        #expect(Set(listed) == Set(serials))
        #expect(try place.file.current()?.number == UInt64(serials.count))
    }

    @Test(arguments: ["", "text", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"])
    func aDamagedFileIsNotOverwritten(_ text: String) async throws {
        let place = try Place()
        defer { place.scratch.remove() }
        try text.write(toFile: place.file.path, atomically: true, encoding: .utf8)
        #expect(try await simulatorCode { try place.file.add(["0a"]) } == "crl-damaged")
        #expect(try place.text == text)
    }

    @Test func anotherAuthoritysFileIsNotOverwritten() async throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let stranger = try CertificateAuthority.makeDevelopmentRoot(commonName: "Stranger")
        try RevocationFile(folder: place.scratch.path, issuing: stranger, root: nil).add(["0a"])
        let before = try place.text
        #expect(try await simulatorCode { try place.file.add(["0b"]) } == "crl-of-another-ca")
        #expect(try place.text == before)
    }

    @Test func anAuthorityThatMustNotSignListsIsNamed() async throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let issued = try place.root.issue(.init(subject: [("CN", "x")], keyUsage: [.keyCertSign], isCA: true))
        let authority = try CertificateAuthority(
            certificatePEM: issued.certificatePEM, privateKeyPEM: issued.privateKeyPEM)
        let file = RevocationFile(folder: place.scratch.path, issuing: authority, root: nil)
        #expect(try await simulatorCode { try file.add(["0b"]) } == "crl-sign-missing")
        #expect(try place.scratch.contents.isEmpty)
    }

    @Test func aFolderThatIsNotThereIsNamed() async throws {
        let place = try Place()
        place.scratch.remove()
        #expect(try await simulatorCode { try place.file.add(["0b"]) } == "folder-unusable")
    }
}
