import SwiftASN1

/// Which certificate an OCSP message is about: CertID of RFC 6960 section 4.1.1.
public struct OCSPCertificateID: Sendable, Hashable {
    public let digest: OCSPDigest
    public let issuerNameHash: [UInt8]
    public let issuerKeyHash: [UInt8]
    /// Big-endian, without leading zeros.
    public let serialNumber: [UInt8]

    /// - Parameter serialNumber: The content of the INTEGER; leading zeros are dropped.
    public init(issuer: OCSPIssuer, serialNumber: some Sequence<UInt8>, digest: OCSPDigest = .sha1) {
        let hashes = issuer.hashes(digest)
        self.init(
            digest: digest, issuerNameHash: hashes.name, issuerKeyHash: hashes.key,
            serialNumber: Array(serialNumber.drop { $0 == 0 }))
    }

    /// - Parameter serialNumber: Without leading zeros.
    public init(digest: OCSPDigest, issuerNameHash: [UInt8], issuerKeyHash: [UInt8], serialNumber: [UInt8]) {
        self.digest = digest
        self.issuerNameHash = issuerNameHash
        self.issuerKeyHash = issuerKeyHash
        self.serialNumber = serialNumber
    }

    /// Whether it names this CA.
    func names(_ issuer: OCSPIssuer) -> Bool {
        let hashes = issuer.hashes(self.digest)
        return self.issuerNameHash == hashes.name && self.issuerKeyHash == hashes.key
    }

    /// Nil: with a hash that is not known here, which no question of ours has.
    ///
    /// - Throws: When it is malformed.
    init?(_ node: ASN1Node) throws {
        let fields = try OCSPReading.sequence(node, countMax: 4)
        guard fields.count == 4 else { throw OCSPReading.Malformed() }
        let algorithm = try OCSPReading.sequence(fields[0], countMax: 2)
        guard let first = algorithm.first else { throw OCSPReading.Malformed() }
        // Parameters are NULL or absent (RFC 5754 section 2): both are in use.
        if algorithm.count == 2 { _ = try ASN1Null(derEncoded: algorithm[1]) }
        let identifier = try ASN1ObjectIdentifier(derEncoded: first)
        let name = try ASN1OctetString(derEncoded: fields[1]).bytes
        let key = try ASN1OctetString(derEncoded: fields[2]).bytes
        let serialNumber = try OCSPReading.serialNumber(fields[3])
        guard let digest = OCSPDigest.allCases.first(where: { $0.identifier == identifier }) else { return nil }
        self.init(
            digest: digest, issuerNameHash: Array(name), issuerKeyHash: Array(key), serialNumber: serialNumber)
    }

    func serialize(into coder: inout DER.Serializer) throws {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.serialize(self.digest.identifier)
                try coder.serialize(ASN1Null())
            }
            try coder.serialize(ASN1OctetString(contentBytes: self.issuerNameHash[...]))
            try coder.serialize(ASN1OctetString(contentBytes: self.issuerKeyHash[...]))
            coder.appendPrimitiveNode(identifier: .integer) { content in
                // INTEGER is signed, and never empty.
                if self.serialNumber.first.map({ $0 & 0x80 != 0 }) ?? true { content.append(0) }
                content.append(contentsOf: self.serialNumber)
            }
        }
    }
}
