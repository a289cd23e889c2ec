import Foundation
import SwiftASN1
import Testing
import X509

@testable import FleetPKI

@Suite struct OCSPResponseTests {
    private static let now = OCSPFixture.now

    @Test(arguments: [KeyType.p256, .p384, .rsa2048, .ed25519])
    func takesTheIssuersAnswer(_ type: KeyType) throws {
        let fixture = try OCSPFixture(keyType: type)
        let answer = try fixture.answer(fixture.template().der(signedBy: fixture.root.key), nonce: .required)
        #expect(answer.status == .good)
        #expect(answer.signer == .issuer)
        #expect(answer.hasNonce)
        #expect(answer.nextUpdate == Self.now + 600)
        #expect(answer.usableUntil == Self.now + 600)
    }

    @Test func takesAResponderNamedByItsKey() throws {
        let fixture = try OCSPFixture()
        var template = fixture.template()
        template.responderID = .keyHash
        #expect(try fixture.answer(template.der(signedBy: fixture.root.key)).signer == .issuer)
        let delegate = try fixture.delegate()
        template.responder = delegate.certificate
        template.certificates = [fixture.leaf.certificate, delegate.certificate]
        #expect(
            try fixture.answer(template.der(signedBy: delegate.key)).signer
                == .delegate(subject: "CN=OCSP responder", isNoCheck: true))
    }

    @Test func saysWhyAndWhenARevocationWas() throws {
        let fixture = try OCSPFixture()
        for reason: UInt8 in [0, 1, 2, 3, 4, 5, 6, 8, 9, 10] {
            let single = fixture.single(.revoked(at: Self.now - 86_400, reason: reason))
            let answer = try fixture.answer(fixture.template([single]).der(signedBy: fixture.root.key))
            #expect(answer.status == .revoked(at: Self.now - 86_400, reason: reason))
        }
        let unknown = try fixture.template([fixture.single(.unknown)]).der(signedBy: fixture.root.key)
        #expect(try fixture.answer(unknown).status == .unknown)
        for reason: UInt8 in [7, 11, 0xFF] {
            let single = fixture.single(.revoked(at: Self.now, reason: reason))
            #expect(
                try code { try fixture.answer(fixture.template([single]).der(signedBy: fixture.root.key)) }
                    == .malformedOCSPResponse)
        }
    }

    @Test func findsItsAnswerAmongSeveral() throws {
        let fixture = try OCSPFixture()
        let other = OCSPResponseTemplate.Single(
            certificate: OCSPCertificateID(issuer: fixture.issuer, serialNumber: [7]),
            status: .revoked(at: 1, reason: 1),
            thisUpdate: Self.now, nextUpdate: nil)
        var sha256 = fixture.single()
        sha256.certificate = fixture.certificateID(.sha256)
        #expect(
            try fixture.answer(fixture.template([other, sha256]).der(signedBy: fixture.root.key)).status == .good)
        for twice in [[fixture.single(), fixture.single()], [fixture.single(.revoked(at: 1, reason: 0)), sha256]] {
            #expect(
                try code { try fixture.answer(fixture.template(twice).der(signedBy: fixture.root.key)) }
                    == .ocspSeveralAnswers)
        }
        #expect(
            try code { try fixture.answer(fixture.template([]).der(signedBy: fixture.root.key)) }
                == .ocspIssuerMismatch)
        let many = Array(repeating: other, count: 65)
        #expect(
            try code { try fixture.answer(fixture.template(many).der(signedBy: fixture.root.key)) }
                == .malformedOCSPResponse)
    }

    @Test func refusesAnswersOnOtherCertificates() throws {
        let fixture = try OCSPFixture()
        let namesake = try OCSPFixture()
        var single = fixture.single()
        // The same name, another key.
        single.certificate = OCSPCertificateID(issuer: namesake.issuer, serialNumber: fixture.serialNumber)
        let wrongIssuer = try fixture.template([single]).der(signedBy: fixture.root.key)
        #expect(try code { try fixture.answer(wrongIssuer) } == .ocspIssuerMismatch)
        single.certificate = OCSPCertificateID(issuer: fixture.issuer, serialNumber: fixture.serialNumber + [0])
        let wrongSerial = try fixture.template([single]).der(signedBy: fixture.root.key)
        #expect(try code { try fixture.answer(wrongSerial) } == .ocspSerialMismatch)
    }

    @Test func refusesTheSignaturesOfOthers() throws {
        let fixture = try OCSPFixture()
        let namesake = try OCSPFixture()
        #expect(
            try code { try fixture.answer(fixture.template().der(signedBy: namesake.root.key)) }
                == .ocspSignatureInvalid)
        var template = fixture.template()
        template.responder = fixture.leaf.certificate
        #expect(
            try code { try fixture.answer(template.der(signedBy: fixture.leaf.key)) } == .ocspUnknownResponder)
        // The certificate is there, and its key has not signed.
        let delegate = try fixture.delegate()
        template.responder = delegate.certificate
        template.certificates = [delegate.certificate]
        #expect(
            try code { try fixture.answer(template.der(signedBy: fixture.leaf.key)) } == .ocspSignatureInvalid)
    }

    @Test func refusesEveryChangedOctetOfWhatIsSigned() throws {
        let fixture = try OCSPFixture()
        let response = try fixture.template().der(signedBy: fixture.root.key)
        for index in response.indices {
            var changed = response
            changed[index] ^= 0x01
            #expect(throws: PKIError.self) { try fixture.answer(changed, nonce: .required) }
        }
    }

    @Test func asksADelegateForAllThatItHasToHave() throws {
        let fixture = try OCSPFixture()
        func outcome(
            of authority: CertificateAuthority? = nil, _ change: (inout CertificateTemplate) -> Void
        ) throws -> PKIError.Code? {
            let delegate = try fixture.delegate(of: authority, change)
            return try code { try fixture.answer(fixture.delegated(delegate)) }
        }
        #expect(try outcome { _ in } == nil)
        #expect(try outcome { $0.keyUsage = [] } == nil)
        #expect(try outcome { $0.purpose = .client } == .ocspResponderPurpose)
        #expect(try outcome { $0.purpose = .none } == .ocspResponderPurpose)
        #expect(try outcome { $0.purpose = .other(["2.5.29.37.0"]) } == .ocspResponderPurpose)
        #expect(try outcome { $0.keyUsage = [.keyEncipherment] } == .ocspResponderKeyUsage)
        #expect(
            try outcome {
                $0.notBefore = Date() - 7200
                $0.notAfter = Date() - 3600
            } == .ocspResponderNotValid)
        #expect(try outcome { $0.notBefore = Date() + 3600 } == .ocspResponderNotValid)
        #expect(try outcome { $0.additionalExtensions = [.unknownCritical] } == .ocspResponderExtension)
        #expect(
            try outcome { $0.additionalExtensions = [.init(oid: "2.5.29.15", critical: true, value: [0xFF])] }
                == .ocspResponderExtension)
        // Of a CA with the same name, of a CA below the right one, and of the right one's own name.
        #expect(
            try outcome(of: CertificateAuthority.makeDevelopmentRoot()) { _ in } == .ocspResponderNotDelegated)
        #expect(try outcome(of: fixture.root.makeIntermediate()) { _ in } == .ocspResponderNotDelegated)
    }

    @Test func looksAtADelegatesOwnRevocation() throws {
        let fixture = try OCSPFixture()
        let checked = try fixture.delegate(isNoCheck: false)
        let response = try fixture.delegated(checked)
        let answer = try fixture.answer(response, maxAge: 3600)
        #expect(answer.signer == .delegate(subject: "CN=OCSP responder", isNoCheck: false))
        #expect(answer.usableUntil == Self.now + OCSPTerms.uncheckedDelegateAgeMax)
        let serialNumber = Array(checked.certificate.serialNumber.bytes)
        #expect(try code { try fixture.answer(response) { $0 == serialNumber } } == .ocspResponderRevoked)
        let unchecked = try fixture.delegated(fixture.delegate())
        #expect(try fixture.answer(unchecked) { _ in true }.status == .good)
    }

    @Test func judgesDates() throws {
        let fixture = try OCSPFixture()
        func outcome(this: Int64, next: Int64?, produced: Int64? = nil) throws -> PKIError.Code? {
            var template = fixture.template([
                fixture.single(thisUpdate: Self.now + this, nextUpdate: next.map { Self.now + $0 })
            ])
            template.producedAt = Self.now + (produced ?? this)
            return try code { try fixture.answer(template.der(signedBy: fixture.root.key)) }
        }
        #expect(try outcome(this: 10, next: 600) == nil)
        #expect(try outcome(this: 11, next: 600) == .ocspNotYetValid)
        #expect(try outcome(this: 0, next: 600, produced: 11) == .ocspNotYetValid)
        #expect(try outcome(this: -600, next: -10) == nil)
        #expect(try outcome(this: -600, next: -11) == .ocspOutdated)
        #expect(try outcome(this: -3610, next: nil) == nil)
        #expect(try outcome(this: -3611, next: nil) == .ocspTooOld)
        #expect(try outcome(this: -30 * 86_400, next: 60) == nil)
        #expect(try outcome(this: -60, next: -61) == .malformedOCSPResponse)
        // The ends of what GeneralizedTime can say.
        #expect(try outcome(this: -60, next: 253_402_300_799 - Self.now) == nil)
        #expect(try outcome(this: 253_402_300_799 - Self.now, next: nil) == .ocspNotYetValid)
    }

    @Test func boundsHowLongAnAnswerIsUsed() throws {
        let fixture = try OCSPFixture()
        let long = fixture.template([fixture.single(nextUpdate: Self.now + 86_400)])
        #expect(try fixture.answer(long.der(signedBy: fixture.root.key), maxAge: 100).usableUntil == Self.now + 100)
        let open = fixture.template([fixture.single(thisUpdate: Self.now - 60, nextUpdate: nil)])
        #expect(try fixture.answer(open.der(signedBy: fixture.root.key), maxAge: 100).usableUntil == Self.now + 40)
        // Taken within the skew, for once.
        let past = fixture.template([fixture.single(nextUpdate: Self.now - 5)])
        #expect(try fixture.answer(past.der(signedBy: fixture.root.key)).usableUntil == Self.now - 5)
        #expect(
            try fixture.answer(open.der(signedBy: fixture.root.key), maxAge: .max).usableUntil == .max)
    }

    @Test func judgesNonces() throws {
        let fixture = try OCSPFixture()
        func outcome(_ nonce: [UInt8]?, _ rule: OCSPNonceRule) throws -> PKIError.Code? {
            var template = fixture.template()
            template.nonce = nonce
            return try code { try fixture.answer(template.der(signedBy: fixture.root.key), nonce: rule) }
        }
        let other = OCSPRequest.randomNonce()
        #expect(try outcome(fixture.nonce, .required) == nil)
        #expect(try outcome(nil, .required) == .ocspNonceMissing)
        #expect(try outcome(other, .required) == .ocspNonceMismatch)
        #expect(try outcome(fixture.nonce.dropLast(), .required) == .ocspNonceMismatch)
        #expect(try outcome(nil, .optional) == nil)
        #expect(try outcome(other, .optional) == .ocspNonceMismatch)
        #expect(try outcome(other, .off) == nil)
        #expect(try outcome([], .off) == .malformedOCSPResponse)
        #expect(try outcome(Array(repeating: 1, count: 129), .off) == .malformedOCSPResponse)
    }

    @Test func refusesExtensionsItDoesNotKnow() throws {
        let fixture = try OCSPFixture()
        var template = fixture.template()
        template.extensions = [.unknownCritical]
        #expect(
            try code { try fixture.answer(template.der(signedBy: fixture.root.key)) } == .ocspUnknownCriticalExtension)
        template.extensions = [.init(oid: "2.999.1", critical: false, value: [])]
        #expect(try code { try fixture.answer(template.der(signedBy: fixture.root.key)) } == nil)
        template.extensions = [.init(oid: "2.999.1", critical: false, value: []), .unknownCritical]
        #expect(
            try code { try fixture.answer(template.der(signedBy: fixture.root.key)) } == .malformedOCSPResponse)
        template.extensions = []
        template.singles[0].extensions = [.unknownCritical]
        #expect(
            try code { try fixture.answer(template.der(signedBy: fixture.root.key)) } == .ocspUnknownCriticalExtension)
    }

    @Test func saysWhyAResponderDoesNotAnswer() throws {
        let fixture = try OCSPFixture()
        let expected: [UInt8: PKIError.Code] = [
            0: .malformedOCSPResponse, 1: .ocspRequestRefused, 2: .ocspInternalError, 3: .ocspTryLater,
            4: .malformedOCSPResponse, 5: .ocspSignatureRequired, 6: .ocspUnauthorized, 7: .malformedOCSPResponse,
            255: .malformedOCSPResponse,
        ]
        for (status, expected) in expected {
            #expect(try code { try fixture.answer(OCSPResponseTemplate.failure(status: status)) } == expected)
        }
        // Not successful, and something with it.
        var response = try fixture.template().der(signedBy: fixture.root.key)
        let place = try #require(response.firstIndex(of: 0x0A))
        response[place + 2] = 3
        #expect(try code { try fixture.answer(response) } == .malformedOCSPResponse)
    }

    @Test func refusesWeakAndUnknownSignatureAlgorithms() throws {
        let fixture = try OCSPFixture()
        let response = try fixture.template().der(signedBy: fixture.root.key)
        // ecdsa-with-SHA256 stands once outside the certificates: 1.2.840.10045.4.3.2.
        let sha256: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]
        let place = try #require(response.indices.first { response[$0...].starts(with: sha256) })
        // ecdsa-with-Recommended is 4.2, and SHA-224 is 4.3.1: of the same length as SHA-256's is only the latter.
        var changed = response
        changed[place + 9] = 0x01
        #expect(try code { try fixture.answer(changed) } == .ocspUnsupportedSignature)
        let rsa = try OCSPFixture(keyType: .rsa2048)
        var signed = try rsa.template().der(signedBy: rsa.root.key)
        let sha256WithRSA: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]
        let start = try #require(signed.indices.first { signed[$0...].starts(with: sha256WithRSA) })
        for weak: UInt8 in [2, 4, 5] {
            signed[start + 10] = weak
            #expect(try code { try rsa.answer(signed) } == .ocspWeakSignature)
        }
    }

    @Test func refusesWhatIsNotAResponse() throws {
        let fixture = try OCSPFixture()
        let response = try fixture.delegated(fixture.delegate())
        for count in response.indices {
            #expect(try code { try OCSPResponse(der: Array(response[..<count])) } == .malformedOCSPResponse)
        }
        #expect(try code { try OCSPResponse(der: response + [0]) } == .malformedOCSPResponse)
        #expect(try code { try OCSPResponse(der: response + response) } == .malformedOCSPResponse)
        let long = response + Array(repeating: 0, count: OCSPLimits.responseOctetsMax)
        #expect(try code { try OCSPResponse(der: long) } == .inputTooLong)
        for bytes: [UInt8] in [
            [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF], [0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x30, 0x80, 0x0A, 0x01, 0x00, 0x00, 0x00], [0x30, 0x03, 0x02, 0x01, 0x03], [0x30, 0x02, 0x0A, 0x00],
            [0x30, 0x04, 0x0A, 0x02, 0x00, 0x03], Array("<html>404</html>".utf8),
            Array(repeating: 0x30, count: 1000), Array(repeating: [0x30, 0x80], count: 1000).flatMap { $0 },
        ] {
            #expect(try code { try OCSPResponse(der: bytes) } == .malformedOCSPResponse)
        }
    }

    @Test func refusesAnotherTypeOfResponse() throws {
        let fixture = try OCSPFixture()
        var response = try fixture.template().der(signedBy: fixture.root.key)
        let basic: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]
        let place = try #require(response.indices.first { response[$0...].starts(with: basic) })
        response[place + 8] = 0x02
        #expect(try code { try OCSPResponse(der: response) } == .unknownOCSPResponseType)
    }

    /// Whatever is changed, nothing traps, and nothing but the untouched response is good.
    @Test func survivesRandomChanges() throws {
        let fixture = try OCSPFixture()
        let response = try fixture.delegated(fixture.delegate())
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var changed = response
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? fixture.answer(changed)
        }
    }
}
