import Foundation
import SwiftASN1
import X509

extension CertificateAuthority {
    /// Makes a CA that has the names of this one, and of those above it, but other keys: what an impostor would make. No
    /// verifier that knows the real CA may accept what it issues.
    ///
    /// - Throws: ``PKIError``: `malformed-certificate`, `crypto-failure`.
    public func makeNamesake() throws(PKIError) -> CertificateAuthority {
        // From the root down; the root of an intermediate is known by name only.
        var names = [self.certificate.subject] + self.issuers.map(\.subject)
        if let top = self.issuers.last ?? Optional(self.certificate), !top.isSelfSigned {
            names.append(top.issuer)
        }
        var namesake: CertificateAuthority?
        for name in names.reversed() {
            let key = try KeyPair.generate(.p256)
            let now = Date()
            let certificate = try Self.sign(
                CertificateTemplate(subject: [], purpose: .none, isCA: true),
                subject: name,
                publicKey: key.publicKey,
                issuer: namesake?.certificate.subject ?? name,
                issuerKey: namesake?.key ?? key,
                issuerKeyIdentifier: namesake?.keyIdentifier,
                notBefore: now - Self.backdating,
                notAfter: max(now + Self.defaultLifetime, self.certificate.notValidAfter)
            )
            let above = namesake.map { $0.certificate.isSelfSigned ? [] : [$0.certificate] + $0.issuers } ?? []
            namesake = try CertificateAuthority(uncheckedCertificate: certificate, key: key, issuers: above)
        }
        guard let namesake else { throw PKIError(code: .cryptoFailure, message: "the CA has no name") }
        return namesake
    }
}
