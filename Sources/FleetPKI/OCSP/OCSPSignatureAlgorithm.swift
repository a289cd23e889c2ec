import SwiftASN1
import X509

/// What a response is signed with: those of revocation lists, of which none is weak.
struct OCSPSignatureAlgorithm: Sendable {
    let known: ListSignature

    /// - Throws: ``PKIError`` `ocsp-weak-signature`, `ocsp-unsupported-signature`; another error when it is malformed.
    init(_ node: ASN1Node) throws {
        guard let known = ListSignature(encoded: node.encodedBytes) else {
            guard let first = try OCSPReading.sequence(node, countMax: 2).first else { throw OCSPReading.Malformed() }
            let identifier = try ASN1ObjectIdentifier(derEncoded: first)
            if Self.weak.contains(identifier) { throw Self.weakSignature("the OCSP response") }
            throw PKIError(
                code: .ocspUnsupportedSignature,
                message: "the OCSP response is signed with \(identifier.dotted), which is not known here")
        }
        self.known = known
    }

    /// What a delegated responder's certificate may be signed with.
    static func isAccepted(_ algorithm: Certificate.SignatureAlgorithm) -> Bool {
        ListSignature.allCases.contains { $0.algorithm == algorithm }
    }

    static func weakSignature(_ what: String) -> PKIError {
        PKIError(code: .ocspWeakSignature, message: "\(what) is signed with a broken hash (MD5 or SHA-1)")
    }

    /// With RSA: MD2, MD5 and SHA-1. With ECDSA and DSA: SHA-1.
    private static let weak: [ASN1ObjectIdentifier] = [
        [1, 2, 840, 113_549, 1, 1, 2], [1, 2, 840, 113_549, 1, 1, 4], [1, 2, 840, 113_549, 1, 1, 5],
        [1, 2, 840, 10_045, 4, 1], [1, 2, 840, 10_040, 4, 3],
    ]
}
