import FleetPolicy
import Gateway
import Logging
import NIOMbedTLS

/// Asks OCSP about a device's certificate, where its trust anchor wants that, before another authority is asked about
/// the rest.
struct OCSPAuthority: AdmissionAuthority {
    /// Why a device is refused, as logs and metrics name it.
    enum Refusal: String, Sendable, CaseIterable {
        case revoked = "certificate-revoked"
        case unknown = "revocation-unknown"
    }

    let client: OCSPClient
    let next: any AdmissionAuthority
    let logger: Logger
    let metrics: OCSPMetrics

    init(client: OCSPClient, next: any AdmissionAuthority, logger: Logger, metrics: OCSPMetrics = OCSPMetrics()) {
        self.client = client
        self.next = next
        self.logger = logger
        self.metrics = metrics
    }

    func admit(_ request: AdmissionRequest) async -> AdmissionVerdict {
        if let question = request.revocation, question.rule != .off {
            let standing = await client.standing(of: question, certificate: request.certificate.der)
            if let refusal = refusal(standing, question, request) { return refusal }
        }
        return await next.admit(request)
    }

    /// Nil: the device may go on.
    ///
    /// `unknown` refuses under soft-fail too: that forgives an answer that is missing, and this is one, signed, and not
    /// a good one.
    private func refusal(
        _ standing: OCSPStanding, _ question: RevocationQuestion, _ request: AdmissionRequest
    ) -> AdmissionVerdict? {
        switch standing {
        case .good:
            metrics.judged(.good)
            return nil
        case .revoked(let revocation):
            metrics.judged(.revoked)
            return .refused(
                code: Refusal.revoked.rawValue,
                detail: "revoked at \(DeviceTimes.text(revocation.revokedAt)), says the OCSP responder: "
                    + "\(revocation.reason)")
        case .unknown:
            metrics.judged(.unknown)
            return .refused(
                code: Refusal.unknown.rawValue, detail: "the OCSP responder does not know the certificate")
        case .unavailable(let detail):
            switch question.rule {
            case .hardFail:
                metrics.judged(.unavailableRefused)
                return .refused(code: Refusal.unknown.rawValue, detail: "no answer by OCSP: \(detail)")
            case .softFail, .off:
                metrics.judged(.unavailableLetIn)
                logger.log(
                    .info, "let in without an answer by OCSP",
                    fields: [
                        .device: "\(request.device.deviceID)", .tenant: "\(request.device.tenant)",
                        .address: "\(request.remoteAddress)", .detail: "\(LogText.visible(detail))",
                    ])
                return nil
            }
        }
    }
}
