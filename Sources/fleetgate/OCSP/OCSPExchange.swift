import FleetPKI
import FleetPolicy

/// One question to one responder, and the checks of its answer: signatures are computed on the task that asks.
struct OCSPExchange: Sendable {
    let issuer: OCSPIssuer
    let certificate: CertificateID
    let choice: OCSPResponderChoice
    let bundle: OCSPSettings.Bundle
    let clockSkew: Duration
    /// What is known of the CA's delegated responders' own revocation.
    let trust: TrustSnapshot

    struct Failure: Error, Sendable, Hashable {
        /// A stable code.
        let code: String
        let detail: String
        /// Whether the responder is at fault in a way that another question would meet too.
        let isResponders: Bool
    }

    func run(_ transport: OCSPTransport, wall: () -> Int64) async throws(Failure) -> OCSPAnswer {
        let nonce = bundle.nonce == .off ? nil : OCSPRequest.randomNonce()
        let request = OCSPRequest(
            certificate: OCSPCertificateID(
                issuer: issuer, serialNumber: certificate.serialNumber, digest: bundle.digest),
            nonce: nonce)
        let body: [UInt8]
        do throws(PKIError) {
            body = try request.der()
        } catch {
            throw Failure(error)
        }
        let answer: [UInt8]
        do throws(HTTPFetchError) {
            answer = try await transport.send(
                OCSPTransport.Request(
                    address: choice.address, body: body, timeout: bundle.timeout, reach: choice.reach))
        } catch {
            throw Failure(
                code: error.reason.rawValue, detail: error.description, isResponders: error.reason != .cancelled)
        }
        do throws(PKIError) {
            return try OCSPResponse(der: answer).verify(
                issuer: issuer, serialNumber: certificate.serialNumber, nonce: nonce,
                terms: OCSPTerms(
                    clockSkew: clockSkew.components.seconds, maxAge: bundle.maxAge.components.seconds,
                    nonce: bundle.nonce),
                now: wall(), isRevoked: isRevoked)
        } catch {
            throw Failure(error)
        }
    }

    private func isRevoked(_ serialNumber: [UInt8]) -> Bool {
        let delegate = CertificateID(issuer: certificate.issuer, serialNumber: serialNumber)
        return trust.revoked[delegate] != nil || trust.lists[certificate.issuer]?.entries[serialNumber] != nil
    }
}

extension OCSPExchange.Failure {
    fileprivate init(_ error: PKIError) {
        let general: Set<PKIError.Code> = [
            .ocspInternalError, .ocspTryLater, .malformedOCSPResponse, .inputTooLong, .unknownOCSPResponseType,
        ]
        self.init(code: error.code.rawValue, detail: error.message, isResponders: general.contains(error.code))
    }
}
