import SwiftASN1
import X509

/// The extensions of a list that are understood (RFC 5280 section 5.2).
struct RevocationListExtensions {
    private(set) var authorityKeyIdentifier: [UInt8]?
    private(set) var number: [UInt8] = []
    private(set) var hasNumber = false
    private(set) var distributionPoints: [String] = []
    private(set) var onlyUserCertificates = false
    private(set) var onlyCACertificates = false

    static let crlNumber: ASN1ObjectIdentifier = [2, 5, 29, 20]
    static let reasonCode: ASN1ObjectIdentifier = [2, 5, 29, 21]
    private static let issuerAlternativeName: ASN1ObjectIdentifier = [2, 5, 29, 18]
    private static let deltaIndicator: ASN1ObjectIdentifier = [2, 5, 29, 27]
    private static let issuingDistributionPoint: ASN1ObjectIdentifier = [2, 5, 29, 28]

    /// More extensions than this on one list are no list of a CA's.
    private static let countMax = 32
    /// RFC 5280 section 5.2.3: up to 20 octets, before which one more may hold the sign.
    private static let numberOctetsMax = 20

    /// Reads Extensions.
    ///
    /// - Parameter encoded: DER of the SEQUENCE, and nothing after it.
    /// - Throws: ``PKIError``: `malformed-crl`, `delta-crl`, `indirect-crl`, `partial-crl`, `attribute-crl`,
    ///   `unknown-critical-extension`.
    mutating func read(_ encoded: ArraySlice<UInt8>) throws(PKIError) {
        var seen: Set<ASN1ObjectIdentifier> = []
        for item in try Self.items(encoded) {
            guard seen.insert(item.oid).inserted else {
                throw RevocationListEnvelope.malformed("it has the extension \(item.oid.dotted) twice")
            }
            do {
                try self.read(item)
            } catch let error as PKIError {
                throw error
            } catch {
                throw RevocationListEnvelope.malformed("its extension \(item.oid.dotted) cannot be read")
            }
        }
    }

    private static func items(_ encoded: ArraySlice<UInt8>) throws(PKIError) -> [Certificate.Extension] {
        do {
            return try DER.sequence(DER.parse(encoded), identifier: .sequence) { nodes in
                var items: [Certificate.Extension] = []
                while let node = nodes.next() {
                    guard items.count < self.countMax else { throw RevocationListEnvelope.malformed }
                    items.append(try Certificate.Extension(derEncoded: node))
                }
                return items
            }
        } catch {
            throw RevocationListEnvelope.malformed("its extensions cannot be read")
        }
    }

    private mutating func read(_ item: Certificate.Extension) throws {
        switch item.oid {
        case .X509ExtensionID.authorityKeyIdentifier:
            self.authorityKeyIdentifier = try AuthorityKeyIdentifier(item).keyIdentifier.map { Array($0) }
        case Self.crlNumber:
            guard case .primitive(let content) = try DER.parse(item.value).content,
                try DER.parse(item.value).identifier == .integer, content.first.map({ $0 & 0x80 }) == 0,
                content.count <= Self.numberOctetsMax + (content.first == 0 ? 1 : 0)
            else { throw RevocationListEnvelope.malformed("its number is none (RFC 5280 section 5.2.3)") }
            self.number = Array(content.drop { $0 == 0 })
            self.hasNumber = true
        case Self.deltaIndicator:
            throw PKIError(
                code: .deltaRevocationList,
                message: "a delta CRL, which says what changed since another: give the complete list")
        case Self.issuingDistributionPoint:
            try self.readDistributionPoint(DER.parse(item.value))
        case Self.issuerAlternativeName:
            break
        default:
            guard item.critical else { return }
            throw PKIError(
                code: .unknownCriticalExtension,
                message: "the revocation list has the critical extension \(item.oid.dotted), which is not understood")
        }
    }

    /// IssuingDistributionPoint (RFC 5280 section 5.2.5).
    private mutating func readDistributionPoint(_ node: ASN1Node) throws {
        guard node.identifier == .sequence, case .constructed(let fields) = node.content else {
            throw RevocationListEnvelope.malformed
        }
        var last: UInt?
        for field in fields {
            let number = field.identifier.tagNumber
            guard field.identifier.tagClass == .contextSpecific, last.map({ $0 < number }) ?? true else {
                throw RevocationListEnvelope.malformed
            }
            last = number
            switch number {
            case 0: self.distributionPoints = try DistributionPointName.uris(field)
            case 1: self.onlyUserCertificates = try Self.boolean(field)
            case 2: self.onlyCACertificates = try Self.boolean(field)
            case 3:
                throw PKIError(
                    code: .partialRevocationList,
                    message: "the revocation list is about some reasons only: give the one that is about all")
            case 4:
                guard try Self.boolean(field) else { continue }
                throw PKIError(
                    code: .indirectRevocationList,
                    message: "an indirect CRL, which is about other CAs' certificates: give each CA's own list")
            case 5:
                guard try Self.boolean(field) else { continue }
                throw PKIError(
                    code: .attributeRevocationList, message: "the revocation list is about attribute certificates")
            default: throw RevocationListEnvelope.malformed
            }
        }
        guard !(self.onlyUserCertificates && self.onlyCACertificates) else { throw RevocationListEnvelope.malformed }
    }

    /// A BOOLEAN under a tag of its own. False is its default, which DER leaves out; some write it.
    private static func boolean(_ node: ASN1Node) throws -> Bool {
        guard case .primitive(let content) = node.content, content.count == 1 else {
            throw RevocationListEnvelope.malformed
        }
        switch content.first {
        case 0x00: return false
        case 0xFF: return true
        default: throw RevocationListEnvelope.malformed
        }
    }
}

/// DistributionPointName ::= CHOICE of fullName [0], which is GeneralNames, and nameRelativeToCRLIssuer [1] (RFC 5280
/// section 4.2.1.13).
enum DistributionPointName {
    /// Names of one distribution point, and octets of one URI: real ones have two or three names of some hundred octets.
    private static let namesMax = 16
    private static let uriOctetsMax = 2_048

    /// The URIs of a distribution point.
    ///
    /// - Parameter node: The field that holds the choice.
    static func uris(_ node: ASN1Node) throws -> [String] {
        guard case .constructed(let choices) = node.content, let name = choices.first(where: { _ in true }),
            case .constructed(let names) = name.content
        else { throw ASN1Error.unexpectedFieldType(node.identifier) }
        guard name.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) else { return [] }
        var uris: [String] = []
        for (position, node) in names.enumerated() {
            guard position < self.namesMax else { break }
            guard case .uniformResourceIdentifier(let uri) = try GeneralName(derEncoded: node),
                uri.utf8.count <= self.uriOctetsMax
            else { continue }
            uris.append(uri)
        }
        return uris
    }
}
