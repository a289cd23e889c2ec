import FleetPKI
import Foundation

extension CredentialIssuer {
    /// How long an expired certificate has been so, and how long it was good for before, in seconds.
    private static let expiredFor: TimeInterval = 86_400
    private static let expiredLifetime: TimeInterval = 30 * 86_400
    /// How far off the beginning of one that is not yet valid is, in seconds: further than any run, with a cache between.
    private static let beginsIn: TimeInterval = 365 * 86_400

    /// Makes a key and a certificate of the kind asked for.
    ///
    /// - Returns: Nil for a device that has none.
    /// - Throws: ``SimulatorError`` saying for which device there is none, and why.
    func issue(_ request: CredentialRequest) throws(SimulatorError) -> IssuedCertificate? {
        let template = template(for: request, now: Date())
        switch request.kind {
        case .valid, .expired, .notYetValid, .revoked, .wrongEKU:
            return try issue(template, by: pki.authority, for: request)
        case .wrongCA:
            return try issue(template, by: pki.untrustedTwin.authority(), for: request)
        case .selfSigned:
            return try naming(request) { () throws(PKIError) in try CertificateAuthority.selfSigned(template) }
        case .none:
            return nil
        }
    }

    private func issue(
        _ template: CertificateTemplate, by authority: CertificateAuthority, for request: CredentialRequest
    ) throws(SimulatorError) -> IssuedCertificate {
        try naming(request) { () throws(PKIError) in try authority.issue(template) }
    }

    /// Says which device an error is about.
    private func naming(
        _ request: CredentialRequest, _ body: () throws(PKIError) -> IssuedCertificate
    ) throws(SimulatorError) -> IssuedCertificate {
        do {
            return try body()
        } catch {
            throw .options(
                error.code.rawValue,
                "no certificate for \(request.label) (\(request.subject.text)): \(error.message)")
        }
    }

    private func template(for request: CredentialRequest, now: Date) -> CertificateTemplate {
        let lifetime = Double(validityDays) * 86_400
        var template = CertificateTemplate(
            subject: request.subject.attributes.map { ($0.type.rawValue, $0.value) },
            alternativeNames: request.alternativeNames.map { name in
                switch name.kind {
                case .dns: .dns(name.value)
                case .uri: .uri(name.value)
                case .email: .email(name.value)
                }
            },
            purpose: .client,
            notAfter: min(now + lifetime, pki.authority.notAfter),
            keyType: KeyType(request.keyType))
        switch request.kind {
        case .valid, .revoked, .wrongCA, .selfSigned, .none:
            break
        case .wrongEKU:
            template.purpose = .server
        case .expired:
            template.notBefore = now - Self.expiredFor - Self.expiredLifetime
            template.notAfter = now - Self.expiredFor
        case .notYetValid:
            template.notBefore = now + Self.beginsIn
            template.notAfter = now + Self.beginsIn + lifetime
        }
        return template
    }
}

extension KeyType {
    init(_ type: DeviceKeyType) {
        switch type {
        case .p256: self = .p256
        case .p384: self = .p384
        case .rsa2048: self = .rsa2048
        }
    }
}
