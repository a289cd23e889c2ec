import Foundation
import X509

@testable import FleetPKI

/// A CA, a certificate of it, and what it takes to answer about that, well or badly.
struct OCSPFixture {
    /// Whole seconds.
    static let now = Int64(Date().timeIntervalSince1970)

    let root: CertificateAuthority
    let leaf: IssuedCertificate
    let issuer: OCSPIssuer
    let nonce = OCSPRequest.randomNonce()

    init(keyType: KeyType = .p256) throws {
        root = try CertificateAuthority.makeDevelopmentRoot(keyType: keyType)
        leaf = try root.issue(.init(subject: [("CN", "meter-1")]))
        issuer = try OCSPIssuer(der: root.certificate.der())
    }

    var serialNumber: [UInt8] { Array(leaf.certificate.serialNumber.bytes) }

    func certificateID(_ digest: OCSPDigest = .sha1) -> OCSPCertificateID {
        OCSPCertificateID(issuer: issuer, serialNumber: serialNumber, digest: digest)
    }

    func single(
        _ status: OCSPAnswer.Status = .good, thisUpdate: Int64 = now - 60, nextUpdate: Int64? = now + 600
    ) -> OCSPResponseTemplate.Single {
        .init(certificate: certificateID(), status: status, thisUpdate: thisUpdate, nextUpdate: nextUpdate)
    }

    /// A response that is in order, by the CA itself.
    func template(_ singles: [OCSPResponseTemplate.Single]? = nil) -> OCSPResponseTemplate {
        .init(singles: singles ?? [single()], producedAt: Self.now - 60, responder: root.certificate, nonce: nonce)
    }

    /// A responder that the CA has made its delegate, as far as the changes leave it one.
    func delegate(
        of authority: CertificateAuthority? = nil, isNoCheck: Bool = true,
        _ change: (inout CertificateTemplate) -> Void = { _ in }
    ) throws -> IssuedCertificate {
        var template = CertificateTemplate(
            subject: [("CN", "OCSP responder")], purpose: .other(["1.3.6.1.5.5.7.3.9"]),
            additionalExtensions: isNoCheck
                ? [.init(oid: "1.3.6.1.5.5.7.48.1.5", critical: false, value: [0x05, 0x00])] : [],
            allowsViolations: true)
        change(&template)
        return try (authority ?? root).issue(template)
    }

    /// A response by a delegated responder.
    func delegated(_ delegate: IssuedCertificate, sends certificate: Certificate? = nil) throws -> [UInt8] {
        var template = template()
        template.responder = delegate.certificate
        template.certificates = [certificate ?? delegate.certificate]
        return try template.der(signedBy: delegate.key)
    }

    func answer(
        _ response: [UInt8], nonce: OCSPNonceRule = .optional, at now: Int64 = now, clockSkew: Int64 = 10,
        maxAge: Int64 = 3600, isRevoked: ([UInt8]) -> Bool = { _ in false }
    ) throws -> OCSPAnswer {
        try OCSPResponse(der: response).verify(
            issuer: issuer, serialNumber: serialNumber, nonce: nonce == .off ? nil : self.nonce,
            terms: OCSPTerms(clockSkew: clockSkew, maxAge: maxAge, nonce: nonce), now: now, isRevoked: isRevoked)
    }
}
