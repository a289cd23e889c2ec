import SwiftASN1
import X509

extension KeyPair {
    /// Whether the first certificate of a PEM text is for this key: its public key is this key's.
    ///
    /// - Parameter pem: A chain, leaf first; blocks other than certificates are skipped.
    /// - Returns: `false` also when the text has no certificate, or its first one cannot be parsed.
    public func belongsToFirstCertificate(of pem: String) -> Bool {
        guard
            let document = try? PEMDocument.parseMultiple(pemString: pem)
                .first(where: { $0.discriminator == Certificate.defaultPEMDiscriminator }),
            let certificate = try? Certificate(pemDocument: document)
        else { return false }
        return certificate.publicKey == self.publicKey
    }
}
