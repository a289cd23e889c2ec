import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct SimulatorPKITests {
    @Test func isMadeWithFilesOnlyItsOwnerMayRead() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        _ = try SimulatorPKI.make(folder: scratch.file("pki"))
        #expect(try scratch.contents == ["pki"])
        #expect(try scratch.mode("pki") == 0o700)
        #expect(try scratch.mode("pki/devices") == 0o700)
        for key in ["root.key", "issuing.key"] { #expect(try scratch.mode("pki/" + key) == 0o600) }
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.file("pki")).sorted()
        #expect(names == ["ca.pem", "crl.pem", "devices", "issuing.key", "issuing.pem", "root.key", "root.pem"])
        let root = try CertificateInspection(pem: String(contentsOfFile: scratch.file("pki/ca.pem"), encoding: .utf8))
        let issuing = try CertificateInspection(
            pem: String(contentsOfFile: scratch.file("pki/issuing.pem"), encoding: .utf8))
        #expect(root.isSelfIssued && root.isCA && root.maxPathLength == 1)
        #expect(issuing.issuer == root.subject && issuing.isCA && issuing.maxPathLength == 0)
    }

    @Test func anEmptyFolderIsFilled() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        try FileManager.default.createDirectory(
            atPath: scratch.file("pki"), withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        _ = try SimulatorPKI.make(folder: scratch.file("pki"))
        #expect(try scratch.mode("pki") == 0o700)
    }

    @Test func nothingIsOverwritten() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        _ = try SimulatorPKI.make(folder: scratch.file("pki"))
        let before = try String(contentsOfFile: scratch.file("pki/root.key"), encoding: .utf8)
        #expect(try await simulatorCode { try SimulatorPKI.make(folder: scratch.file("pki")) } == "folder-not-empty")
        #expect(try String(contentsOfFile: scratch.file("pki/root.key"), encoding: .utf8) == before)
        try "x".write(toFile: scratch.file("file"), atomically: true, encoding: .utf8)
        #expect(try await simulatorCode { try SimulatorPKI.make(folder: scratch.file("file")) } == "folder-not-empty")
        #expect(
            try await simulatorCode { try SimulatorPKI.make(folder: scratch.file("file/pki")) } == "folder-unusable")
    }

    @Test(arguments: [
        SimulatorPKI.Template(organization: ""),
        SimulatorPKI.Template(organization: String(repeating: "x", count: 65)),
        SimulatorPKI.Template(validityDays: -1),
        SimulatorPKI.Template(validityDays: .max),
    ])
    func nothingIsLeftOfAFailure(_ template: SimulatorPKI.Template) throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        #expect(throws: SimulatorError.self) {
            try SimulatorPKI.make(folder: scratch.file("pki"), template: template)
        }
        #expect(try scratch.contents.isEmpty)
    }

    @Test func saysEveryFileThatIsMissing() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        _ = try SimulatorPKI.make(folder: scratch.file("pki"))
        for name in ["root.key", "ca.pem"] { try FileManager.default.removeItem(atPath: scratch.file("pki/" + name)) }
        #expect {
            try SimulatorPKI.open(folder: scratch.file("pki"))
        } throws: { error in
            let error = error as? SimulatorError
            return error?.code == "not-a-pki" && error?.explanation.contains("lacks root.key, ca.pem;") == true
        }
        #expect(throws: SimulatorError.self) { try SimulatorPKI.open(folder: scratch.file("nowhere")) }
    }

    enum Damage: CaseIterable { case notPEM, otherKey, leaf, notText, tooLarge }

    @Test(arguments: Damage.allCases)
    func aDamagedFileIsNamed(_ damage: Damage) throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let pki = try SimulatorPKI.make(folder: scratch.file("pki"))
        let certificate = scratch.file("pki/issuing.pem")
        switch damage {
        case .notPEM:
            try "nothing".write(toFile: certificate, atomically: true, encoding: .utf8)
        case .otherKey:
            try KeyPair.generate().pem.write(
                toFile: scratch.file("pki/issuing.key"), atomically: true, encoding: .utf8)
        case .leaf:
            let leaf = try pki.authority.issue(.init(subject: [("CN", "leaf")]))
            try leaf.certificatePEM.write(toFile: certificate, atomically: true, encoding: .utf8)
        case .notText:
            try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: certificate))
        case .tooLarge:
            try Data(repeating: 0x20, count: SimulatorLimits.pemFileBytesMax + 1).write(
                to: URL(fileURLWithPath: certificate))
        }
        #expect {
            try SimulatorPKI.open(folder: scratch.file("pki"))
        } throws: { ($0 as? SimulatorError)?.explanation.contains(certificate) == true }
    }

    @Test func anOutdatedOneIsRefused() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        _ = try SimulatorPKI.make(folder: scratch.file("pki"), template: .init(validityDays: 30))
        let later = Date() + 31 * 86_400
        #expect(
            try await simulatorCode { try SimulatorPKI.open(folder: scratch.file("pki"), now: later) }
                == "pki-outdated")
    }

    @Test(.needsOpenSSL) func theServersCertificateIsForItsNames() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        let pki = try SimulatorPKI.make(folder: folder)
        try pki.makeServer(.local, folder: folder)
        #expect(try scratch.mode("pki/server.key") == 0o600)
        for check in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
            let (status, output) = try OpenSSLProgram.run(
                "verify", "-CAfile", folder + "/ca.pem", "-untrusted", folder + "/server.pem", "-purpose", "sslserver",
                "-crl_check_all", "-CRLfile", folder + "/crl.pem", check[0], check[1], folder + "/server.pem")
            #expect(status == 0, "\(output)")
        }
        let pem = try String(contentsOfFile: folder + "/server.pem", encoding: .utf8)
        let key = try KeyPair(pem: String(contentsOfFile: folder + "/server.key", encoding: .utf8))
        #expect(key.belongsToFirstCertificate(of: pem))
    }

    @Test func theServersCertificateIsReplacedOnlyWhenAskedTo() async throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        let pki = try SimulatorPKI.make(folder: folder)
        try pki.makeServer(.local, folder: folder)
        let before = try String(contentsOfFile: folder + "/server.pem", encoding: .utf8)
        #expect(try await simulatorCode { try pki.makeServer(.local, folder: folder) } == "server-exists")
        #expect(try String(contentsOfFile: folder + "/server.pem", encoding: .utf8) == before)
        try pki.makeServer(.local, folder: folder, replacing: true)
        #expect(try String(contentsOfFile: folder + "/server.pem", encoding: .utf8) != before)
    }

    @Test(arguments: [
        ([], [], 1), ([""], [], 1), (["a b"], [], 1), (["-a"], [], 1), (["a..b"], [], 1), (["a.*"], [], 1),
        (["*"], [], 1),
        (["ü.example"], [], 1), ([String(repeating: "a", count: 64)], [], 1), ([], ["localhost"], 1),
        ([], ["1.2.3"], 1), (["a b", "c d"], ["x"], 3), (["a"], [String](repeating: "127.0.0.1", count: 100), 1),
    ])
    func serverNamesThatAreNoneAreRefused(_ names: [String], _ addresses: [String], _ mistakes: Int) throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.file("pki")
        let pki = try SimulatorPKI.make(folder: folder)
        let server = SimulatorPKI.ServerNames(names: names, addresses: addresses)
        #expect(server.mistakes().count == mistakes)
        #expect(throws: SimulatorError.self) { try pki.makeServer(server, folder: folder) }
        #expect(!FileManager.default.fileExists(atPath: folder + "/server.key"))
    }
}
