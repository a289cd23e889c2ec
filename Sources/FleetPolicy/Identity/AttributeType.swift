/// The attribute types of distinguished names that have a short name here, and their object identifiers.
///
/// CN to UID are the table of RFC 4514, section 3; the others are written as OpenSSL and LDAP (RFC 4519, RFC 2985)
/// write them.
public enum AttributeType {
    static let table: [(name: String, oid: String)] = [
        ("CN", "2.5.4.3"), ("L", "2.5.4.7"), ("ST", "2.5.4.8"), ("O", "2.5.4.10"), ("OU", "2.5.4.11"),
        ("C", "2.5.4.6"), ("STREET", "2.5.4.9"), ("DC", "0.9.2342.19200300.100.1.25"),
        ("UID", "0.9.2342.19200300.100.1.1"),
        ("serialNumber", "2.5.4.5"), ("emailAddress", "1.2.840.113549.1.9.1"), ("title", "2.5.4.12"),
        ("SN", "2.5.4.4"), ("givenName", "2.5.4.42"), ("initials", "2.5.4.43"), ("name", "2.5.4.41"),
        ("generationQualifier", "2.5.4.44"), ("dnQualifier", "2.5.4.46"), ("pseudonym", "2.5.4.65"),
        ("description", "2.5.4.13"), ("businessCategory", "2.5.4.15"), ("postalCode", "2.5.4.17"),
        ("unstructuredName", "1.2.840.113549.1.9.2"), ("organizationIdentifier", "2.5.4.97"),
    ]

    private static let namesByOID = Dictionary(uniqueKeysWithValues: table.map { ($0.oid, $0.name) })
    private static let oidsByLowercasedName = Dictionary(
        uniqueKeysWithValues: table.map { ($0.name.lowercased(), $0.oid) })

    /// The short name of an object identifier in dotted form.
    public static func shortName(ofOID oid: String) -> String? {
        namesByOID[oid]
    }

    /// The object identifier, in dotted form, of a short name in any case (RFC 4514, section 3).
    public static func oid(ofShortName name: String) -> String? {
        oidsByLowercasedName[name.lowercased()]
    }

    /// Whether a text is an object identifier in dotted form: two or more numbers without leading zeros.
    static func isDottedOID(_ text: String) -> Bool {
        let arcs = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return arcs.count >= 2
            && arcs.allSatisfy { arc in
                guard let first = arc.first, arc.count == 1 || first != UInt8(ascii: "0") else { return false }
                return arc.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            }
    }
}
