public import Foundation
import SwiftASN1
import X509

/// What a certificate to be issued says.
///
/// A value; the defaults make a device's client certificate. Everything a certificate needs beyond it (serial number,
/// key identifiers, dates) is filled in by ``CertificateAuthority/issue(_:)``.
public struct CertificateTemplate: Sendable {
    /// What the key may be used for: extended key usage (RFC 5280 section 4.2.1.12).
    public enum Purpose: Sendable, Hashable {
        /// `serverAuth`.
        case server
        /// `clientAuth`: a device.
        case client
        /// `serverAuth` and `clientAuth`.
        case both
        /// No extended key usage extension, which readers take as "any".
        case none
        /// These object identifiers in dotted form, and no others.
        case other([String])
    }

    /// Key usage bits (RFC 5280 section 4.2.1.3).
    public struct KeyUsageBits: OptionSet, Sendable, Hashable {
        public let rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        public static let digitalSignature = Self(rawValue: 1 << 0)
        public static let nonRepudiation = Self(rawValue: 1 << 1)
        public static let keyEncipherment = Self(rawValue: 1 << 2)
        public static let dataEncipherment = Self(rawValue: 1 << 3)
        public static let keyAgreement = Self(rawValue: 1 << 4)
        public static let keyCertSign = Self(rawValue: 1 << 5)
        public static let crlSign = Self(rawValue: 1 << 6)
    }

    /// An extension in its encoded form. One with the identifier of an extension that would be there anyway replaces it.
    public struct RawExtension: Sendable, Hashable {
        /// Dotted object identifier.
        public var oid: String
        public var critical: Bool
        /// The DER inside the extension's OCTET STRING; any octets are taken.
        public var value: [UInt8]

        public init(oid: String, critical: Bool, value: [UInt8]) {
            self.oid = oid
            self.critical = critical
            self.value = value
        }

        /// A critical extension that no reader knows (an OID of the arc for examples, 2.999), holding NULL.
        public static let unknownCritical = Self(oid: "2.999.1", critical: true, value: [0x05, 0x00])
    }

    /// Attribute (short name such as `CN`, `O`, `serialNumber`, or dotted object identifier) and value, in the order
    /// of the certificate: most significant first, so usually `C`, `O`, `OU`, `CN`. Each is a component of its own.
    public var subject: [(String, String)]
    /// In the order of the certificate. The extension is critical when the subject is empty (RFC 5280).
    public var alternativeNames: [AlternativeName]
    public var purpose: Purpose
    /// Instead of the default: digitalSignature, or for a CA keyCertSign and cRLSign. Empty: no extension.
    public var keyUsage: KeyUsageBits?
    /// Whether basicConstraints says CA:TRUE.
    public var isCA: Bool
    /// How many CA certificates may stand below this one; only for a CA.
    public var maxPathLength: Int?
    /// Default: five minutes before now, because devices' clocks are behind.
    public var notBefore: Date?
    /// Default: one year after now, or the CA's own end if that is earlier.
    public var notAfter: Date?
    /// Big-endian octets instead of 16 random ones.
    public var serialNumber: [UInt8]?
    /// Further extensions.
    public var additionalExtensions: [RawExtension]
    /// The kind of key made when none is given.
    public var keyType: KeyType
    /// Whether rules of RFC 5280 that an issuer has to keep may be broken: lengths and emptiness of subject
    /// attributes, serial number 0 or over 20 octets, an end before the beginning, dates before 1950, an issuer that
    /// is not valid. For tests of readers.
    public var allowsViolations: Bool

