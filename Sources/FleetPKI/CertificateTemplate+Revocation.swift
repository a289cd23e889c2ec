import SwiftASN1

extension CertificateTemplate.RawExtension {
    /// CRL distribution points (RFC 5280 section 4.2.1.13): where verifiers find the issuer's revocation list.
    ///
    /// - Parameter urls: ASCII; http for preference, because a list is signed by itself.
    /// - Throws: ``PKIError`` `invalid-extension`.
    public static func crlDistributionPoints(_ urls: [String]) throws(PKIError) -> Self {
        guard !urls.isEmpty, urls.allSatisfy({ $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !$0.isEmpty })
        else {
            throw PKIError(
                code: .invalidExtension, message: "a CRL distribution point is a URL in ASCII, without spaces")
        }
        var coder = DER.Serializer()
        let first = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
        let uri = ASN1Identifier(tagWithNumber: 6, tagClass: .contextSpecific)
        coder.appendConstructedNode(identifier: .sequence) { coder in
            for url in urls {
                coder.appendConstructedNode(identifier: .sequence) { coder in
                    coder.appendConstructedNode(identifier: first) { coder in
                        coder.appendConstructedNode(identifier: first) { coder in
                            coder.appendPrimitiveNode(identifier: uri) { $0.append(contentsOf: url.utf8) }
                        }
                    }
                }
            }
        }
        return Self(oid: "2.5.29.31", critical: false, value: coder.serializedBytes)
    }
}
