import Crypto
import SwiftASN1
import X509
import _CryptoExtras

/// The signature algorithms revocation lists are signed with, between swift-certificates' values and their encoding,
/// which that library keeps to itself.
enum ListSignature: CaseIterable {
    case ecdsaWithSHA256
    case ecdsaWithSHA384
    case ecdsaWithSHA512
    case sha256WithRSA
    case sha384WithRSA
    case sha512WithRSA
    case ed25519

    /// What a key signs with: a hash as long as the curve, SHA-256 with RSA.
    init(for key: Certificate.PublicKey) {
        if P256.Signing.PublicKey(key) != nil {
            self = .ecdsaWithSHA256
        } else if P384.Signing.PublicKey(key) != nil {
            self = .ecdsaWithSHA384
        } else if P521.Signing.PublicKey(key) != nil {
            self = .ecdsaWithSHA512
        } else if _RSA.Signing.PublicKey(key) != nil {
            self = .sha256WithRSA
        } else {
            self = .ed25519
        }
    }

    var algorithm: Certificate.SignatureAlgorithm {
        switch self {
        case .ecdsaWithSHA256: .ecdsaWithSHA256
        case .ecdsaWithSHA384: .ecdsaWithSHA384
        case .ecdsaWithSHA512: .ecdsaWithSHA512
        case .sha256WithRSA: .sha256WithRSAEncryption
        case .sha384WithRSA: .sha384WithRSAEncryption
        case .sha512WithRSA: .sha512WithRSAEncryption
        case .ed25519: .ed25519
        }
    }

    /// RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3.
    private var identifier: ASN1ObjectIdentifier {
        switch self {
        case .ecdsaWithSHA256: [1, 2, 840, 10_045, 4, 3, 2]
        case .ecdsaWithSHA384: [1, 2, 840, 10_045, 4, 3, 3]
        case .ecdsaWithSHA512: [1, 2, 840, 10_045, 4, 3, 4]
        case .sha256WithRSA: [1, 2, 840, 113_549, 1, 1, 11]
        case .sha384WithRSA: [1, 2, 840, 113_549, 1, 1, 12]
        case .sha512WithRSA: [1, 2, 840, 113_549, 1, 1, 13]
        case .ed25519: [1, 3, 101, 112]
        }
    }

    /// RSA's parameters are NULL and the others' absent.
    private var hasNullParameters: Bool {
        switch self {
        case .sha256WithRSA, .sha384WithRSA, .sha512WithRSA: true
        case .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .ed25519: false
        }
    }

    /// AlgorithmIdentifier in DER.
    func serialize(into coder: inout DER.Serializer) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(self.identifier)
            if self.hasNullParameters { try coder.serialize(ASN1Null()) }
        }
    }

    /// The algorithm of an AlgorithmIdentifier; nil when it is another one.
    init?(_ node: ASN1Node) {
        let encoded = Array(node.encodedBytes)
        let found = Self.allCases.first { candidate in
            var coder = DER.Serializer()
            guard (try? candidate.serialize(into: &coder)) != nil else { return false }
            return coder.serializedBytes == encoded
        }
        guard let found else { return nil }
        self = found
    }
}