    public init(
        subject: [(String, String)],
        alternativeNames: [AlternativeName] = [],
        purpose: Purpose = .client,
        keyUsage: KeyUsageBits? = nil,
        isCA: Bool = false,
        maxPathLength: Int? = nil,
        notBefore: Date? = nil,
        notAfter: Date? = nil,
        serialNumber: [UInt8]? = nil,
        additionalExtensions: [RawExtension] = [],
        keyType: KeyType = .p256,
        allowsViolations: Bool = false
    ) {
        self.subject = subject
        self.alternativeNames = alternativeNames
        self.purpose = purpose
        self.keyUsage = keyUsage
        self.isCA = isCA
        self.maxPathLength = maxPathLength
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serialNumber = serialNumber
        self.additionalExtensions = additionalExtensions
        self.keyType = keyType
        self.allowsViolations = allowsViolations
    }
}

extension CertificateTemplate {
    func distinguishedName() throws(PKIError) -> DistinguishedName {
        var components: [RelativeDistinguishedName] = []
        components.reserveCapacity(self.subject.count)
        for (name, value) in self.subject {
            let attribute = try RelativeDistinguishedName.Attribute(
                name: name,
                value: value,
                enforcesBounds: !self.allowsViolations
            )
            components.append(RelativeDistinguishedName(attribute))
        }
        if components.isEmpty, self.isCA || self.alternativeNames.isEmpty, !self.allowsViolations {
            throw PKIError(
                code: .invalidSubject,
                message: "the subject is empty, which RFC 5280 allows only for a leaf with an alternative name"
            )
        }
        return DistinguishedName(components)
    }

    /// 128 random bits made positive and never short: the two top bits are 0 and 1, so the serial always has 16
    /// octets and 126 bits of it are random (CA/Browser Forum asks for 64).
    func serial() throws(PKIError) -> Certificate.SerialNumber {
        guard let given = self.serialNumber else {
            var generator = SystemRandomNumberGenerator()
            var octets: [UInt8] = []
            octets.reserveCapacity(16)
            for _ in 0..<2 {
                let word = generator.next()
                for shift in stride(from: 56, through: 0, by: -8) {
                    octets.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
                }
            }
            octets[0] = octets[0] & 0x3F | 0x40
            return Certificate.SerialNumber(bytes: octets)
        }
        let significant = given.drop { $0 == 0 }
        // A top bit takes a 21st octet: INTEGER is signed.
        let encodedCount = significant.count + ((significant.first ?? 0) & 0x80 == 0 ? 0 : 1)
        guard self.allowsViolations || (!significant.isEmpty && encodedCount <= 20) else {
            throw PKIError(
                code: .invalidSerialNumber,
                message: "a serial number is positive and has at most 20 octets (RFC 5280 section 4.1.2.2)"
            )
        }
        return Certificate.SerialNumber(bytes: given)
    }

    var effectiveKeyUsage: KeyUsageBits {
        self.keyUsage ?? (self.isCA ? [.keyCertSign, .crlSign] : [.digitalSignature])
    }

    func extendedKeyUsage() throws(PKIError) -> ExtendedKeyUsage? {
        let usages: [ExtendedKeyUsage.Usage]
        switch self.purpose {
        case .server: usages = [.serverAuth]
        case .client: usages = [.clientAuth]
        case .both: usages = [.serverAuth, .clientAuth]
        case .none: return nil
        case .other(let identifiers):
            var others: [ExtendedKeyUsage.Usage] = []
            for identifier in identifiers {
                others.append(.init(oid: try ASN1ObjectIdentifier(checkedDotted: identifier)))
            }
            usages = others
        }
        do {
            return try ExtendedKeyUsage(usages)
        } catch {
            throw PKIError(code: .invalidExtension, message: "the extended key usages repeat or are more than 32")
        }
    }
}

extension KeyUsage {
    init(_ bits: CertificateTemplate.KeyUsageBits) {
        self.init(
            digitalSignature: bits.contains(.digitalSignature),
            nonRepudiation: bits.contains(.nonRepudiation),
            keyEncipherment: bits.contains(.keyEncipherment),
            dataEncipherment: bits.contains(.dataEncipherment),
            keyAgreement: bits.contains(.keyAgreement),
            keyCertSign: bits.contains(.keyCertSign),
            cRLSign: bits.contains(.crlSign)
        )
    }
}
