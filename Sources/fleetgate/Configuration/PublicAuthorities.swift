import Foundation
import NIOMbedTLS

/// The CAs of the public web as this machine knows them: whoever trusts one of them for devices trusts everybody who can
/// get a certificate for a web site.
struct PublicAuthorities: Sendable {
    /// Files with the CAs that the machine trusts; the first that is there counts.
    let bundles: [String]
    /// Folders of CAs that the machine's operator has added to them: those are not public.
    let ownFolders: [String]

    /// Debian and its relatives, Red Hat and its.
    static let system = PublicAuthorities(
        bundles: [MaterialReader.systemCABundle, "/etc/pki/tls/certs/ca-bundle.crt"],
        ownFolders: ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"])

    /// Bytes of the machine's bundle that are read: many times those of the public web's, for what an operator has added.
    private static let bundleBytesMax = 16 << 20
    /// Files of one folder that are read: an operator has a handful.
    private static let filesMax = 1024

    /// The names and keys of the public CAs (``NIOMbedTLS/PeerCertificate/authorityID``); empty when the machine has no
    /// bundle.
    func identifiers() -> Set<[UInt8]> {
        let bundle = bundles.lazy.compactMap { try? BoundedFile.readText($0, bytesMax: Self.bundleBytesMax) }.first
        guard let bundle else { return [] }
        return Self.identifiers(bundle).subtracting(ownFolders.flatMap(Self.identifiers(folder:)))
    }

    private static func identifiers(folder: String) -> Set<[UInt8]> {
        let names = FileManager.default.enumerator(atPath: folder)?.lazy.compactMap { $0 as? String } ?? nil
        guard let names else { return [] }
        var found: Set<[UInt8]> = []
        for name in names.prefix(filesMax) {
            guard let text = try? BoundedFile.readText("\(folder)/\(name)", bytesMax: BoundedFile.pemBytesMax) else {
                continue
            }
            found.formUnion(identifiers(text))
        }
        return found
    }

    /// One certificate after the other: what cannot be read is not trusted by us either.
    private static func identifiers(_ pem: String) -> Set<[UInt8]> {
        let end = "-----END CERTIFICATE-----"
        var found: Set<[UInt8]> = []
        var rest = pem[...]
        while let range = rest.range(of: end) {
            let block = rest[..<range.upperBound]
            rest = rest[range.upperBound...]
            guard let certificate = try? PeerCertificate.reading(Array(block.utf8)).first else { continue }
            found.insert(certificate.authorityID)
        }
        return found
    }
}
