import Foundation
import Testing

@testable import FleetPKI

/// The `openssl` program as responder and as client.
@Suite(.needsOpenSSL) struct OCSPOpenSSLTests {
    /// A folder with the CA, a leaf, and an index that knows it.
    private func folder(_ fixture: OCSPFixture, _ line: String) throws -> OpenSSL {
        let openssl = try OpenSSL()
        try openssl.write("ca.pem", try fixture.root.certificatePEM)
        try openssl.write("ca.key", fixture.root.privateKeyPEM)
        try openssl.write("leaf.pem", fixture.leaf.certificatePEM)
        try openssl.write("index.txt", line)
        return openssl
    }

    /// The program's clock is not the fixture's, which stands still.
    private var now: Int64 { Int64(Date().timeIntervalSince1970) }

    private func line(_ fixture: OCSPFixture, _ state: String) -> String {
        "\(state)\t\(fixture.leaf.serialNumber.uppercased())\tunknown\t/CN=meter-1\n"
    }

    @Test(arguments: [KeyType.p256, .p384, .rsa2048], OCSPDigest.allCases)
    func opensslAnswersOurRequest(_ type: KeyType, _ digest: OCSPDigest) throws {
        let fixture = try OCSPFixture(keyType: type)
        for (state, expected) in [
            ("V\t351231235959Z\t", OCSPAnswer.Status.good),
            ("R\t351231235959Z\t200102030405Z,keyCompromise", .revoked(at: 1_577_934_245, reason: 1)),
            ("R\t351231235959Z\t200102030405Z", .revoked(at: 1_577_934_245, reason: 0)),
        ] {
            let openssl = try folder(fixture, line(fixture, state))
            defer { openssl.remove() }
            try openssl.write(
                "request.der",
                try OCSPRequest(certificate: fixture.certificateID(digest), nonce: fixture.nonce).der())
            try openssl.require(
                "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-reqin",
                "request.der", "-respout", "response.der", "-nmin", "10")
            let answer = try fixture.answer(openssl.readBytes("response.der"), nonce: .required, at: now)
            #expect(answer.status == expected)
            #expect(answer.hasNonce)
            #expect(answer.nextUpdate != nil)
        }
    }

    @Test func opensslAnswersUnknown() throws {
        let fixture = try OCSPFixture()
        let openssl = try folder(fixture, "")
        defer { openssl.remove() }
        try openssl.write(
            "request.der", try OCSPRequest(certificate: fixture.certificateID(), nonce: fixture.nonce).der())
        try openssl.require(
            "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-reqin",
            "request.der", "-respout", "response.der", "-resp_key_id")
        #expect(try fixture.answer(openssl.readBytes("response.der"), at: now).status == .unknown)
    }

    @Test func opensslAnswersAsADelegate() throws {
        let fixture = try OCSPFixture()
        let delegate = try fixture.delegate()
        let openssl = try folder(fixture, line(fixture, "V\t351231235959Z\t"))
        defer { openssl.remove() }
        try openssl.write("delegate.pem", delegate.certificatePEM)
        try openssl.write("delegate.key", delegate.privateKeyPEM)
        try openssl.write(
            "request.der", try OCSPRequest(certificate: fixture.certificateID(), nonce: fixture.nonce).der())
        try openssl.require(
            "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "delegate.pem", "-rkey", "delegate.key",
            "-reqin", "request.der", "-respout", "response.der")
        let answer = try fixture.answer(openssl.readBytes("response.der"), nonce: .required, at: now)
        #expect(answer.signer == .delegate(subject: "CN=OCSP responder", isNoCheck: true))
        let rsaSHA1 = try openssl.run(
            "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-reqin",
            "request.der", "-respout", "weak.der", "-rmd", "sha1")
        if rsaSHA1.status == 0 {
            #expect(try code { try fixture.answer(openssl.readBytes("weak.der"), at: now) } == .ocspWeakSignature)
        }
    }

    @Test(arguments: [KeyType.p256, .rsa2048])
    func opensslReadsOurResponse(_ type: KeyType) throws {
        let fixture = try OCSPFixture(keyType: type)
        let openssl = try folder(fixture, "")
        defer { openssl.remove() }
        try openssl.require(
            "ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-reqout", "request.der")
        let request = try OCSPRequest(der: openssl.readBytes("request.der"))
        #expect(request.certificates == [fixture.certificateID()])
        var template = fixture.template([fixture.single(.revoked(at: 1_577_934_245, reason: 4))])
        template.nonce = request.nonce
        try openssl.write("response.der", try template.der(signedBy: fixture.root.key))
        let text = try openssl.require(
            "ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-respin", "response.der", "-CAfile", "ca.pem",
            "-no_nonce")
        #expect(text.contains("Response verify OK"))
        #expect(text.contains("leaf.pem: revoked"))
        #expect(text.contains("Reason: superseded"))
    }
}
