/// A distinguished name of a certificate: relative names in the order of the certificate, the most general first.
///
/// Two names are equal when they are equal byte for byte. X.520 compares some attributes without regard to case, and
/// Unicode has several spellings of one letter; an identity that depends on neither cannot be confused by either.
/// A relative name with several attributes is a set (RFC 5280, section 7.1): in which order they were given means
/// nothing.
public struct DistinguishedName: Sendable, Hashable {
    /// One attribute of a relative name.
    public struct Attribute: Sendable {
        /// The object identifier in dotted form, such as `2.5.4.3`.
        public let attributeType: String
        public let value: String

        public init(attributeType: String, value: String) {
            self.attributeType = attributeType
            self.value = value
        }
    }

    /// A relative name: nearly always one attribute, sometimes several at once (`CN=…+serialNumber=…`).
    public struct RelativeName: Sendable, Hashable {
        /// In an order of our own, which does not depend on the one they were given in.
        public let attributes: [Attribute]

        public init(_ attributes: [Attribute]) {
            self.attributes = attributes.count > 1 ? attributes.sorted { $0.precedes($1) } : attributes
        }
    }

    public let relativeNames: [RelativeName]

    public init(_ relativeNames: [RelativeName]) {
        self.relativeNames = relativeNames
    }

    /// A name of relative names with one attribute each, given by short name or dotted object identifier; nil when a
    /// short name is unknown.
    public init?(attributes: [(type: String, value: String)]) {
        var names: [RelativeName] = []
        for (type, value) in attributes {
            guard let oid = AttributeType.oid(ofShortName: type) ?? (AttributeType.isDottedOID(type) ? type : nil)
            else { return nil }
            names.append(RelativeName([Attribute(attributeType: oid, value: value)]))
        }
        self.init(names)
    }

    public var isEmpty: Bool { relativeNames.isEmpty }

    /// The values of one attribute type, in the order of the certificate's relative names.
    public func values(ofType oid: String) -> [String] {
        relativeNames.flatMap { $0.attributes.filter { $0.attributeType == oid }.map(\.value) }
    }
}

extension DistinguishedName.Attribute {
    private static let ranks = Dictionary(
        uniqueKeysWithValues: AttributeType.table.enumerated().map { ($0.element.oid, $0.offset) })

    /// The order inside of a relative name: types with a short name first, as their table has them, so that CN leads;
    /// then by type and by value, byte for byte.
    fileprivate func precedes(_ other: Self) -> Bool {
        let rank = Self.ranks[attributeType] ?? .max
        let otherRank = Self.ranks[other.attributeType] ?? .max
        if rank != otherRank { return rank < otherRank }
        if attributeType != other.attributeType {
            return attributeType.utf8.lexicographicallyPrecedes(other.attributeType.utf8)
        }
        return value.utf8.lexicographicallyPrecedes(other.value.utf8)
    }
}

extension DistinguishedName.Attribute: Hashable {
    /// Byte for byte: `String` itself would take canonically equivalent spellings for equal.
    public static func == (left: Self, right: Self) -> Bool {
        left.attributeType == right.attributeType && left.value.utf8.elementsEqual(right.value.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(attributeType)
        for byte in value.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0xFF))
    }
}
