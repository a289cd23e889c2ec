import SwiftASN1
import X509

/// Where a certificate says that its revocation can be asked for, as far as one of its extensions does.
struct RevocationSources {
    private(set) var crlDistributionPoints: [String] = []
    private(set) var ocspResponders: [String] = []

    private static let crlDistributionPointsID: ASN1ObjectIdentifier = [2, 5, 29, 31]
    /// Places of one kind: each may cost a request, and real certificates have one or two.
    private static let countMax = 8

    init(_ item: Certificate.Extension) throws {
        if item.oid == Self.crlDistributionPointsID {
            self.crlDistributionPoints = Self.usable(try Self.points(DER.parse(item.value)))
        } else if item.oid == .X509ExtensionID.authorityInformationAccess {
            self.ocspResponders = Self.usable(
                try AuthorityInformationAccess(item).compactMap { description in
                    guard description.method == .ocspServer,
                        case .uniformResourceIdentifier(let uri) = description.location
                    else { return nil }
                    return uri
                })
        }
    }

    /// CRLDistributionPoints (RFC 5280 section 4.2.1.13). A point with reasons or an issuer of its own is left out: its
    /// lists are partial or indirect, which are refused.
    private static func points(_ node: ASN1Node) throws -> [String] {
        try DER.sequence(node, identifier: .sequence) { nodes in
            var uris: [String] = []
            while let point = nodes.next() {
                guard point.identifier == .sequence, case .constructed(let parts) = point.content else {
                    throw ASN1Error.unexpectedFieldType(point.identifier)
                }
                let fields = Array(parts.prefix(4))
                guard fields.count == 1, let name = fields.first,
                    name.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
                else { continue }
                uris += try DistributionPointName.uris(name)
            }
            return uris
        }
    }

    /// The URLs that can be fetched: LDAP is not spoken here.
    private static func usable(_ uris: [String]) -> [String] {
        var usable: [String] = []
        for uri in uris where usable.count < self.countMax {
            let scheme = uri.prefix { $0 != ":" }.lowercased()
            if scheme == "http" || scheme == "https", !usable.contains(uri) { usable.append(uri) }
        }
        return usable
    }
}
