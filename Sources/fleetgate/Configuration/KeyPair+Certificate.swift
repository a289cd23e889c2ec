import FleetPKI
import SwiftASN1
import X509

extension KeyPair {
    /// Whether the first certificate of a PEM text is for this key.
    func belongsToFirstCertificate(of pem: String) -> Bool {
        guard
            let document = try? PEMDocument.parseMultiple(pemString: pem)
                .first(where: { $0.discriminator == Certificate.defaultPEMDiscriminator }),
            let certificate = try? Certificate(pemDocument: document)
        else { return false }
        return certificate.publicKey == publicKey
    }
}
