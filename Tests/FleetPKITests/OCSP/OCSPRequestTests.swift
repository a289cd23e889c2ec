import Testing

@testable import FleetPKI

@Suite struct OCSPRequestTests {
    @Test(arguments: OCSPDigest.allCases)
    func isReadAsItWasWritten(_ digest: OCSPDigest) throws {
        let fixture = try OCSPFixture()
        for nonce in [nil, fixture.nonce] {
            let request = OCSPRequest(certificate: fixture.certificateID(digest), nonce: nonce)
            #expect(try OCSPRequest(der: request.der()) == request)
        }
    }

    @Test func keepsSerialNumbersPositive() throws {
        let fixture = try OCSPFixture()
        for serialNumber: [UInt8] in [[], [0], [0x7F], [0x80], [0, 0, 0xFF, 1], Array(repeating: 0xFF, count: 20)] {
            let request = OCSPRequest(
                certificate: OCSPCertificateID(issuer: fixture.issuer, serialNumber: serialNumber), nonce: nil)
            #expect(
                try OCSPRequest(der: request.der()).certificates.first?.serialNumber
                    == Array(serialNumber.drop { $0 == 0 }))
        }
    }

    @Test func everyNonceIsAnother() {
        #expect(Set((0..<100).map { _ in OCSPRequest.randomNonce() }).count == 100)
        #expect(OCSPRequest.randomNonce().count == 32)
    }

    @Test func refusesWhatIsNotARequest() throws {
        let fixture = try OCSPFixture()
        let request = try OCSPRequest(certificate: fixture.certificateID(), nonce: fixture.nonce).der()
        for count in request.indices {
            #expect(try code { try OCSPRequest(der: Array(request[..<count])) } == .malformedOCSPRequest)
        }
        #expect(try code { try OCSPRequest(der: request + [0]) } == .malformedOCSPRequest)
        let long = request + Array(repeating: 0, count: OCSPLimits.requestOctetsMax)
        #expect(try code { try OCSPRequest(der: long) } == .inputTooLong)
    }

    @Test func refusesAnIssuerThatIsNoCertificate() throws {
        #expect(try code { try OCSPIssuer(der: []) } == .malformedCertificate)
        #expect(try code { try OCSPIssuer(der: Array(repeating: 0, count: 65 << 10)) } == .inputTooLong)
    }
}
