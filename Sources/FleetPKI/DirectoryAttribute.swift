import SwiftASN1
import X509

/// An attribute type of a distinguished name that has a short name, with the way its value is encoded.
struct DirectoryAttribute: Sendable {
    enum Encoding: Sendable {
        case utf8
        /// PrintableString (X.680): letters, digits, space and `'()+,-./:=?`.
        case printable
        /// IA5String: ASCII.
        case ia5
    }

    /// As RFC 4514 section 3 and RFC 4519 write it; RFC 2985 for emailAddress.
    let shortName: String
    let type: ASN1ObjectIdentifier
    let encoding: Encoding
    /// The most characters RFC 5280 appendix A.1 allows (`ub-…`), nil where it names no bound.
    let upperBound: Int?

    static let all: [DirectoryAttribute] = [
        Self(shortName: "CN", type: [2, 5, 4, 3], encoding: .utf8, upperBound: 64),
        Self(shortName: "O", type: [2, 5, 4, 10], encoding: .utf8, upperBound: 64),
        Self(shortName: "OU", type: [2, 5, 4, 11], encoding: .utf8, upperBound: 64),
        Self(shortName: "C", type: [2, 5, 4, 6], encoding: .printable, upperBound: 2),
        Self(shortName: "ST", type: [2, 5, 4, 8], encoding: .utf8, upperBound: 128),
        Self(shortName: "L", type: [2, 5, 4, 7], encoding: .utf8, upperBound: 128),
        Self(shortName: "STREET", type: [2, 5, 4, 9], encoding: .utf8, upperBound: nil),
        Self(shortName: "serialNumber", type: [2, 5, 4, 5], encoding: .printable, upperBound: 64),
        Self(shortName: "DC", type: [0, 9, 2342, 19_200_300, 100, 1, 25], encoding: .ia5, upperBound: nil),
        Self(shortName: "UID", type: [0, 9, 2342, 19_200_300, 100, 1, 1], encoding: .utf8, upperBound: nil),
        Self(shortName: "emailAddress", type: [1, 2, 840, 113_549, 1, 9, 1], encoding: .ia5, upperBound: 255),
        Self(shortName: "SN", type: [2, 5, 4, 4], encoding: .utf8, upperBound: 32_768),
        Self(shortName: "GN", type: [2, 5, 4, 42], encoding: .utf8, upperBound: 32_768),
        Self(shortName: "title", type: [2, 5, 4, 12], encoding: .utf8, upperBound: 64),
        Self(shortName: "dnQualifier", type: [2, 5, 4, 46], encoding: .printable, upperBound: nil),
        Self(shortName: "description", type: [2, 5, 4, 13], encoding: .utf8, upperBound: nil),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.shortName.lowercased(), $0) })
    private static let byType = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.type, $0) })

    /// Looks an attribute up by its short name, without regard to case.
    static func named(_ name: String) -> DirectoryAttribute? {
        self.byName[name.lowercased()]
    }

    static func typed(_ type: ASN1ObjectIdentifier) -> DirectoryAttribute? {
        self.byType[type]
    }
}

extension RelativeDistinguishedName.Attribute {
    /// An attribute from a short name or dotted decimal object identifier and its value.
    ///
    /// - Parameter enforcesBounds: Whether RFC 5280's rules on length and emptiness are kept.
    init(name: String, value: String, enforcesBounds: Bool) throws(PKIError) {
        guard let known = DirectoryAttribute.named(name) else {
            let type = try ASN1ObjectIdentifier(checkedDotted: name)
            // A dotted identifier of a known type must get the known encoding.
            if let known = DirectoryAttribute.typed(type) {
                try self.init(known, value: value, enforcesBounds: enforcesBounds)
            } else {
                self.init(type: type, utf8String: value)
            }
            return
        }
        try self.init(known, value: value, enforcesBounds: enforcesBounds)
    }

    private init(_ attribute: DirectoryAttribute, value: String, enforcesBounds: Bool) throws(PKIError) {
        if enforcesBounds {
            guard !value.isEmpty else {
                throw PKIError(code: .invalidSubject, message: "the subject's \(attribute.shortName) is empty")
            }
            if let upperBound = attribute.upperBound, value.unicodeScalars.count > upperBound {
                throw PKIError(
                    code: .invalidSubject,
                    message: "the subject's \(attribute.shortName) has more than \(upperBound) characters (RFC 5280)"
                )
            }
        }
        do {
            switch attribute.encoding {
            case .utf8:
                self.init(type: attribute.type, utf8String: value)
            case .printable:
                try self.init(type: attribute.type, printableString: value)
            case .ia5:
                try self.init(type: attribute.type, ia5String: value)
            }
        } catch {
            throw PKIError(
                code: .invalidSubject,
                message: "the subject's \(attribute.shortName) has characters its string type does not allow"
            )
        }
    }
}

extension ASN1ObjectIdentifier {
    /// Reads a dotted decimal object identifier.
    ///
    /// Checked here because the library's own reader multiplies the first arc without looking for overflow.
    init(checkedDotted text: String) throws(PKIError) {
        let failure = PKIError(
            code: .invalidObjectIdentifier,
            message: "\"\(text.prefix(64))\" is neither a known short name nor a dotted decimal object identifier"
        )
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...64).contains(parts.count) else { throw failure }
        var arcs: [UInt] = []
        for part in parts {
            // UInt32: ITU-T X.660 has no bound, but no reader of certificates takes more.
            guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let arc = UInt32(part) else { throw failure }
            arcs.append(UInt(arc))
        }
        guard let root = arcs.first, let second = arcs.dropFirst().first, root <= 2, root == 2 || second <= 39 else {
            throw failure
        }
        do {
            try self.init(elements: arcs)
        } catch {
            throw failure
        }
    }

    /// Dotted decimal form. The library's own splits the first octets wrongly under 2.48 and above, where the second
    /// arc may be larger than 39 (X.690 section 8.19.4).
    var dotted: String {
        var arcs = self.oidComponents
        if let root = arcs.first, let second = arcs.dropFirst().first, root > 2 {
            arcs.replaceSubrange(0..<2, with: [2, (root - 2) * 40 + second])
        }
        return arcs.map { String($0) }.joined(separator: ".")
    }
}
