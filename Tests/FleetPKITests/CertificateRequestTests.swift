import Foundation
import Testing

@testable import FleetPKI

/// Requests made by OpenSSL, good and bad.
@Suite(.needsOpenSSL) struct CertificateRequestTests {
    private let openssl: OpenSSL

    init() throws { openssl = try OpenSSL() }

    private func request(
        key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        subject: String = "/O=Elbe Netz/OU=site-7/CN=meter-42", names: String? = nil, more: [String] = []
    ) throws -> String {
        var arguments = ["req", "-new", "-nodes", "-keyout", "key.pem", "-out", "r.csr", "-subj", subject] + key + more
        if let names { arguments += ["-addext", "subjectAltName=" + names] }
        let outcome = try openssl.run(arguments)
        try #require(outcome.status == 0, "\(outcome.output)")
        return try openssl.read("r.csr")
    }

    private func der(_ pem: String) throws -> [UInt8] {
        try #require(try PEMBlock.decodeAll(pem, label: "CERTIFICATE REQUEST").first)
    }

    @Test(arguments: [
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC P-256", 256),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "EC P-384", 384),
        (["-newkey", "rsa:2048"], "RSA", 2048),
    ])
    func saysWhatItAsksFor(key: [String], type: String, bits: Int) throws {
        defer { openssl.remove() }
        let pem = try request(key: key, names: "DNS:a.example,IP:192.0.2.7,URI:urn:x,email:a@b.example")
        let form = try der(pem)
        for contents in [Array(pem.utf8), form, Array(("text before\n" + pem).utf8)] {
            let request = try CertificateRequest(contents: contents)
            #expect(request.subject.map(\.name) == ["O", "OU", "CN"])
            #expect(request.subject.map(\.value) == ["Elbe Netz", "site-7", "meter-42"])
            #expect(request.subjectText == "CN=meter-42,OU=site-7,O=Elbe Netz")
            #expect(
                request.alternativeNames == [
                    .dns("a.example"), .ip("192.0.2.7"), .uri("urn:x"), .email("a@b.example"),
                ])
            #expect(request.publicKey.type == type && request.publicKey.sizeInBits == bits)
            #expect(request.publicKey.objection == nil)
        }
    }

    @Test func theOldLabelIsRead() throws {
        defer { openssl.remove() }
        let pem = try request().replacingOccurrences(of: "CERTIFICATE REQUEST", with: "NEW CERTIFICATE REQUEST")
        #expect(try CertificateRequest(contents: Array(pem.utf8)).alternativeNames.isEmpty)
    }

    @Test func anotherKeysSignatureIsNoProof() throws {
        defer { openssl.remove() }
        let own = try der(try request())
        let other = try der(try request())
        // The parts before the signature algorithm are of one length, as both have P-256 keys and the same subject.
        let whole = DERElement.read(own.span, at: 0, before: own.count)
        let count = try #require(whole).content.lowerBound
        let ownInfo = DERElement.read(own.span, at: count, before: own.count)
        let otherInfo = DERElement.read(other.span, at: count, before: other.count)
        let inner = try #require(ownInfo)
        let otherInner = try #require(otherInfo)
        var forged = own
        forged.replaceSubrange(inner.start..<inner.end, with: other[otherInner.start..<otherInner.end])
        #expect(try code { try CertificateRequest(contents: forged) } == .requestSignatureInvalid)
    }

    @Test func anyChangedOctetIsRefused() throws {
        defer { openssl.remove() }
        let own = try der(try request(names: "DNS:a.example"))
        for place in own.indices {
            var changed = own
            changed[place] ^= 0x01
            let found = try code { try CertificateRequest(contents: changed) }
            // What is left to a change that nobody signs, such as an unused bit, is not there in DER.
            #expect(found != nil, "octet \(place)")
        }
    }

    @Test func everyTruncationIsRefused() throws {
        defer { openssl.remove() }
        let own = try der(try request())
        for count in own.indices {
            #expect(try code { try CertificateRequest(contents: Array(own.prefix(count))) } != nil, "\(count) octets")
        }
        #expect(try code { try CertificateRequest(contents: own + [0]) } == .malformedRequest)
    }

    @Test func aComponentOfSeveralAttributesIsRefused() throws {
        defer { openssl.remove() }
        let pem = try request(subject: "/O=Elbe Netz/OU=a+CN=b", more: ["-multivalue-rdn"])
        #expect(try code { try CertificateRequest(contents: Array(pem.utf8)) } == .unsupportedRequestName)
    }

    @Test(arguments: ["otherName:1.2.3.4;UTF8:x", "RID:1.2.3.4", "dirName:dn\n[dn]\nCN=x"])
    func otherKindsOfNamesAreRefused(names: String) throws {
        defer { openssl.remove() }
        try openssl.write(
            "c.cnf", "[req]\ndistinguished_name=d\nreq_extensions=e\n[d]\n[e]\nsubjectAltName=\(names)\n")
        let pem = try request(more: ["-config", "c.cnf"])
        #expect(try code { try CertificateRequest(contents: Array(pem.utf8)) } == .unsupportedRequestName)
    }

    @Test(arguments: [(64, nil), (65, PKIError.Code.unsupportedRequestName), (400, .unsupportedRequestName)])
    func namesAreCounted(count: Int, expected: PKIError.Code?) throws {
        defer { openssl.remove() }
        let pem = try request(names: (0..<count).map { "DNS:d\($0).example" }.joined(separator: ","))
        #expect(try code { try CertificateRequest(contents: Array(pem.utf8)) } == expected)
    }

    @Test(arguments: [
        ("", PKIError.Code.malformedRequest), ("hello", .malformedRequest),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", .noPEMBlock),
        ("-----BEGIN CERTIFICATE REQUEST-----\n!!\n-----END CERTIFICATE REQUEST-----\n", .malformedPEM),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", .malformedPEM),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", .malformedRequest),
        (String(repeating: "a", count: CertificateRequest.octetsMax + 1), .inputTooLong),
    ])
    func whatIsNoRequestIsRefused(text: String, expected: PKIError.Code) throws {
        defer { openssl.remove() }
        #expect(try code { try CertificateRequest(contents: Array(text.utf8)) } == expected)
    }

    @Test func ofTwoRequestsNoneIsChosen() throws {
        defer { openssl.remove() }
        let pem = try request()
        #expect(try code { try CertificateRequest(contents: Array((pem + pem).utf8)) } == .severalItems)
    }

    @Test(arguments: [
        ["-newkey", "ed25519"], ["-newkey", "rsa:1024"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    ])
    func keysThatNoGatewayTakesAreRefusedOrObjectedTo(key: [String]) throws {
        defer { openssl.remove() }
        let contents = Array(try request(key: key).utf8)
        let objection = try? CertificateRequest(contents: contents).publicKey.objection
        let refusal = try code { try CertificateRequest(contents: contents) }
        #expect(objection != nil || refusal == .malformedRequest)
    }

    @Test func aRequestWithoutSubjectAsksForNone() throws {
        defer { openssl.remove() }
        let request = try CertificateRequest(contents: Array(try request(subject: "/").utf8))
        #expect(request.subject.isEmpty && request.subjectText.isEmpty)
    }
}
