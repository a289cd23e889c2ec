import FleetPKI
import FleetPolicy
import NIOMbedTLS

/// A CA whose lists count: a trust anchor, or a CA below one.
struct AuthorityCertificate: Sendable, Hashable {
    let der: [UInt8]
    let id: AuthorityID
    /// The bundle of the anchor, as the configuration names it.
    let bundle: String
    /// The DER of its subject.
    let name: [UInt8]
    /// SHA-256 of the certificate.
    let sha256: [UInt8]
    /// What logs, metrics and listings call it: its common name as far as that is plain, and the first 8 digits of its
    /// id. At most 49 bytes, all of them letters, digits, dots, hyphens and underscores.
    let label: String
    /// The subject in RFC 4514 form.
    let subject: String

    /// - Throws: `PKIError` when it is not a certificate that can be read.
    init(der: [UInt8], bundle: String) throws(PKIError) {
        guard let id = AuthorityID(try AuthorityIDs.id(ofCertificateDER: der)),
            let certificate = try? PeerCertificate(parsing: der)
        else { throw PKIError(code: .malformedCertificate, message: "the CA's certificate cannot be read") }
        self.der = der
        self.id = id
        self.bundle = bundle
        name = try AuthorityIDs.name(ofCertificateDER: der)
        sha256 = certificate.sha256Fingerprint
        subject = certificate.subjectDescription
        label = Self.label(of: certificate, id)
    }

    /// Every certificate of a PEM file of anchors or intermediates.
    ///
    /// - Throws: `PKIError`.
    static func all(pem: [UInt8], bundle: String) throws(PKIError) -> [AuthorityCertificate] {
        let certificates: [PeerCertificate]
        do {
            certificates = try PeerCertificate.reading(pem)
        } catch {
            throw PKIError(code: .malformedCertificate, message: error.detail)
        }
        var all: [AuthorityCertificate] = []
        for certificate in certificates { all.append(try AuthorityCertificate(der: certificate.der, bundle: bundle)) }
        return all
    }

    private static let commonNameMax = 40

    private static func label(of certificate: PeerCertificate, _ id: AuthorityID) -> String {
        let commonName = certificate.subject.joined().last { $0.oid == "2.5.4.3" }?.value ?? "ca"
        let plain = commonName.utf8.prefix(commonNameMax).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
                byte
            case _: UInt8(ascii: "-")
            }
        }
        return String(decoding: plain, as: UTF8.self) + "-" + HexadecimalText.text(id.bytes.prefix(4))
    }
}

/// The CAs that are known, found by name. A value.
struct KnownAuthorities: Sendable {
    private(set) var byID: [AuthorityID: AuthorityCertificate] = [:]
    /// Every certificate of it, by its fingerprint: one CA may have several, in several bundles.
    private(set) var bySHA256: [[UInt8]: AuthorityCertificate] = [:]
    private var byName: [[UInt8]: [AuthorityCertificate]] = [:]

    var count: Int { byID.count }

    /// - Returns: Whether its id was not known before.
    @discardableResult
    mutating func insert(_ authority: AuthorityCertificate) -> Bool {
        guard bySHA256.updateValue(authority, forKey: authority.sha256) == nil else { return false }
        byName[authority.name, default: []].append(authority)
        guard byID[authority.id] == nil else { return false }
        byID[authority.id] = authority
        return true
    }

    /// Certificates of CAs of this name: of one CA, or of namesakes with keys of their own.
    func named(_ name: [UInt8]) -> [AuthorityCertificate] { byName[name] ?? [] }

    /// The bundles that a CA's certificates are in.
    func bundles(of id: AuthorityID) -> Set<String> {
        guard let name = byID[id]?.name else { return [] }
        return Set(named(name).filter { $0.id == id }.map(\.bundle))
    }
}
