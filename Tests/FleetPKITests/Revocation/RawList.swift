import SwiftASN1
import X509

@testable import FleetPKI

/// DER of one element: the tests say every octet of what they give a parser.
func element(_ tag: UInt8, _ content: [UInt8]...) -> [UInt8] {
    let content = content.flatMap { $0 }
    var length: [UInt8] = []
    if content.count < 0x80 {
        length = [UInt8(content.count)]
    } else {
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        length.insert(0x80 | UInt8(length.count), at: 0)
    }
    return [tag] + length + content
}

/// A list put together from its octets, so that it can be wrong in any place.
struct RawList {
    /// The content of the INTEGER; nil: left out, which is version 1.
    var version: [UInt8]? = [1]
    var thisUpdate = RawList.utcTime("260101000000Z")
    var nextUpdate: [UInt8]? = RawList.utcTime("260201000000Z")
    /// Nil: revokedCertificates is left out.
    var entries: [[UInt8]]?
    /// Nil: the extensions are left out.
    var extensions: [[UInt8]]?
    /// Between nextUpdate and the end of tbsCertList.
    var trailer: [UInt8] = []
    /// Nil: the subject of whoever signs.
    var issuer: [UInt8]?
    /// Nil: what the signer's key is used with.
    var algorithm: ListSignature?
    /// Nil: that of the outside.
    var innerAlgorithm: [UInt8]?
    /// Octets before the signature's first.
    var unusedBits: [UInt8] = [0]

    func der(signedBy authority: CertificateAuthority) throws -> [UInt8] {
        let algorithm = self.algorithm ?? ListSignature(for: authority.key.publicKey)
        var coder = DER.Serializer()
        try algorithm.serialize(into: &coder)
        let encoded = coder.serializedBytes
        var name = DER.Serializer()
        try name.serialize(authority.certificate.subject)
        let signed = element(
            0x30, self.version.map { element(0x02, $0) } ?? [], self.innerAlgorithm ?? encoded,
            self.issuer ?? name.serializedBytes, self.thisUpdate, self.nextUpdate ?? [],
            self.entries.map { element(0x30, $0.flatMap { $0 }) } ?? [],
            self.extensions.map { element(0xA0, element(0x30, $0.flatMap { $0 })) } ?? [], self.trailer)
        let used = algorithm.algorithm ?? .sha256WithRSAEncryption
        let signature = try authority.key.certificateKey.sign(bytes: signed, signatureAlgorithm: used)
        return element(0x30, signed, encoded, element(0x03, self.unusedBits, signature.rawRepresentation))
    }

    static func utcTime(_ text: String) -> [UInt8] { element(0x17, Array(text.utf8)) }

    static func generalizedTime(_ text: String) -> [UInt8] { element(0x18, Array(text.utf8)) }

    /// - Parameters:
    ///   - serial: The content of the INTEGER.
    ///   - extensions: Nil: left out.
    static func entry(
        _ serial: [UInt8], time: [UInt8] = utcTime("251231235959Z"), extensions: [[UInt8]]? = nil
    ) -> [UInt8] {
        element(0x30, element(0x02, serial), time, extensions.map { element(0x30, $0.flatMap { $0 }) } ?? [])
    }

    /// - Parameters:
    ///   - oid: The content of the OBJECT IDENTIFIER.
    ///   - critical: The content of the BOOLEAN; nil: left out.
    static func item(_ oid: [UInt8], critical: [UInt8]? = nil, _ value: [UInt8]) -> [UInt8] {
        element(0x30, element(0x06, oid), critical.map { element(0x01, $0) } ?? [], element(0x04, value))
    }

    static func reason(_ number: UInt8) -> [UInt8] { self.item([0x55, 0x1D, 21], element(0x0A, [number])) }

    static func issuingDistributionPoint(_ fields: [UInt8]...) -> [UInt8] {
        self.item([0x55, 0x1D, 28], critical: [0xFF], element(0x30, fields.flatMap { $0 }))
    }

    /// DistributionPointName with full names that are URIs.
    static func fullName(_ uris: String...) -> [UInt8] {
        element(0xA0, element(0xA0, uris.flatMap { element(0x86, Array($0.utf8)) }))
    }
}

/// What a scan hands over.
struct ScannedEntry: Hashable {
    let serialNumber: [UInt8]
    let reason: Int
    let revokedAt: Int64
}

/// A scan's header and entries.
func scan(
    _ der: [UInt8], issuedBy authority: CertificateAuthority
) throws -> (header: RevocationListHeader, entries: [ScannedEntry]) {
    var entries: [ScannedEntry] = []
    let header = try CertificateRevocationList.scan(der: der, issuedBy: try authority.certificate.der()) {
        entries.append(ScannedEntry(serialNumber: Array($0), reason: $1, revokedAt: $2))
    }
    return (header, entries)
}
