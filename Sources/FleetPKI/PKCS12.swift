/// PKCS#12 archives (RFC 7292), the form in which many devices and provisioning tools take key and certificate.
public enum PKCS12 {
    /// Iterations of the key derivations: some 0.1 s of one core for each opening. More would shut out small devices.
    public static let defaultIterations = 100_000

    /// Packs a certificate, its chain and its key.
    ///
    /// Encrypted with PBES2 and AES-256-CBC, MAC with HMAC-SHA-256: OpenSSL 1.1, Java 8u301, Windows 10 (1809) and
    /// later read it.
    ///
    /// - Parameters:
    ///   - certificate: DER of the leaf.
    ///   - chain: DER of the certificates above it, nearest first.
    ///   - privateKey: The leaf's key.
    ///   - friendlyName: Shown by tools; nil for none.
    ///   - passphrase: 1 to 1024 octets of UTF-8, without NUL.
    ///   - iterations: 1 to 10,000,000.
    /// - Returns: The archive in DER.
    /// - Throws: ``PKIError``: `key-mismatch`, `malformed-certificate`, `invalid-passphrase`, `invalid-argument`.
    public static func archive(
        certificate: [UInt8],
        chain: [[UInt8]],
        privateKey: KeyPair,
        friendlyName: String? = nil,
        passphrase: String,
        iterations: Int = PKCS12.defaultIterations
    ) throws(PKIError) -> [UInt8] {
        try Libcrypto.archive(
            certificate: certificate,
            chain: chain.flatMap { $0 },
            pkcs8DER: privateKey.pkcs8DER,
            friendlyName: friendlyName,
            passphrase: passphrase,
            iterations: iterations
        )
    }

    /// Packs an issued certificate with its intermediates and key.
    ///
    /// - Throws: As ``archive(certificate:chain:privateKey:friendlyName:passphrase:iterations:)``.
    public static func archive(
        _ issued: IssuedCertificate,
        friendlyName: String? = nil,
        passphrase: String,
        iterations: Int = PKCS12.defaultIterations
    ) throws(PKIError) -> [UInt8] {
        let intermediates = issued.signed.intermediatesPEM
        return try self.archive(
            certificate: issued.certificateDER,
            chain: intermediates.isEmpty ? [] : PEMBlock.decodeAll(intermediates, label: "CERTIFICATE"),
            privateKey: issued.key,
            friendlyName: friendlyName,
            passphrase: passphrase,
            iterations: iterations
        )
    }
}
