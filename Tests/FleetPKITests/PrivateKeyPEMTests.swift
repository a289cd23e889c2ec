import FleetPKI
import Testing

@Suite struct PrivateKeyPEMTests {
    /// Few iterations: what is tested does not depend on their number.
    static let iterations = 10

    @Test(arguments: [KeyType.p256, .p384, .ed25519, .rsa2048])
    func encryptionRoundTrip(_ type: KeyType) throws {
        let key = try KeyPair.generate(type)
        let encrypted = try PrivateKeyPEM.encrypt(key.pem, passphrase: "päss phrase", iterations: Self.iterations)
        #expect(try PrivateKeyPEM.isEncrypted(encrypted))
        #expect(try !PrivateKeyPEM.isEncrypted(key.pem))
        #expect(try PrivateKeyPEM.decrypt(encrypted, passphrase: "päss phrase") == key.pem)
        #expect(try KeyPair(pem: encrypted, passphrase: "päss phrase").publicKey == key.publicKey)
    }

    @Test func eachEncryptionHasItsOwnSalt() throws {
        let pem = try KeyPair.generate().pem
        let first = try PrivateKeyPEM.encrypt(pem, passphrase: "p", iterations: Self.iterations)
        let second = try PrivateKeyPEM.encrypt(pem, passphrase: "p", iterations: Self.iterations)
        #expect(first != second)
    }

    @Test(arguments: ["wrong", "", "secre", "\u{0}secret", "secret\n"])
    func wrongPassphrase(_ passphrase: String) throws {
        let encrypted = try PrivateKeyPEM.encrypt(
            try KeyPair.generate().pem,
            passphrase: "secret",
            iterations: Self.iterations
        )
        #expect(try code { try KeyPair(pem: encrypted, passphrase: passphrase) } == .wrongPassphrase)
        #expect(try code { try KeyPair(pem: encrypted) } == .passphraseRequired)
    }

    @Test func aPassphraseForAPlainKeyIsNotUsed() throws {
        let key = try KeyPair.generate()
        #expect(try PrivateKeyPEM.decrypt(key.pem, passphrase: "not needed") == key.pem)
    }

    @Test(arguments: ["", "a\u{0}b", String(repeating: "x", count: 1025)])
    func unusablePassphrases(_ passphrase: String) throws {
        let pem = try KeyPair.generate().pem
        let thrown = try code { try PrivateKeyPEM.encrypt(pem, passphrase: passphrase, iterations: Self.iterations) }
        #expect(thrown == .invalidPassphrase)
    }

    @Test func overlongPassphraseForReading() throws {
        let pem = try KeyPair.generate().pem
        let long = String(repeating: "x", count: 1025)
        #expect(try code { try KeyPair(pem: pem, passphrase: long) } == .invalidPassphrase)
    }

    @Test(arguments: [0, -1, 10_000_001, Int.max, Int.min])
    func iterationsOutOfRange(_ iterations: Int) throws {
        let pem = try KeyPair.generate().pem
        let thrown = try code { try PrivateKeyPEM.encrypt(pem, passphrase: "p", iterations: iterations) }
        #expect(thrown == .invalidArgument)
    }

