import Foundation
import SwiftASN1
import X509

/// The fields of TBSCertList (RFC 5280 section 5.1.2) while they are read.
struct RevocationListContent {
    private(set) var algorithm: [UInt8] = []
    private(set) var issuer: [UInt8] = []
    private(set) var thisUpdate: Date?
    private(set) var nextUpdate: Date?
    private(set) var number: UInt64?
    private(set) var revoked: [RevokedCertificate] = []

    /// - Throws: ``PKIError`` `malformed-crl`, or an error of the ASN.1 library.
    mutating func read(_ node: ASN1Node) throws {
        let malformed = CertificateRevocationList.malformed
        // Fields are told apart by their tags: version, nextUpdate, the entries and the extensions may all be absent.
        var fields = try Self.children(of: node)[...]
        if fields.first?.identifier == .integer, let version = fields.popFirst() {
            guard try Int(derEncoded: version) == 1 else { throw malformed }
        }
        guard let algorithm = fields.popFirst(), let issuer = fields.popFirst(), let update = fields.popFirst(),
            let thisUpdate = ListTime.date(update)
        else { throw malformed }
        self.algorithm = Array(algorithm.encodedBytes)
        self.issuer = Array(issuer.encodedBytes)
        self.thisUpdate = thisUpdate
        if let next = fields.first,
            [UTCTime.defaultIdentifier, GeneralizedTime.defaultIdentifier].contains(next.identifier)
        {
            guard let date = ListTime.date(next) else { throw malformed }
            self.nextUpdate = date
            fields.removeFirst()
        }
        if fields.first?.identifier == .sequence, let entries = fields.popFirst() {
            self.revoked = try Self.children(of: entries, countMax: CertificateRevocationList.entriesMax).map(
                Self.entry)
        }
        if fields.first?.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific),
            let tagged = fields.popFirst()
        {
            guard let list = try Self.children(of: tagged).first else { throw malformed }
            try self.readNumber(list)
        }
        guard fields.isEmpty else { throw malformed }
    }

    private mutating func readNumber(_ list: ASN1Node) throws {
        for item in try Self.extensions(list) where item.oid == Self.crlNumber {
            // RFC 5280 section 5.2.3 lets it have 20 octets; ours never do.
            self.number = try? UInt64(derEncoded: Array(item.value))
        }
    }

    private static func entry(_ node: ASN1Node) throws -> RevokedCertificate {
        let fields = try self.children(of: node)
        guard (2...3).contains(fields.count), case .primitive(let serial) = fields[0].content,
            fields[0].identifier == .integer, (1...21).contains(serial.count),
            let revokedAt = ListTime.date(fields[1])
        else { throw CertificateRevocationList.malformed }
        var entry = RevokedCertificate(
            serialNumber: Hexadecimal.encode(serial.drop { $0 == 0 }), revokedAt: revokedAt)
        if fields.count == 3 {
            for item in try self.extensions(fields[2]) where item.oid == self.reasonCode {
                guard case .primitive(let value) = try DER.parse(item.value).content, value.count == 1 else {
                    throw CertificateRevocationList.malformed
                }
                entry.reason = value.first.flatMap { RevokedCertificate.Reason(rawValue: Int($0)) }
            }
        }
        return entry
    }

    private static func extensions(_ node: ASN1Node) throws -> [(oid: ASN1ObjectIdentifier, value: ArraySlice<UInt8>)] {
        try self.children(of: node).map { item in
            guard let identifier = try self.children(of: item).first, let value = try self.children(of: item).last
            else {
                throw CertificateRevocationList.malformed
            }
            return (try ASN1ObjectIdentifier(derEncoded: identifier), try ASN1OctetString(derEncoded: value).bytes)
        }
    }

    /// The parts of a SEQUENCE; no structure of a list but the entries has more than a few.
    private static func children(of node: ASN1Node, countMax: Int = 64) throws -> [ASN1Node] {
        guard case .constructed(let nodes) = node.content else { throw CertificateRevocationList.malformed }
        var children: [ASN1Node] = []
        for child in nodes {
            guard children.count < countMax else { throw CertificateRevocationList.malformed }
            children.append(child)
        }
        return children
    }

    /// id-ce-cRLNumber and id-ce-cRLReasons.
    static let crlNumber: ASN1ObjectIdentifier = [2, 5, 29, 20]
    static let reasonCode: ASN1ObjectIdentifier = [2, 5, 29, 21]
}
