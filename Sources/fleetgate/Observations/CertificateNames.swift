import FleetPolicy
import NIOMbedTLS

/// What a certificate says, in the words of journal and inventory.
enum CertificateNames {
    /// A name with its type: `dns:meter-1.example`, `ip:192.0.2.1`.
    static func text(of name: NIOMbedTLS.SubjectAlternativeName) -> String {
        switch name {
        case .dns(let text): "dns:\(text)"
        case .uri(let text): "uri:\(text)"
        case .email(let text): "email:\(text)"
        case .ip(let bytes): "ip:\(address(bytes))"
        case .directoryName(let name):
            // The subject's form (RFC 4514) is the TLS layer's own; attributes alone do for finding it.
            "directory:" + name.flatMap { $0 }.map { "\($0.oid)=\($0.value)" }.joined(separator: ",")
        case .otherName(let oid, let value): "other:\(oid)=\(HexadecimalText.text(value.prefix(64)))"
        case .registeredID(let oid): "id:\(oid)"
        case .other(let tag): "unknown:0x\(String(tag, radix: 16))"
        }
    }

    /// `RSA`, `P-256` and so on, or the object identifier.
    static func text(of algorithm: PeerCertificate.KeyAlgorithm) -> String {
        switch algorithm {
        case .rsa: "RSA"
        case .ellipticCurve(let oid): curves[oid] ?? oid
        case .other(let oid): oid == "1.3.101.112" ? "Ed25519" : oid
        }
    }

    private static let curves = [
        "1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521",
    ]

    private static func address(_ bytes: [UInt8]) -> String {
        guard bytes.count != 4 else { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: bytes.count - 1, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }.joined(separator: ":")
    }
}
