import FleetPKI
import FleetPolicy
import Foundation
import Testing

@testable import fleetgate

@Suite struct LoadedConfigurationTests {
    @Test func whatInitMakesIsSound() throws {
        let gate = try Gate()
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        let found = try #require(loaded)
        #expect(found.profiles.profileNames.sorted() == ["asset-tracker", "building-gateway", "smart-meter"])
        #expect(found.trust.anchors.map(\.inspection.isCA) == [true])
        #expect(found.server.privateKeyPEM.contains("PRIVATE KEY"))
    }

    @Test(arguments: ["server.pem", "server.key", "ca/ca.pem"])
    func aMissingFileIsSaidAtItsKey(name: String) throws {
        let gate = try Gate()
        try FileManager.default.removeItem(atPath: gate.folder.path + "/gate/" + name)
        let mistake = try #require(gate.load().mistakes.first)
        #expect(mistake.message.contains("does not exist"))
        #expect(mistake.location.file == gate.configuration)
        let line = try gate.folder.text("gate/fleetgate.yaml").split(separator: "\n", omittingEmptySubsequences: false)[
            mistake.location.line - 1]
        #expect(line.contains(name))
    }

    @Test(arguments: [
        (0o644, false), (0o604, false), (0o602, false), (0o660, false), (0o620, false), (0o666, false), (0o601, false),
        (0o600, true), (0o400, true), (0o640, true), (0o440, true), (0o700, true),
    ])
    func aKeyThatOthersCanReachIsRefused(mode: Int, isTaken: Bool) throws {
        let gate = try Gate()
        let key = gate.folder.path + "/gate/server.key"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: key)
        let mistakes = gate.load().mistakes
        #expect(mistakes.isEmpty == isTaken)
        if let mistake = mistakes.first {
            #expect(mistake.key == "tls.key")
            #expect(mistake.hint == "chmod 600 \(key)")
            #expect(mistake.message.contains(String(mode, radix: 8)))
        }
    }

    @Test func aSymbolicLinkDoesNotHideAnOpenKey() throws {
        let gate = try Gate()
        let key = gate.folder.path + "/gate/server.key"
        try FileManager.default.moveItem(atPath: key, toPath: key + ".real")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key + ".real")
        try FileManager.default.createSymbolicLink(atPath: key, withDestinationPath: "server.key.real")
        #expect(gate.load().mistakes.map(\.key) == ["tls.key"])
    }

    @Test func aKeyOfAnotherCertificateIsRefused() throws {
        let gate = try Gate()
        try gate.write(try KeyPair.generate().pem, to: "server.key")
        let mistake = try #require(gate.load().mistakes.first)
        #expect(mistake.key == "tls.certificate")
        #expect(mistake.message.contains("another key"))
    }

    @Test(arguments: ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "\u{0}"])
    func whatIsNoCertificateIsRefused(text: String) throws {
        for name in ["server.pem", "ca/ca.pem"] {
            let gate = try Gate()
            try gate.write(text, to: name)
            #expect(gate.load().mistakes.map(\.key) == [name == "server.pem" ? "tls.certificate" : "tls.client-ca"])
        }
    }

    @Test func aServerNeedsAServersCertificateOfItsOwn() throws {
        let gate = try Gate()
        let client = try gate.root.issue(CertificateTemplate(subject: [("CN", "x")], purpose: .client))
        try gate.write(client.chainPEM, to: "server.pem")
        try gate.write(client.privateKeyPEM, to: "server.key")
        #expect(gate.load().mistakes.first?.message.contains("clientAuth, not for serverAuth") == true)

        try gate.write(try gate.root.certificatePEM, to: "server.pem")
        try gate.write(gate.root.privateKeyPEM, to: "server.key")
        #expect(gate.load().mistakes.first?.message.contains("is a CA certificate") == true)
    }

    @Test func aDevicesCertificateIsNoCA() throws {
        let gate = try Gate()
        let device = try gate.root.issue(CertificateTemplate(subject: [("CN", "x")]))
        try gate.write(device.certificatePEM, to: "ca/ca.pem")
        #expect(gate.load().mistakes.first?.message == "CN=x is not a CA certificate")
    }

    @Test func expiryIsAMistakeAndBeforeItAWarning() throws {
        let gate = try Gate()
        let end = try #require(gate.load().loaded?.server.certificates.first?.notAfter)
        #expect(gate.load(now: end.addingTimeInterval(1)).mistakes.first?.message.contains("has expired") == true)
        #expect(
            gate.load(now: end.addingTimeInterval(-86_400)).loaded?.warnings.contains { $0.contains("expires on") }
                == true)
        let early = gate.load(now: Date(timeIntervalSince1970: 1_000_000_000)).mistakes
        #expect(early.first?.message.contains("is not valid before") == true)
        #expect(early.first?.hint?.contains("clock") == true)
    }

    @Test func anEncryptedKeyIsOpenedFromAFileOrVariable() throws {
        let gate = try Gate()
        let key = try gate.folder.text("gate/server.key")
        try gate.write(try PrivateKeyPEM.encrypt(key, passphrase: "open sesame", iterations: 1000), to: "server.key")
        let locked = try #require(gate.load().mistakes.first)
        #expect(locked.key == "tls.key")
        #expect(locked.hint?.contains("key-passphrase-file") == true)

        try gate.edit("  key: server.key", to: "  key: server.key\n  key-passphrase-env: FG_TEST")
        #expect(gate.load().mistakes.first?.message.contains("FG_TEST is not set") == true)
        let wrong = try #require(gate.load(environment: ["FG_TEST": "shut sesame"]).mistakes.first)
        #expect(wrong.key == "tls.key" && !wrong.description.contains("sesame"))
        #expect(gate.load(environment: ["FG_TEST": "open sesame"]).mistakes.isEmpty)

        try gate.edit("key-passphrase-env: FG_TEST", to: "key-passphrase-file: phrase")
        try gate.write("open sesame\n", to: "phrase")
        #expect(gate.load().mistakes.isEmpty)
        try gate.write("open sesame\n", to: "phrase", mode: 0o644)
        #expect(gate.load().mistakes.first?.hint?.hasPrefix("chmod 600 ") == true)
        try gate.write("\n", to: "phrase")
        #expect(gate.load().mistakes.first?.key == "tls.key-passphrase-file")
    }

    @Test func profilesAreCheckedAllOfThemAndTogether() throws {
        let gate = try Gate()
        try gate.write("profile: one\nmatch: {subject: {CN: \"a-{n\"}}\ndevice: \"{n}\"\n", to: "profiles/one.yaml")
        try gate.write("profile: smart-meter\nunknown: 1\n", to: "profiles/two.yaml")
        try gate.write("broken: [", to: "profiles/three.yml")
        try gate.write("not a profile", to: "profiles/.hidden.yaml")
        try gate.write("nor this", to: "profiles/README.md")
        let files = Set(gate.load().mistakes.map { URL(fileURLWithPath: $0.location.file).lastPathComponent })
        #expect(files == ["one.yaml", "two.yaml", "three.yml"])
    }

    @Test func aFolderWithoutProfilesIsAMistake() throws {
        let gate = try Gate()
        for name in ["asset-tracker", "building-gateway", "smart-meter"] {
            try FileManager.default.removeItem(atPath: gate.folder.path + "/gate/profiles/\(name).yaml")
        }
        #expect(gate.load().mistakes.first?.message.contains("has no .yaml file") == true)
        try gate.edit("profiles: profiles", to: "profiles: nowhere")
        let mistake = try #require(gate.load().mistakes.first)
        #expect(mistake.key == "profiles" && mistake.message.contains("not a folder"))
    }

    @Test func mistakesOfAllKindsComeTogether() throws {
        let gate = try Gate()
        try gate.edit("  level: info ", to: "  level: loud ")
        try gate.edit("  certificate: server.pem", to: "  certificate: none.pem")
        try gate.write("x: 1", to: "profiles/bad.yaml")
        let keys = gate.load().mistakes.map(\.key)
        #expect(keys.contains("log.level") && keys.contains("tls.certificate") && keys.contains("x"))
    }

    @Test func aTLSBrokersMaterialIsRead() throws {
        let gate = try Gate()
        let own = try gate.root.issue(CertificateTemplate(subject: [("CN", "gateway")]))
        try gate.write(own.chainPEM, to: "gw.pem")
        try gate.write(own.privateKeyPEM, to: "gw.key")
        try gate.write("secret\n", to: "pw")
        try gate.edit(
            "  url: embedded\n  embedded:\n    mosquitto: /usr/sbin/mosquitto\n    data: broker\n",
            to:
                "  url: tls://b.example\n  ca: ca/ca.pem\n  certificate: gw.pem\n  key: gw.key\n"
                + "  user-name: fg\n  password-file: pw\n"
        )
        let (loaded, mistakes) = gate.load()
        #expect(mistakes.isEmpty, "\(mistakes)")
        #expect(loaded?.upstream.material.password == "secret")
        #expect(loaded?.upstream.material.identity?.certificates.first?.subject == "CN=gateway")
        try gate.write("secret\n", to: "pw", mode: 0o604)
        #expect(gate.load().mistakes.map(\.key) == ["upstream.password-file"])
    }

    @Test func theReportIsForPeopleAndPrograms() throws {
        let gate = try Gate()
        let report = CheckReport.make(gate.configuration, environment: [:])
        #expect(report.ok)
        let text = try #require(report.summary).text(for: "f")
        #expect(text.contains("smart-meter") && text.contains("TLS 1.2 and 1.3") && text.contains("embedded"))
        #expect(try JSONText.encode(report).contains("\"tls-versions\""))
        try gate.edit("event-loops: 4", to: "x\nevent-loops: 4")
        let broken = CheckReport.make(gate.folder.path + "/none.yaml", environment: [:])
        #expect(!broken.ok && broken.summary == nil)
        #expect(broken.mistakes.first?.text.hasPrefix(gate.folder.path + "/none.yaml:1:1: ") == true)
    }

    @Test func theFilesOfABrokenConfigurationAreReadToo() throws {
        let gate = try Gate()
        try gate.edit("  port: 0", to: "  port: 99999")
        try gate.edit("  url: embedded", to: "  url: \"mqtt://broker\"")
        try gate.edit("  certificate: server.pem", to: "  certificate: none.pem")
        try gate.write("profile: broken\nmatch: {}\n", to: "profiles/broken.yaml")
        let mistakes = gate.load().mistakes
        for key in ["listener.port", "upstream.url", "tls.certificate"] {
            #expect(mistakes.contains { $0.key == key }, "\(key)")
        }
        #expect(mistakes.contains { $0.location.file.hasSuffix("profiles/broken.yaml") })
    }

    @Test func aMissingMosquittoIsAMistake() throws {
        let gate = try Gate()
        for program in ["/nonexistent/mosquitto", "/usr", "/etc/passwd"] {
            let text = try gate.folder.text("gate/fleetgate.yaml")
            try gate.edit("    mosquitto: /usr/sbin/mosquitto", to: "    mosquitto: \(program)")
            #expect(gate.load().mistakes.map(\.key) == ["upstream.embedded.mosquitto"])
            try gate.write(text, to: "fleetgate.yaml")
        }
    }
}
