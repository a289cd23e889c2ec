import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import fleetgate

@Suite struct CARevocationTests {
    @Test func aRevokedCertificateIsOnTheListAtOnce() async throws {
        let fixture = try CAFixture()
        try fixture.issue("good")
        try fixture.issue("bad")
        try fixture.revoke([fixture.path("bad.pem"), "--reason", "keyCompromise"])
        #expect(try await fixture.verify("good").status == 0)
        #expect(try await fixture.verify("bad").output.contains("certificate revoked"))
        #expect(try fixture.folder.mode("pki/crl.pem") == 0o644)
        #expect(try fixture.lists().map(\.number) == [2, 1])
        #expect(try fixture.lists().first?.revoked.first?.reason == .keyCompromise)
        let signed = try await runProgram([
            "openssl", "crl", "-in", fixture.ca + "/crl.pem", "-CAfile", fixture.ca + "/issuing.pem", "-noout",
        ])
        #expect(signed.output.contains("verify OK"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.ca).allSatisfy { !$0.contains("crl.pem.") })
    }

    @Test func revokedTwiceIsAMistakeAndChangesNothing() throws {
        let fixture = try CAFixture()
        try fixture.issue("a")
        try fixture.issue("b")
        try fixture.revoke([fixture.path("a.pem")])
        let error = #expect(throws: CommandFailure.self) {
            try fixture.revoke([fixture.path("b.pem"), fixture.path("a.pem")])
        }
        #expect(error?.description.contains("already") == true)
        #expect(try fixture.contents().revoked.count == 1)
        #expect(try fixture.lists().first?.number == 2)
    }

    @Test func aSerialNumberMayBeWrittenInManyWays() throws {
        let fixture = try CAFixture()
        for (number, form) in [
            { $0 }, { $0.uppercased() }, { "0x" + $0 }, { "00" + $0 },
            { (text: String) in
                stride(from: 0, to: text.count, by: 2).map { String(text.dropFirst($0).prefix(2)) }.joined(
                    separator: ":")
            },
        ].enumerated() as EnumeratedSequence<[(String) -> String]> {
            try fixture.issue("d\(number)")
            let serial = try fixture.serial("d\(number)")
            try fixture.revoke(["--serial", form(serial), "--no-publish"])
            #expect(try fixture.contents().certificates[number].revokedAt != nil, "\(form(serial))")
        }
        #expect(try fixture.lists().first?.number == 1)
        try fixture.publish()
        #expect(try fixture.lists().first?.revoked.count == 5)
    }

    @Test(arguments: ["", "0", "00:00", "xyz", "-1", "0x", "1.5", "a b c", String(repeating: "f", count: 41), "é", "１"])
    func whatIsNoSerialNumberIsRefused(text: String) {
        let normal = IssuedSerialNumber.normal(text)
        #expect(normal == nil || text == "a b c")
    }

    @Test(arguments: [
        ("a", "0a"), ("0A", "0a"), ("0x00ff", "ff"), ("F:F", "ff"), ("ab cd", "abcd"),
        (String(repeating: "f", count: 40), String(repeating: "f", count: 40)),
        ("00" + String(repeating: "f", count: 40), String(repeating: "f", count: 40)),
    ])
    func serialNumbersHaveOneForm(text: String, normal: String) {
        #expect(IssuedSerialNumber.normal(text) == normal)
    }

    @Test func whatIsNotOfThisCAIsRefusedAllAtOnce() throws {
        let fixture = try CAFixture()
        let other = try CAFixture()
        try fixture.issue("own")
        try other.issue("foreign")
        try fixture.folder.write("nothing", to: "text")
        let error = #expect(throws: CommandFailure.self) {
            try fixture.revoke([
                fixture.path("own.pem"), other.path("foreign.pem"), fixture.path("text"), fixture.path("none"),
                fixture.ca + "/ca.pem",
            ])
        }
        #expect(error?.description.split(separator: "\n").count == 4, "\(error?.description ?? "")")
        #expect(try fixture.contents().revoked.isEmpty)
    }

    @Test func theRootTakesTheIssuingCABack() async throws {
        let fixture = try CAFixture()
        try fixture.issue("a")
        try fixture.revoke([fixture.ca + "/issuing.pem", "--reason", "ca-compromise"])
        #expect(try fixture.lists().map { $0.revoked.count } == [0, 1])
        #expect(try fixture.lists().map(\.number) == [2, 2])
        #expect(try await fixture.verify("a").output.contains("certificate revoked"))
        try FileManager.default.removeItem(atPath: fixture.ca + "/root.key")
        try fixture.publish()
        #expect(try fixture.lists().map { $0.revoked.count } == [0, 1])
    }

    @Test func aListIsMadeWhenItIsOldEnough() throws {
        let fixture = try CAFixture()
        try fixture.publish(["--if-older-than", "1d"])
        #expect(try fixture.lists().first?.number == 1)
        try fixture.publish(["--if-older-than", "0s", "--days", "30", "--out", fixture.path("copy.pem")])
        #expect(try fixture.lists().first?.number == 2)
        #expect(try fixture.folder.text("copy.pem") == fixture.folder.text("pki/crl.pem"))
        let ends = try #require(try fixture.lists().first?.nextUpdate)
        #expect(abs(ends.timeIntervalSinceNow - 30 * 86_400) < 60)
        for text in ["", "x", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"] {
            try fixture.folder.write(text, to: "pki/crl.pem")
            try fixture.publish(["--if-older-than", "1d"])
            #expect(try fixture.lists().count == 2, "a list that cannot be read is made anew")
        }
        try fixture.publish(["--root"])
        #expect(try fixture.lists().last?.number == 2)
    }

    @Test func aBrokenRootListIsNamed() throws {
        let fixture = try CAFixture()
        try fixture.folder.write("x", to: "pki/root-crl.pem")
        #expect(throws: CommandFailure.self) { try fixture.publish(["--root"]) }
        #expect(try fixture.lists().map(\.number) == [1, 1])
    }

    @Test(arguments: [
        [], ["--days", "0"], ["--days", "367"], ["--if-older-than", "7d"], ["--if-older-than", "x"], ["extra"],
        ["--days", "2", "--if-older-than", "3d"],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) {
            try CAListPublicationCommand.parse(arguments.isEmpty ? [] : ["--ca", "x"] + arguments)
        }
        #expect(error.map { CAListPublicationCommand.exitCode(for: $0).rawValue } == 64)
    }

    @Test(arguments: [
        [], ["a", "--reason", "certificateHold"], ["a", "--reason", "removeFromCRL"], ["a", "--reason", ""],
        ["--serial", "x"], ["--serial", "0"], ["a", "--list-days", "0"],
    ])
    func aWrongRevocationIsRefused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try CARevokeCommand.parse(["--ca", "x"] + arguments) }
        #expect(error.map { CARevokeCommand.exitCode(for: $0).rawValue } == 64)
    }
}