    @Test(arguments: [
        ("", "no-pem-block"),
        ("garbage", "no-pem-block"),
        ("-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n", "no-pem-block"),
        ("-----BEGIN PRIVATE KEY-----\nAQID\n", "malformed-pem"),
        ("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n", "malformed-key"),
        ("-----BEGIN EC PRIVATE KEY-----\nAQID\n-----END EC PRIVATE KEY-----\n", "malformed-key"),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "malformed-key"),
        ("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n", "malformed-key"),
        ("-----BEGIN MY OWN PRIVATE KEY-----\nAQID\n-----END MY OWN PRIVATE KEY-----\n", "malformed-key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", "malformed-key"),
    ])
    func malformed(_ pem: String, _ expected: String) throws {
        #expect(try code { try KeyPair(pem: pem) }?.rawValue == expected)
    }

    @Test func twoKeysAreOneTooMany() throws {
        let two = try KeyPair.generate().pem + KeyPair.generate().pem
        #expect(try code { try KeyPair(pem: two) } == .severalItems)
    }

    @Test func damagedCiphertextIsAnErrorWhateverTheOctet() throws {
        let encrypted = try PrivateKeyPEM.encrypt(
            try KeyPair.generate().pem,
            passphrase: "p",
            iterations: Self.iterations
        )
        let characters = Array(encrypted.utf8)
        // Inside the base64 of the last lines: ciphertext, not the parameters.
        let end = try #require(characters.lastIndex(of: UInt8(ascii: "=")) ?? characters.indices.last)
        for position in stride(from: end - 150, to: end - 60, by: 7) {
            var damaged = characters
            damaged[position] = damaged[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            guard damaged[position] != characters[position], characters[position] != UInt8(ascii: "\n") else {
                continue
            }
            let text = String(decoding: damaged, as: UTF8.self)
            // A changed block garbles 16 octets and flips bits of the next; a private scalar changed that way is
            // still a scalar, so what is asserted is that nothing but a key or an error comes out.
            let thrown = try code { try KeyPair(pem: text, passphrase: "p") }
            #expect([nil, .wrongPassphrase, .malformedKey, .unsupportedKey].contains(thrown))
        }
    }

    @Test func aKeyDoesNotPrintItself() throws {
        let key = try KeyPair.generate()
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("pkcs8"))
            #expect(text.utf8.count < 80)
        }
        let issued = try CertificateAuthority.selfSigned(.init(subject: [("CN", "x")]))
        #expect(!"\(issued)".contains("pkcs8"))
        #expect(!"\(issued)".contains("PRIVATE KEY"))
    }
}

@Suite(.needsOpenSSL) struct PrivateKeyPEMWithOpenSSLTests {
    @Test func openSSLReadsWhatIsEncrypted() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        let key = try KeyPair.generate()
        try openssl.write("key.pem", try PrivateKeyPEM.encrypt(key.pem, passphrase: "secret"))
        let plain = try openssl.require("pkey", "-in", "key.pem", "-passin", "pass:secret")
        #expect(try KeyPair(pem: plain).publicKey == key.publicKey)
        #expect(try openssl.run("pkey", "-in", "key.pem", "-passin", "pass:wrong").status != 0)
        let structure = try openssl.require("asn1parse", "-in", "key.pem")
        for part in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"] {
            #expect(structure.contains(part))
        }
    }

    @Test func everyFormOpenSSLWritesIsRead() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        try openssl.require("ecparam", "-name", "prime256v1", "-genkey", "-out", "sec1.pem")
        try openssl.require("ec", "-in", "sec1.pem", "-aes128", "-passout", "pass:secret", "-out", "sec1-old.pem")
        try openssl.require("pkey", "-in", "sec1.pem", "-out", "pkcs8.pem")
        try openssl.require(
            "pkcs8", "-topk8", "-in", "sec1.pem", "-v2", "aes-128-cbc", "-passout", "pass:secret", "-out", "enc.pem"
        )
        try openssl.require(
            "pkcs8", "-topk8", "-in", "sec1.pem", "-scrypt", "-passout", "pass:secret", "-out", "scrypt.pem"
        )
        let reference = try KeyPair(pem: openssl.read("sec1.pem")).publicKey
        for name in ["pkcs8.pem", "sec1-old.pem", "enc.pem", "scrypt.pem"] {
            #expect(try KeyPair(pem: openssl.read(name), passphrase: "secret").publicKey == reference)
        }
        for name in ["sec1-old.pem", "enc.pem", "scrypt.pem"] {
            let pem = try openssl.read(name)
            #expect(try PrivateKeyPEM.isEncrypted(pem))
            #expect(try code { try KeyPair(pem: pem) } == .passphraseRequired)
            #expect(try code { try KeyPair(pem: pem, passphrase: "wrong") } == .wrongPassphrase)
        }
        try openssl.require("genrsa", "-traditional", "-out", "pkcs1.pem", "2048")
        #expect(try KeyPair(pem: openssl.read("pkcs1.pem")).description.contains("RSA2048"))
    }

    @Test func kindsThatAreNotSupportedSaySo() throws {
        let openssl = try OpenSSL()
        defer { openssl.remove() }
        try openssl.require("genpkey", "-algorithm", "X25519", "-out", "x25519.pem")
        try openssl.require("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", "k1.pem")
        for name in ["x25519.pem", "k1.pem"] {
            let pem = try openssl.read(name)
            #expect(try code { try KeyPair(pem: pem) } == .unsupportedKey)
        }
    }
}
