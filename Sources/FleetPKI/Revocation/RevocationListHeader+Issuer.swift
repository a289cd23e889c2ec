import SwiftASN1
import X509

extension RevocationListHeader {
    /// The issuer in RFC 4514 form, last component first, as `CertificateInspection.issuer` has it. For reading; never
    /// for comparing.
    public var issuer: String {
        (try? DER.parse(self.issuerNameDER)).flatMap { try? DistinguishedName(derEncoded: $0) }?.rfc4514
            ?? "(cannot be read)"
    }
}
