import Crypto
import SwiftASN1
import X509
import _CryptoExtras

/// The signature algorithms of revocation lists, between swift-certificates' values and their encoding, which that library
/// keeps to itself. SHA-1 and MD5 are not among them.
enum ListSignature: CaseIterable {
    case ecdsaWithSHA256
    case ecdsaWithSHA384
    case ecdsaWithSHA512
    case sha256WithRSA
    case sha384WithRSA
    case sha512WithRSA
    /// RSASSA-PSS with MGF1 of the same hash and a salt as long as the hash, which is what swift-crypto verifies.
    case sha256WithPSS
    case sha384WithPSS
    case sha512WithPSS
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

    /// The algorithm of an AlgorithmIdentifier; nil when it is another one.
    init?(encoded: ArraySlice<UInt8>) {
        guard let found = Self.encodings.first(where: { $0.encoding.elementsEqual(encoded) }) else { return nil }
        self = found.algorithm
    }

    /// As OpenSSL names it.
    var name: String {
        switch self {
        case .ecdsaWithSHA256: "ecdsa-with-SHA256"
        case .ecdsaWithSHA384: "ecdsa-with-SHA384"
        case .ecdsaWithSHA512: "ecdsa-with-SHA512"
        case .sha256WithRSA: "sha256WithRSAEncryption"
        case .sha384WithRSA: "sha384WithRSAEncryption"
        case .sha512WithRSA: "sha512WithRSAEncryption"
        case .sha256WithPSS: "rsassaPss with SHA256"
        case .sha384WithPSS: "rsassaPss with SHA384"
        case .sha512WithPSS: "rsassaPss with SHA512"
        case .ed25519: "Ed25519"
        }
    }

    /// What swift-certificates calls it; nil for RSASSA-PSS, which it does not know.
    var algorithm: Certificate.SignatureAlgorithm? {
        switch self {
        case .ecdsaWithSHA256: .ecdsaWithSHA256
        case .ecdsaWithSHA384: .ecdsaWithSHA384
        case .ecdsaWithSHA512: .ecdsaWithSHA512
        case .sha256WithRSA: .sha256WithRSAEncryption
        case .sha384WithRSA: .sha384WithRSAEncryption
        case .sha512WithRSA: .sha512WithRSAEncryption
        case .sha256WithPSS, .sha384WithPSS, .sha512WithPSS: nil
        case .ed25519: .ed25519
        }
    }

    /// Whether a key made the signature.
    func isValid(
        _ signature: ArraySlice<UInt8>, for signed: ArraySlice<UInt8>, by key: Certificate.PublicKey
    ) -> Bool {
        if let algorithm = self.algorithm {
            return key.isValidSignature(signature, for: signed, signatureAlgorithm: algorithm)
        }
        guard let key = _RSA.Signing.PublicKey(key) else { return false }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
        switch self {
        case .sha256WithPSS:
            return key.isValidSignature(signature, for: SHA256.hash(data: signed), padding: .PSS)
        case .sha384WithPSS:
            return key.isValidSignature(signature, for: SHA384.hash(data: signed), padding: .PSS)
        case .sha512WithPSS:
            return key.isValidSignature(signature, for: SHA512.hash(data: signed), padding: .PSS)
        case .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithRSA, .sha384WithRSA, .sha512WithRSA,
            .ed25519:
            return false
        }
    }

    /// AlgorithmIdentifier in DER.
    func serialize(into coder: inout DER.Serializer) throws {
        try self.serialize(writesNull: true, into: &coder)
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
        case .sha256WithPSS, .sha384WithPSS, .sha512WithPSS: [1, 2, 840, 113_549, 1, 1, 10]
        case .ed25519: [1, 3, 101, 112]
        }
    }

    /// The last arc under 2.16.840.1.101.3.4.2 of the hash, and its length in octets, where the parameters name it.
    private var hash: (arc: UInt, octets: Int)? {
        switch self {
        case .sha256WithPSS: (1, 32)
        case .sha384WithPSS: (2, 48)
        case .sha512WithPSS: (3, 64)
        case .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithRSA, .sha384WithRSA, .sha512WithRSA,
            .ed25519:
            nil
        }
    }

    /// RSA's parameters are NULL and the others' absent.
    private var hasNullParameters: Bool {
        switch self {
        case .sha256WithRSA, .sha384WithRSA, .sha512WithRSA: true
        case .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithPSS, .sha384WithPSS, .sha512WithPSS,
            .ed25519:
            false
        }
    }

    /// - Parameter writesNull: Whether NULL stands where there are no parameters; RFC 4055 sections 2.1 and 5 have it
    ///   written, and have verifiers take it left out.
    private func serialize(writesNull: Bool, into coder: inout DER.Serializer) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(self.identifier)
            if self.hasNullParameters, writesNull { try coder.serialize(ASN1Null()) }
            guard let hash = self.hash else { return }
            func serializeHash(_ coder: inout DER.Serializer) throws {
                try coder.appendConstructedNode(identifier: .sequence) { coder in
                    try coder.serialize([2, 16, 840, 1, 101, 3, 4, 2, hash.arc] as ASN1ObjectIdentifier)
                    if writesNull { try coder.serialize(ASN1Null()) }
                }
            }
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { coder in
                    try serializeHash(&coder)
                }
                try coder.serialize(explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific) { coder in
                    try coder.appendConstructedNode(identifier: .sequence) { coder in
                        try coder.serialize([1, 2, 840, 113_549, 1, 1, 8] as ASN1ObjectIdentifier)
                        try serializeHash(&coder)
                    }
                }
                try coder.serialize(explicitlyTaggedWithTagNumber: 2, tagClass: .contextSpecific) { coder in
                    try coder.serialize(hash.octets)
                }
            }
        }
    }

    /// Every encoding that is taken, with what it means.
    private static let encodings: [(encoding: [UInt8], algorithm: ListSignature)] = allCases.flatMap { algorithm in
        [true, false].compactMap { writesNull in
            var coder = DER.Serializer()
            guard (try? algorithm.serialize(writesNull: writesNull, into: &coder)) != nil else { return nil }
            return (coder.serializedBytes, algorithm)
        }
    }
}