@Suite struct CARenewalTests {
    @Test func theSameKeyGetsANewCertificate() async throws {
        let fixture = try CAFixture(["--subject-policy", "O=E,CN=*"])
        try fixture.issue("a", ["--subject", "O=E,CN=a", "--san", "URI:urn:a", "--san", "IP:192.0.2.1", "--days", "2"])
        try fixture.renew([fixture.path("a.pem"), "--days", "100"])
        let old = try CertificateFile(contents: Array(fixture.folder.text("a.pem").utf8))
        let new = try CertificateFile(contents: Array(fixture.folder.text("a-renewed.pem").utf8))
        #expect(old.publicKeySHA256 == new.publicKeySHA256)
        #expect(old.inspection.subject == new.inspection.subject)
        #expect(old.inspection.alternativeNames == new.inspection.alternativeNames)
        #expect(old.inspection.extendedKeyUsage == new.inspection.extendedKeyUsage)
        #expect(old.inspection.serialNumber != new.inspection.serialNumber)
        #expect(new.inspection.notAfter > old.inspection.notAfter + 90 * 86_400)
        #expect(!FileManager.default.fileExists(atPath: fixture.path("a-renewed.key")))
        #expect(try await fixture.verify("a-renewed").status == 0)
        let record = try fixture.contents().certificates
        #expect(record[0].renewedBy == record[1].serial && record[1].renews == record[0].serial)
    }

    @Test func aNewKeyIsMadeWhenItIsAskedFor() throws {
        let fixture = try CAFixture()
        let phrase = try fixture.folder.write("horse\n", to: "phrase")
        try fixture.issue("a", ["--server", "--san", "DNS:a.example"])
        try fixture.renew([
            fixture.path("a.pem"), "--new-key", "--key", "p384", "--passphrase-file", phrase, "--out",
            fixture.path("b"),
        ])
        let new = try CertificateFile(contents: Array(fixture.folder.text("b.pem").utf8))
        #expect(new.inspection.keyType == "EC P-384" && new.inspection.extendedKeyUsage == ["serverAuth"])
        let key = try KeyPair(pem: fixture.folder.text("b.key"), passphrase: "horse")
        #expect(try new.subjectPublicKey == key.subjectPublicKey)
        #expect(throws: PKIError.self) { try KeyPair(pem: fixture.folder.text("b.key")) }
    }

    @Test func aRevokedOneIsNotRenewed() throws {
        let fixture = try CAFixture()
        try fixture.issue("a")
        try fixture.revoke([fixture.path("a.pem")])
        let error = #expect(throws: CommandFailure.self) { try fixture.renew([fixture.path("a.pem")]) }
        #expect(error?.description.contains("revoked") == true)
        #expect(!FileManager.default.fileExists(atPath: fixture.path("a-renewed.pem")))
    }

    @Test func onlyOwnCertificatesAreRenewed() throws {
        let fixture = try CAFixture()
        let other = try CAFixture()
        try other.issue("a")
        try fixture.folder.write("x", to: "text")
        for path in [other.path("a.pem"), fixture.ca + "/ca.pem", fixture.ca + "/issuing.pem", fixture.path("text")] {
            #expect(throws: CommandFailure.self, "\(path)") { try fixture.renew([path, "--out", fixture.path("r")]) }
        }
        #expect(throws: FileProblem.self) { try fixture.renew([fixture.path("none")]) }
        #expect(try fixture.contents().certificates.isEmpty)
    }

    @Test(arguments: [
        [], ["a", "--key", "p256"], ["a", "--passphrase-file", "x"], ["a", "--days", "0"], ["a", "b"],
    ])
    func aWrongCommandLineIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try CARenewCommand.parse(["--ca", "x"] + arguments) }
    }
}
