import CPKCS12

/// Private keys in PEM: encryption, decryption, and the many forms they come in.
public enum PrivateKeyPEM {
    /// PBKDF2 iterations of a newly encrypted key: the number OWASP recommends for HMAC-SHA-256 since 2023, some
    /// 0.2 s of one core for each opening.
    public static let defaultIterations = 600_000

    /// Encrypts a private key so that OpenSSL 1.1 and later, mbedTLS and Java can read it: PKCS#8
    /// `ENCRYPTED PRIVATE KEY` with PBES2 (RFC 8018), PBKDF2-HMAC-SHA-256 and AES-256-CBC.
    ///
    /// - Parameters:
    ///   - pem: A private key in PEM, not encrypted.
    ///   - passphrase: 1 to 1024 octets of UTF-8.
    ///   - iterations: Of PBKDF2, 1 to 10,000,000.
    /// - Throws: ``PKIError``: `invalid-passphrase`, `invalid-argument`, and what reading the key gives.
    public static func encrypt(
        _ pem: String,
        passphrase: String,
        iterations: Int = PrivateKeyPEM.defaultIterations
    ) throws(PKIError) -> String {
        try Libcrypto.encryptKey(
            pkcs8DER: self.decode(pem, passphrase: nil),
            passphrase: passphrase,
            iterations: iterations
        )
    }

    /// Decrypts a private key: `PRIVATE KEY` (PKCS#8) of a key in any form, encrypted or not.
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `several-items`, `passphrase-required`, `wrong-passphrase`,
    ///   `malformed-key`.
    public static func decrypt(_ pem: String, passphrase: String?) throws(PKIError) -> String {
        PEMBlock.encode(label: "PRIVATE KEY", der: try self.decode(pem, passphrase: passphrase))
    }

    /// Whether the private key of a PEM text is encrypted, by its label or its `Proc-Type` header (RFC 1421).
    ///
    /// - Throws: ``PKIError``: `no-pem-block`, `several-items`, `malformed-pem`.
    public static func isEncrypted(_ pem: String) throws(PKIError) -> Bool {
        let block = try self.keyBlock(pem)
        return block.label == "ENCRYPTED PRIVATE KEY" || block.body.contains("Proc-Type: 4,ENCRYPTED")
    }

    /// The key as PKCS#8 PrivateKeyInfo in DER.
    static func decode(_ pem: String, passphrase: String?) throws(PKIError) -> [UInt8] {
        _ = try self.keyBlock(pem)
        return try Libcrypto.decodeKey(pem: pem, passphrase: passphrase)
    }

    /// The one private key of the text: with two, which was meant is a guess.
    private static func keyBlock(_ pem: String) throws(PKIError) -> PEMBlock {
        let blocks = try PEMBlock.scan(pem).filter { $0.label == "PRIVATE KEY" || $0.label.hasSuffix(" PRIVATE KEY") }
        guard let block = blocks.first else {
            throw PKIError(code: .noPEMBlock, message: "the text has no private key in PEM")
        }
        guard blocks.count == 1 else {
            throw PKIError(code: .severalItems, message: "the text has \(blocks.count) private keys, one is expected")
        }
        return block
    }
}
