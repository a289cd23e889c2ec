import SwiftASN1

/// What bounds OCSP messages, all of which come from outside.
public enum OCSPLimits {
    /// The longest response that is read, in octets. One with a delegated responder's certificate takes 1 to 3 KiB, and
    /// a chain that nobody needs some more.
    public static let responseOctetsMax = 64 << 10
    /// The longest request that is read, in octets.
    public static let requestOctetsMax = 16 << 10
    /// The longest certificate, in octets.
    static let certificateOctetsMax = 64 << 10
    /// SingleResponses of one response: some responders answer for more than they were asked.
    static let answersMax = 64
    /// Certificates of one response that are looked at: each may cost a signature check.
    static let certificatesMax = 8
    /// Extensions in one place.
    static let extensionsMax = 16
    /// RFC 9654 section 2.1: a responder need not accept more than 32 octets, and no nonce has more than 128.
    static let nonceOctets = 32
    /// The content of a serial number's INTEGER: RFC 5280's 20 octets, and a zero that some issuers write before them.
    static let serialNumberOctets = 1...21
}

/// Pieces of DER that OCSP's messages are made of. Everything thrown is "malformed", and the caller says of what.
enum OCSPReading {
    struct Malformed: Error {}

    /// The parts of a constructed node.
    static func children(_ node: ASN1Node, countMax: Int) throws -> [ASN1Node] {
        guard case .constructed(let nodes) = node.content else { throw Malformed() }
        var children: [ASN1Node] = []
        for child in nodes {
            guard children.count < countMax else { throw Malformed() }
            children.append(child)
        }
        return children
    }

    /// The parts of a SEQUENCE.
    static func sequence(_ node: ASN1Node, countMax: Int) throws -> [ASN1Node] {
        guard node.identifier == .sequence else { throw Malformed() }
        return try self.children(node, countMax: countMax)
    }

    /// What an EXPLICIT tag holds.
    static func tagged(_ node: ASN1Node) throws -> ASN1Node {
        guard let inner = try self.children(node, countMax: 1).first else { throw Malformed() }
        return inner
    }

    static func tag(_ number: UInt) -> ASN1Identifier {
        ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
    }

    /// The content of a primitive node.
    static func primitive(_ node: ASN1Node) throws -> ArraySlice<UInt8> {
        guard case .primitive(let bytes) = node.content else { throw Malformed() }
        return bytes
    }

    /// An ENUMERATED of one octet: all of OCSP's are.
    static func enumerated(_ node: ASN1Node) throws -> UInt8 {
        let content = try self.primitive(node)
        guard node.identifier == .enumerated, content.count == 1, let value = content.first else { throw Malformed() }
        return value
    }

    /// A serial number without leading zeros.
    static func serialNumber(_ node: ASN1Node) throws -> [UInt8] {
        let content = try self.primitive(node)
        guard node.identifier == .integer, OCSPLimits.serialNumberOctets.contains(content.count) else {
            throw Malformed()
        }
        return Array(content.drop { $0 == 0 })
    }

    struct Extension {
        let identifier: ASN1ObjectIdentifier
        let isCritical: Bool
        let value: ArraySlice<UInt8>
    }

    /// Extensions (RFC 5280 section 4.1): each identifier at most once.
    static func extensions(_ node: ASN1Node) throws -> [Extension] {
        var extensions: [Extension] = []
        for item in try self.sequence(node, countMax: OCSPLimits.extensionsMax) {
            let parts = try self.sequence(item, countMax: 3)
            guard (2...3).contains(parts.count) else { throw Malformed() }
            let isCritical = parts.count == 3 ? try Bool(derEncoded: parts[1]) : false
            let read = Extension(
                identifier: try ASN1ObjectIdentifier(derEncoded: parts[0]), isCritical: isCritical,
                value: try ASN1OctetString(derEncoded: parts[parts.count - 1]).bytes)
            guard !extensions.contains(where: { $0.identifier == read.identifier }) else { throw Malformed() }
            extensions.append(read)
        }
        return extensions
    }
}

/// RFC 6960 sections 4.2.1, 4.2.2.2.1 and 4.4.
enum OCSPIdentifier {
    /// id-pkix-ocsp-basic.
    static let basicResponse: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 48, 1, 1]
    /// id-pkix-ocsp-nonce.
    static let nonce: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 48, 1, 2]
    /// id-pkix-ocsp-nocheck.
    static let noCheck: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5]
    /// id-pkix-ocsp-crl, archive-cutoff and extended-revoke: they add to an answer and change nothing in it.
    static let understood: [ASN1ObjectIdentifier] = [
        [1, 3, 6, 1, 5, 5, 7, 48, 1, 3], [1, 3, 6, 1, 5, 5, 7, 48, 1, 6], [1, 3, 6, 1, 5, 5, 7, 48, 1, 9],
    ]
}
