import ArgumentParser
import FleetPKI
import Foundation
import Testing

@testable import FirmwareSim

@Suite struct CredentialOptionsTests {
    /// A PKI folder, and an operator's CA in files.
    private struct Place {
        let scratch: ScratchFolder

        init() throws {
            scratch = try ScratchFolder()
            _ = try SimulatorPKI.make(folder: scratch.file("pki"))
            let authority = try CertificateAuthority.makeDevelopmentRoot(commonName: "Own CA")
            try authority.certificatePEM.write(toFile: scratch.file("own.pem"), atomically: true, encoding: .utf8)
            try authority.privateKeyPEM.write(toFile: scratch.file("own.key"), atomically: true, encoding: .utf8)
        }

        /// `{}` in an option stands for the folder.
        func options(_ options: [String]) throws -> CredentialOptions {
            try CredentialOptions.parse(options.map { $0.replacingOccurrences(of: "{}", with: scratch.path) })
        }
    }

    @Test func aPKINeedsNothingElse() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let supply = try place.options(["--pki", "{}/pki"]).supply()
        #expect(
            supply.serverAuthoritiesPEM
                == (try String(contentsOfFile: place.scratch.file("pki/root.pem"), encoding: .utf8)))
        #expect(supply.issuer.cache?.folder == place.scratch.file("pki/devices"))
        #expect(supply.issuer.pki.revocations?.path == place.scratch.file("pki/crl.pem"))
        #expect(supply.issuer.validityDays == 30)
    }

    @Test func anOwnAuthorityHasNoCacheUnlessTold() throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let own = ["--issuer", "{}/own.pem", "--issuer-key", "{}/own.key", "--ca", "{}/own.pem"]
        let supply = try place.options(own).supply()
        #expect(supply.issuer.cache == nil)
        #expect(supply.issuer.pki.revocations == nil)
        let kept = try place.options(own + ["--cache", "{}/cache", "--certificate-days", "90"]).supply()
        #expect(kept.issuer.pki.revocations?.path == place.scratch.file("cache/crl.pem"))
        #expect(kept.issuer.validityDays == 90)
        #expect(try place.scratch.mode("cache") == 0o700)
    }

    @Test(arguments: [
        ([], "credentials-missing"),
        (["--ca", "{}/own.pem"], "credentials-missing"),
        (["--issuer", "{}/own.pem", "--ca", "{}/own.pem"], "issuer-key-missing"),
        (["--issuer-key", "{}/own.key"], "issuer-missing"),
        (["--issuer", "{}/own.pem", "--issuer-key", "{}/own.key"], "ca-missing"),
        (["--pki", "{}/pki", "--issuer", "{}/own.pem"], "issuer-twice"),
        (["--pki", "{}/pki", "--issuer-key", "{}/own.key"], "issuer-twice"),
        (["--pki", "{}/nowhere"], "pki-missing"),
        (["--pki", "{}/own.pem"], "pki-missing"),
        (["--pki", "{}"], "not-a-pki"),
        (["--pki", "{}/pki", "--ca", "{}/nowhere"], "file-missing"),
        (["--pki", "{}/pki", "--ca", "{}/own.key"], "no-pem-block"),
        (["--pki", "{}/pki", "--cache", "{}/own.pem"], "cache-unusable"),
        (["--pki", "{}/pki", "--certificate-days", "7"], "bad-certificate-days"),
        (["--pki", "{}/pki", "--certificate-days", "3651"], "bad-certificate-days"),
        (["--issuer", "{}/own.pem", "--issuer-key", "{}/pki/root.key", "--ca", "{}/own.pem"], "key-mismatch"),
        (["--issuer", "{}/own.key", "--issuer-key", "{}/own.key", "--ca", "{}/own.pem"], "no-pem-block"),
        (["--issuer", "{}/x", "--issuer-key", "{}/y", "--ca", "{}/z", "--certificate-days", "0"], "several-mistakes"),
    ])
    func mistakesAreNamed(_ options: [String], _ expected: String) async throws {
        let place = try Place()
        defer { place.scratch.remove() }
        let options = try place.options(options)
        #expect(try await simulatorCode { try options.supply() } == expected)
    }

    @Test func allMistakesComeAtOnce() throws {
        let options = try CredentialOptions.parse([
            "--pki", "/nonexistent/p", "--issuer", "/nonexistent/i", "--ca", "/nonexistent/c", "--certificate-days",
            "1",
        ])
        #expect {
            try options.check()
        } throws: { error in
            let text = (error as? SimulatorError)?.explanation ?? ""
            return [
                "issuer-twice", "bad-certificate-days", "pki-missing", "/nonexistent/i", "/nonexistent/c", "5 mistakes",
            ]
            .allSatisfy { text.contains($0) }
        }
    }
}
