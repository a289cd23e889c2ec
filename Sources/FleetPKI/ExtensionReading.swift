import SwiftASN1
import X509

/// The extensions of a certificate, read as far as they can be: a malformed one is noted and the rest is still shown.
struct ExtensionReading {
    private(set) var alternativeNames: [CertificateInspection.Name] = []
    private(set) var keyUsage: [String]?
    private(set) var extendedKeyUsage: [String]?
    private(set) var isCA = false
    private(set) var maxPathLength: Int?
    private(set) var crlDistributionPoints: [String] = []
    private(set) var ocspResponders: [String] = []
    private(set) var unknownCritical: [String] = []
    private(set) var malformed: [String] = []

    init(_ extensions: Certificate.Extensions) {
        for item in extensions {
            do {
                try self.read(item)
            } catch {
                self.malformed.append(item.oid.dotted)
            }
        }
    }

    private mutating func read(_ item: Certificate.Extension) throws {
        switch item.oid {
        case .X509ExtensionID.subjectAlternativeName:
            self.alternativeNames = try SubjectAlternativeNames(item).map { CertificateInspection.Name($0) }
        case .X509ExtensionID.keyUsage:
            self.keyUsage = try KeyUsage(item).names
        case .X509ExtensionID.extendedKeyUsage:
            self.extendedKeyUsage = try ExtendedKeyUsage(item).map { $0.name }
        case .X509ExtensionID.basicConstraints:
            switch try BasicConstraints(item) {
            case .isCertificateAuthority(let maxPathLength):
                self.isCA = true
                self.maxPathLength = maxPathLength
            case .notCertificateAuthority:
                self.isCA = false
            }
        case .X509ExtensionID.subjectKeyIdentifier:
            _ = try SubjectKeyIdentifier(item)
        case .X509ExtensionID.authorityKeyIdentifier:
            _ = try AuthorityKeyIdentifier(item)
        default:
            if item.critical {
                self.unknownCritical.append(item.oid.dotted)
            }
            // Read whether critical or not: mbedTLS knows neither, and refuses a certificate where one is critical.
            let sources = try RevocationSources(item)
            self.crlDistributionPoints += sources.crlDistributionPoints
            self.ocspResponders += sources.ocspResponders
        }
    }
}

extension CertificateInspection.Name {
    fileprivate init(_ name: GeneralName) {
        switch name {
        case .dnsName(let value):
            self.init(type: "dns", value: value)
        case .uniformResourceIdentifier(let value):
            self.init(type: "uri", value: value)
        case .rfc822Name(let value):
            self.init(type: "email", value: value)
        case .ipAddress(let octets):
            let octets = Array(octets.bytes)
            self.init(type: "ip", value: IPAddressText.text(of: octets) ?? "#\(Hexadecimal.encode(octets))")
        case .directoryName(let value):
            self.init(type: "directory", value: value.rfc4514)
        case .otherName(let other):
            self.init(type: "other", value: "otherName \(other.typeID.dotted)")
        case .registeredID(let oid):
            self.init(type: "other", value: "registeredID \(oid.dotted)")
        case .x400Address:
            self.init(type: "other", value: "x400Address")
        case .ediPartyName:
            self.init(type: "other", value: "ediPartyName")
        }
    }
}

extension KeyUsage {
    fileprivate var names: [String] {
        [
            (self.digitalSignature, "digitalSignature"),
            (self.nonRepudiation, "nonRepudiation"),
            (self.keyEncipherment, "keyEncipherment"),
            (self.dataEncipherment, "dataEncipherment"),
            (self.keyAgreement, "keyAgreement"),
            (self.keyCertSign, "keyCertSign"),
            (self.cRLSign, "cRLSign"),
            (self.encipherOnly, "encipherOnly"),
            (self.decipherOnly, "decipherOnly"),
        ].filter { $0.0 }.map { $0.1 }
    }
}

extension ExtendedKeyUsage.Usage {
    fileprivate var name: String {
        switch self {
        case .serverAuth: "serverAuth"
        case .clientAuth: "clientAuth"
        case .codeSigning: "codeSigning"
        case .emailProtection: "emailProtection"
        case .timeStamping: "timeStamping"
        case .ocspSigning: "OCSPSigning"
        case .any: "anyExtendedKeyUsage"
        default: ASN1ObjectIdentifier(self).dotted
        }
    }
}
