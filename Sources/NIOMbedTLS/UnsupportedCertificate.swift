/// Why mbedTLS cannot read a certificate that is none the less well formed. Only for telling: by then mbedTLS has refused
/// the chain, or passed the certificate over as if it had not been sent.
struct UnsupportedCertificate {
    let code: TLSError.Code
    let detail: String
    let subjectDER: [UInt8]

    /// Curves beyond those that have a size here, mbedTLS knows none of. Its numbers have 8192 bits at most.
    private static let rsaBitsMax = 8_192

    /// - Parameter der: as presented.
    /// - Returns: nil when there is nothing of that kind, or it cannot be read here either.
    init?(_ der: [UInt8], depth: Int) {
        guard !der.isEmpty, let parsed = try? ParsedCertificate(der) else { return nil }
        self.subjectDER = parsed.subjectDER
        let what = depth == 0 ? "the leaf" : "certificate \(depth + 1) of the chain"
        if !parsed.signature.isKnown {
            self.code = .unsupportedSignature
            self.detail = "\(what) is signed with algorithm \(parsed.signature.oid)"
        } else if let key = Self.unsupportedKey(parsed) {
            self.code = .unsupportedKey
            self.detail = "\(what) has a key of \(key)"
        } else if let oid = parsed.extensions.unknownCritical {
            self.code = .unsupportedCriticalExtension
            self.detail = "\(what) has the critical extension \(oid)"
        } else {
            return nil
        }
    }

    private static func unsupportedKey(_ parsed: ParsedCertificate) -> String? {
        switch parsed.keyAlgorithm {
        case .rsa: parsed.keyBits > Self.rsaBitsMax ? "\(parsed.keyBits) bits" : nil
        case .ellipticCurve(let oid): parsed.keyBits == 0 ? "curve \(oid)" : nil
        case .other(let oid): "algorithm \(oid)"
        }
    }
}
